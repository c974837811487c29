#!/usr/bin/env python3
"""Writes case.toml from thefts.csv: one theft a row. Run it beside the file; it prints the case."""
import csv
import pathlib

HEAD = """\
# The theft from Bitfinex, 2 August 2016: one entry for each row of thefts.csv, written by
# make-case.py beside this file. Only transaction, sender, receiver and amount are known.
schema = "dyepack.case/1"
id = "bitfinex-2016"
title = "Bitfinex"
date = "2016-08-02"
sources = ["thefts.csv (MIT, FranciscoCavazos/bitfinex-biggest-heist-forensics)"]
"""

THEFT = """\
[[theft]]
chain = "bitcoin"
from = "{from}"
to = "{to}"
tx = "{txid}"
asset = "BTC"
amount = "{amount}"
"""

with (pathlib.Path(__file__).parent / "thefts.csv").open(newline="") as file:
    print("\n".join([HEAD, *(THEFT.format(**row) for row in csv.DictReader(file))]), end="")

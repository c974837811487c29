"""Answers before speed: what must be equal before a ratio is printed."""

import numpy as np


class Disagreement(Exception):
    """Ours and a peer's answer differ, or two of ours."""


def check(run, folder):
    """Compares all answers of one world."""
    ours, peers = run["ours"], run["peers"]
    poison = ours["poison"]["checksum"]
    equal(run, "reach by the index", poison, ours["reach"]["checksum"])
    equal(run, "reach with arrivals", poison, ours["arrivals"]["checksum"])
    for traced in ours["trace"]:
        if not traced["same"]:
            raise Disagreement(f"{name(run)}: trace and replay of the theft at row {traced['theft']}")
    for rule in ("haircut", "fifo", "lifo"):
        if rule in peers:
            equal(run, f"{rule} in Python", ours[rule]["checksum"], peers[rule]["checksum"])
    if "duckdb" in peers:
        equal(run, "reach in DuckDB", poison, peers["duckdb"]["checksum"])
        in_time = np.load(folder / "reached-duckdb.npy")
        at_all = np.load(folder / "reached-scipy.npy")
        if not np.isin(in_time, at_all).all():
            raise Disagreement(f"{name(run)}: SciPy does not reach all that is reached in time")


def equal(run, what, ours, theirs):
    """Every field that the other side has too must be the same."""
    for field, value in theirs.items():
        if ours[field] != value:
            raise Disagreement(f"{name(run)}: {what}: {field} is {value}, ours {ours[field]}")


def name(run):
    return f"{run['shape']}, {run['rows']} transfers"

"""A laundered chain as the ranking peers see it: transfers as columns, and what everybody may know of places.

The layout is described in bench/src/laundering/files.rs. Peers are shown value and not units, so that assets
can be compared; and who is a service, as ours is: labelled ones from the beginning, suspected ones from the
transfer on with which they have met very many others. Value that arrives there stays.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROW = np.dtype(
    [("amount", "<u8"), ("amount_to", "<u8"), ("from", "<u4"), ("to", "<u4"), ("asset", "<u4"), ("asset_to", "<u4")]
)
NOBODY = 0xFFFFFFFF
NEVER = np.iinfo(np.int64).max


@dataclass
class Chain:
    """Transfers in order of time, which is their number. A swap goes from a place to itself."""

    senders: np.ndarray  # place, -1 for new value
    receivers: np.ndarray
    assets: np.ndarray
    assets_to: np.ndarray
    values: np.ndarray  # what leaves, in the common unit
    values_to: np.ndarray
    places: int
    theft: int  # number of the transfer that took the money
    thief: int
    stops_from: np.ndarray  # by place, the first transfer that ends there; NEVER if none does

    @property
    def swaps(self):
        return self.senders == self.receivers

    def never_stops(self):
        """The same chain to somebody who knows no service."""
        return Chain(**{**self.__dict__, "stops_from": np.full(self.places, NEVER)})

    def payments(self):
        """Numbers of the transfers between two places."""
        return np.flatnonzero((self.senders >= 0) & ~self.swaps)

    def stops(self):
        """Places that are services at the end of the data."""
        return self.stops_from < len(self.senders)

    def holders(self):
        """Places that hold something when the data ends. Who pays more than was seen to come holds nothing."""
        held = {}
        columns = (self.senders, self.receivers, self.assets, self.assets_to, self.values, self.values_to)
        for sender, receiver, asset, asset_to, value, value_to in zip(*(column.tolist() for column in columns)):
            if sender >= 0:
                held[sender, asset] = max(0.0, held.get((sender, asset), 0.0) - value)
            held[receiver, asset_to] = held.get((receiver, asset_to), 0.0) + value_to
        holds = np.zeros(self.places, dtype=bool)
        holds[[place for (place, _), value in held.items() if value > 0]] = True
        return holds


def read_chain(folder):
    """The chain in a folder."""
    facts = json.loads((Path(folder) / "world.json").read_text())
    rows = np.fromfile(Path(folder) / "rows.bin", dtype=ROW)
    unit = np.array(facts["value_of_unit"], dtype=float)
    senders = rows["from"].astype(np.int64)
    senders[rows["from"] == NOBODY] = -1
    assets, assets_to = rows["asset"].astype(np.int64), rows["asset_to"].astype(np.int64)
    stops_from = np.full(facts["places"], NEVER)
    for place, row in facts["suspected"]:
        stops_from[place] = row + 1
    stops_from[facts["labelled"]] = 0
    return Chain(
        senders=senders,
        receivers=rows["to"].astype(np.int64),
        assets=assets,
        assets_to=assets_to,
        values=rows["amount"] * unit[assets],
        values_to=rows["amount_to"] * unit[assets_to],
        places=facts["places"],
        theft=facts["theft"],
        thief=facts["thief"],
        stops_from=stops_from,
    )


class Slices:
    """Numbers grouped by a key: `of(key)` are those with that key, in their order."""

    def __init__(self, keys, numbers, count):
        order = np.argsort(keys, kind="stable")
        self.numbers = numbers[order]
        self.begins = np.searchsorted(keys[order], np.arange(count + 1))

    def of(self, key):
        return self.numbers[self.begins[key] : self.begins[key + 1]]

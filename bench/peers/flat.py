"""What every peer needs and no clock sees: the flat files of a world, and the checksum of an answer.

The layout is described in bench/src/flat.rs, the checksum in bench/src/checksum.rs.
"""

import argparse
import gc
import hashlib
import json
import resource
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROW = np.dtype([("amount", "<u8"), ("from", "<u4"), ("to", "<u4")])
POT = np.dtype([("place", "<u4"), ("asset", "<u4")])
NO_POT = 0xFFFFFFFF


@dataclass
class World:
    """A generated chain: its rows as columns, which pots are stops, and the rows that are thefts."""

    amounts: np.ndarray
    senders: np.ndarray
    receivers: np.ndarray
    stops: np.ndarray
    thefts: list
    pots: int
    folder: Path
    rounds: int

    def lists(self):
        """The columns as lists of Python integers. A sender that is none is the pot -1: the last of a
        list one longer than there are pots. It holds nothing, so what it pays is new and clean."""
        senders = self.senders.astype(np.int64)
        senders[self.senders == NO_POT] = -1
        return self.amounts.tolist(), senders.tolist(), self.receivers.tolist()


def read_world():
    """The world in the folder that the command line names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=1, help="the fastest of so many counts")
    wanted = parser.parse_args()
    folder = wanted.folder
    facts = json.loads((folder / "world.json").read_text())
    rows = np.fromfile(folder / "rows.bin", dtype=ROW)
    pots = np.fromfile(folder / "pots.bin", dtype=POT)
    stops = np.isin(pots["place"], np.array(facts["stops"], dtype=np.uint32))
    columns = [np.ascontiguousarray(rows[name]) for name in ("amount", "from", "to")]
    return World(*columns, stops, facts["thefts"], len(pots), folder, wanted.rounds)


def amounts_checksum(units):
    """The checksum of {pot: units}, where units are not 0."""
    digest = hashlib.sha256()
    for pot in sorted(units):
        digest.update(b"%d %d\n" % (pot, units[pot]))
    return {"pots": len(units), "sum": str(sum(units.values())), "amounts": digest.hexdigest()}


def arrivals_checksum(pots, rows):
    """The checksum of arrays: each reached pot, ascending, and the row with which taint first came."""
    digest = hashlib.sha256()
    for pot, row in zip(pots.tolist(), rows.tolist()):
        digest.update(b"%d %d\n" % (pot, row))
    first_sum = sum(rows.tolist())
    return {"reached": len(pots), "first_sum": str(first_sum), "arrivals": digest.hexdigest()}


def timed(world, run):
    """The answer of a run, and the seconds of each round. Python's collector of cycles is off while
    the clock runs: there are no cycles, and it would only look for them."""
    seconds = []
    for _ in range(world.rounds):
        gc.collect()
        gc.disable()
        begin = time.perf_counter()
        answer = run()
        seconds.append(time.perf_counter() - begin)
        gc.enable()
    return answer, seconds


def keep_reached(world, peer, pots):
    """Leaves the pots that a peer reached beside the world, for whoever compares."""
    np.save(world.folder / f"reached-{peer}.npy", pots.astype(np.uint32))


def report(world, seconds, checksum, **more):
    """Prints what was measured."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    measured = {"rows": len(world.amounts), "seconds": seconds, "checksum": checksum}
    print(json.dumps({**measured, "peak_kib": peak, **more}))

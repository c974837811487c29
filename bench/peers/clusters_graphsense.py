"""Co-spend clusters by the wheel `graphsense-clustering`, GraphSense's own union-find in Rust, on the
transactions that bench/src/spends.rs wrote. Its best setting: Arrow arrays, made outside the clock, read in
place (`process_transactions_arrow`), all cores, and the mapping as it comes (`get_mapping`).
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import pyarrow
from gs_clustering import Clustering

from flat import timed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=1, help="the fastest of so many counts")
    world = parser.parse_args()
    offsets = np.fromfile(world.folder / "offsets.bin", dtype="<u4").astype(np.int32)
    addresses = np.fromfile(world.folder / "addresses.bin", dtype="<u4")
    inputs = pyarrow.ListArray.from_arrays(pyarrow.array(offsets), pyarrow.array(addresses))
    greatest = int(addresses.max())

    def cluster():
        clusters = Clustering(max_address_id=greatest)
        clusters.process_transactions_arrow(inputs)
        return clusters.get_mapping()

    mapping, seconds = timed(world, cluster)
    print(json.dumps({"seconds": seconds, "partition": partition(mapping)}))


def partition(mapping):
    """The checksum of a partition, each cluster named by its smallest address, whatever its name was."""
    own, cluster = (np.asarray(mapping.column(at), dtype=np.uint32) for at in (0, 1))
    smallest = np.full(int(cluster.max()) + 1, 0xFFFFFFFF, dtype=np.uint32)
    np.minimum.at(smallest, cluster, own)
    names = np.zeros(int(own.max()) + 1, dtype="<u4")
    names[own] = smallest[cluster]
    return hashlib.sha256(names.tobytes()).hexdigest()


if __name__ == "__main__":
    main()

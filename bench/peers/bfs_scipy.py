"""Reach in SciPy: breadth-first search over a CSR graph of pots. It knows no time: value may leave a pot
before it came. So it reaches more than there is, and its answer is checked to be a superset, no more.

Making the graph is outside the clock. One more node leads to all that the thefts reached.
"""

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order

from flat import NO_POT, keep_reached, read_world, report, timed


def graph(world):
    carries = world.senders != NO_POT
    carries[carries] = ~world.stops[world.senders[carries]]
    thief = np.full(len(world.thefts), world.pots)
    senders = np.concatenate([world.senders[carries], thief]).astype(np.int32)
    receivers = np.concatenate([world.receivers[carries], world.receivers[world.thefts]])
    ones = np.ones(len(senders), dtype=np.float64)
    nodes = world.pots + 1
    return csr_array((ones, (senders, receivers.astype(np.int32))), shape=(nodes, nodes))


def main():
    world = read_world()
    edges = graph(world)

    def search():
        return breadth_first_order(edges, world.pots, return_predecessors=False)

    order, seconds = timed(world, search)
    reached = np.sort(order[order < world.pots])
    keep_reached(world, "scipy", reached)
    report(world, seconds, {"reached": len(reached)})


if __name__ == "__main__":
    main()

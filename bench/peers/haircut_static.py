"""Haircut as published for graphs of accounts: the baseline of TRacer's comparison.

A node passes on all that it was polluted with, to those whom it has paid, in proportion to the value paid. The
node with the most pollution goes next; each goes once; pollution below `least` stays where it is. It knows no
order of transfers. `in_time` adds as much of it as a graph can: only payments after the node was first reached.

Haircut by the balance of the moment, as Moeser, Boehme and Breuker (2014) have it for transactions, needs the
exact order of all transfers; on accounts that is our rule of that name.
"""

import heapq

import numpy as np

from laundered import NEVER, Slices


def haircut_static(chain, in_time=False, least=1e-4):
    """The pollution of each place at the end."""
    paid = chain.payments()
    outs = Slices(chain.senders[paid], paid, chain.places)
    pollution = np.zeros(chain.places)
    reached = np.full(chain.places, NEVER)
    gone = chain.stops()
    pollution[chain.thief], reached[chain.thief] = 1.0, chain.theft
    queue = [(-1.0, chain.thief)]
    while queue:
        known, place = heapq.heappop(queue)
        if gone[place] or -known < pollution[place]:
            continue
        gone[place] = True
        rows = outs.of(place)
        if in_time:
            rows = rows[rows > reached[place]]
        sums = chain.values[rows].sum()
        if sums == 0:
            continue
        mass, pollution[place] = pollution[place], 0.0
        receivers = chain.receivers[rows]
        np.add.at(pollution, receivers, mass * chain.values[rows] / sums)
        np.minimum.at(reached, receivers, rows)
        for receiver in set(receivers.tolist()):
            if pollution[receiver] >= least and not gone[receiver]:
                heapq.heappush(queue, (-pollution[receiver], receiver))
    return pollution

"""Poison as published: whoever received anything after it was poisoned is poisoned (Moeser, Boehme, Breuker
2014), and all that they paid on. It says whom, not how much; three orders of the answer are tried: by the value
of tainted receipts (`value`), by hops and then value (`hops`), by first arrival (`arrival`). A service keeps
what arrives.
"""

import numpy as np

ORDERS = ("value", "hops", "arrival")


def poison_reach(chain):
    """By place: tainted receipts in value, hops, and number of the first; 0, -1 and -1 where there is none."""
    value, hops = np.zeros(chain.places), np.full(chain.places, -1)
    first = np.full(chain.places, -1)
    value[chain.thief], hops[chain.thief], first[chain.thief] = chain.values[chain.theft], 0, chain.theft
    hop_of, stops_from = hops.tolist(), chain.stops_from.tolist()
    poisoned = {(chain.thief, int(chain.assets[chain.theft]))}
    columns = (chain.senders, chain.receivers, chain.assets, chain.assets_to, chain.values)
    rows = zip(*(column[chain.theft + 1 :].tolist() for column in columns))
    for row, (sender, receiver, asset, asset_to, paid) in enumerate(rows, chain.theft + 1):
        if (sender, asset) not in poisoned:
            continue
        if sender != receiver:
            value[receiver] += paid
            if first[receiver] < 0:
                first[receiver] = row
            if hop_of[receiver] < 0 or hop_of[sender] + 1 < hop_of[receiver]:
                hop_of[receiver] = hop_of[sender] + 1
        if stops_from[receiver] > row:
            poisoned.add((receiver, asset_to))
    return value, np.array(hop_of), first


def in_order(reached, order):
    """Scores of which the greatest comes first."""
    value, hops, first = reached
    if order == "value":
        return value
    known = hops >= 0
    keys = (-value, hops) if order == "hops" else (first,)
    ranks = np.empty(len(value))
    ranks[np.lexsort(keys)] = np.arange(len(value), 0, -1)
    return np.where(known, ranks, 0.0)

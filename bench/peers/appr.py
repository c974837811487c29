"""APPR, approximate personalised PageRank by local push:

    Reid Andersen, Fan Chung, Kevin Lang: Local Graph Partitioning using PageRank Vectors. FOCS 2006.

A node whose residual is above epsilon times its degree keeps alpha of it as its rank and shares the rest with
its neighbours. It knows neither time nor assets. Three graphs are tried: `both`, neighbours in either direction
alike, as in the paper and in TRacer's comparison; `onward`, only whom a node has paid; `valued`, the same in
proportion to the value paid. A service keeps what arrives.
"""

from collections import deque

import numpy as np
from scipy.sparse import coo_array

GRAPHS = ("both", "onward", "valued")


def appr(chain, graph="both", alpha=0.15, epsilon=1e-6):
    """The rank of each place."""
    shares = neighbours(chain, graph)
    begins, others, parts = shares.indptr, shares.indices, shares.data
    stops = chain.stops().tolist()
    rank, residual = np.zeros(chain.places), np.zeros(chain.places)
    residual[chain.thief] = 1.0
    queue, waits = deque([chain.thief]), np.zeros(chain.places, dtype=bool)
    degrees = np.diff(begins)
    enough = epsilon * np.maximum(degrees, 1)
    while queue:
        place = queue.popleft()
        waits[place] = False
        mass = residual[place]
        residual[place] = 0
        if stops[place] or degrees[place] == 0:
            rank[place] += mass
            continue
        rank[place] += alpha * mass
        near = slice(begins[place], begins[place + 1])
        reached = others[near]
        residual[reached] += (1 - alpha) * mass * parts[near]
        ready = reached[(residual[reached] > enough[reached]) & ~waits[reached]]
        waits[ready] = True
        queue.extend(ready.tolist())
    return rank


def neighbours(chain, graph):
    """By node, its neighbours and the share that each gets, as a sparse matrix of rows."""
    paid = chain.payments()
    sent, got, values = chain.senders[paid], chain.receivers[paid], chain.values[paid]
    if graph == "both":
        sent, got, values = np.concatenate([sent, got]), np.concatenate([got, sent]), np.tile(values, 2)
    shape = (chain.places, chain.places)
    shares = coo_array((values, (sent, got)), shape=shape).tocsr()
    if graph != "valued":
        shares.data[:] = 1.0
    sums = np.maximum(shares.sum(axis=1), 1e-300)
    shares.data /= np.repeat(sums, np.diff(shares.indptr))
    return shares

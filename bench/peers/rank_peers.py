"""Runs the ranking peers on one laundered chain, each with all its settings: `rank_peers.py FOLDER [--quick]`.

Prints, by peer and settings, places with a score each, greatest first. Settings are many on purpose: what is
compared in the end is each peer's best.
"""

import argparse
import json
from itertools import product
from pathlib import Path

import numpy as np

from appr import GRAPHS, appr
from haircut_static import haircut_static
from laundered import read_chain
from poison_reach import ORDERS, in_order, poison_reach
from ttr import ttr

# What each paper or its program begins with; no service is known to it.
AS_PUBLISHED = "as published"


def rankings(chain, quick):
    """Yields (peer, settings, scores by place, value that the peer itself names or None)."""
    blind = chain.never_stops()
    yield "TTR", AS_PUBLISHED, ttr(blind, alpha=0.15, beta=0.8, epsilon=1e-4 if quick else 1e-5), None
    yield "APPR", AS_PUBLISHED, appr(blind, "both", alpha=0.15, epsilon=1e-5), None
    yield "haircut, static", AS_PUBLISHED, haircut_static(blind, least=1e-3), None
    reached = poison_reach(blind)
    yield "poison", AS_PUBLISHED, in_order(reached, "hops"), reached[0]
    for (alpha, beta), epsilon in ttr_settings(quick):
        yield "TTR", f"α {alpha}, β {beta}, ε {epsilon:g}", ttr(chain, alpha, beta, epsilon), None
    alphas = (0.05,) if quick else (0.01, 0.05, 0.15)
    for graph, alpha, epsilon in product(GRAPHS, alphas, (1e-5, 1e-6)):
        yield "APPR", f"{graph}, α {alpha}, ε {epsilon:g}", appr(chain, graph, alpha, epsilon), None
    for in_time, least in product((False, True), (1e-3, 1e-4, 1e-5)):
        when = "in time" if in_time else "no time"
        yield "haircut, static", f"{when}, least {least:g}", haircut_static(chain, in_time, least), None
    reached = poison_reach(chain)
    for order in ORDERS:
        yield "poison", f"by {order}", in_order(reached, order), reached[0]


def ttr_settings(quick):
    """((alpha, beta), epsilon): onward in time only, and both ways."""
    if quick:
        return [((0.05, 1.0), 1e-4)]
    onward = product(product((0.01, 0.05, 0.15), (1.0,)), (1e-3, 1e-4))
    return [*onward, *product(product((0.05, 0.15), (0.7, 0.9)), (1e-3, 1e-4))]


def listed(scores, among, claims, most):
    """Places by falling score, with score and claim."""
    places = np.flatnonzero((scores > 0) & among)
    places = places[np.lexsort((places, -scores[places]))][:most]
    claims = scores if claims is None else claims
    return [[place, score] for place, score in zip(places.tolist(), claims[places].tolist())]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--quick", action="store_true", help="few settings")
    parser.add_argument("--most", type=int, default=1500, help="places of each list")
    wanted = parser.parse_args()
    chain = read_chain(wanted.folder)
    everybody = np.ones(chain.places, dtype=bool)
    holders = chain.holders() | chain.stops()
    answers = {"reached": int((poison_reach(chain)[2] >= 0).sum())}
    for peer, settings, scores, claims in rankings(chain, wanted.quick):
        own = answers.setdefault(peer, {})
        own[settings] = listed(scores, everybody, claims, wanted.most)
        if settings != AS_PUBLISHED:
            own[f"{settings}, holders"] = listed(scores, holders, claims, wanted.most)
    print(json.dumps(answers))


if __name__ == "__main__":
    main()

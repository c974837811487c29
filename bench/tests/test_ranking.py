"""The ranking peers on graphs small enough to work out on paper, and how lists are judged. `bench/run` runs
this before it measures anything; by hand: `bench/.venv/bin/python -m unittest discover -s bench/tests`.
"""

import sys
import unittest
from pathlib import Path

import numpy as np

BENCH = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(BENCH), str(BENCH / "peers")]

from appr import appr
from harness.scores import balanced, scores, true_places
from haircut_static import haircut_static
from laundered import NEVER, Chain
from poison_reach import in_order, poison_reach
from rank_peers import listed
from ttr import ttr

VICTIM, THIEF = 9, 0


def chain(rows, stops=(), theft=0):
    """A chain of (sender, receiver, value) in asset 0; of (sender, receiver, value, asset); or of swaps
    (who, who, value, asset, asset_to). The theft is of asset 0 and comes first unless another row is named."""
    full = []
    for row in rows:
        sender, receiver, value, asset, asset_to = (*row, 0, 0) if len(row) == 3 else (*row, row[3])[:5]
        full.append((sender, receiver, asset, asset_to, float(value), float(value)))
    columns = [np.array(column) for column in zip(*full)]
    stops_from = np.full(10, NEVER)
    for place, row in dict(stops).items():
        stops_from[place] = row
    return Chain(*columns, places=10, theft=theft, thief=THIEF, stops_from=stops_from)


class Peers(unittest.TestCase):
    def check(self, got, want):
        """Every place has its score, and those not named have none."""
        expected = np.zeros(10)
        for place, score in want.items():
            expected[place] = score
        np.testing.assert_allclose(got, expected, atol=1e-4)

    def ttr(self, rows, want, alpha=0.15, beta=1.0, **more):
        self.check(ttr(chain(rows, **more), alpha, beta, 1e-7), want)

    def test_ttr_goes_by_value(self):
        rows = [(VICTIM, THIEF, 100), (0, 1, 60), (0, 2, 40)]
        self.ttr(rows, {0: 0.15, 1: 0.85 * 0.6, 2: 0.85 * 0.4})

    def test_ttr_goes_back_too(self):
        # Nothing came to the thief before the loot, so that part stays with him and is pushed again: in the end
        # he keeps 0.15 of every 0.745, and the rest goes on. Nor did anything come to the others before.
        rows = [(VICTIM, THIEF, 100), (0, 1, 60), (0, 2, 40)]
        on = 0.85 * 0.7 / 0.745
        self.ttr(rows, {0: 1 - on, 1: on * 0.6, 2: on * 0.4}, beta=0.7)
        # Place 2 got from 3 before it got the loot: all but what it keeps goes back there or is pushed again.
        rows = [(3, 2, 5), (VICTIM, THIEF, 100), (0, 2, 40)]
        back = on * 0.85 * 0.3 / (1 - 0.85 * 0.7)
        self.ttr(rows, {0: 1 - on, 2: on - back, 3: back}, beta=0.7, theft=1)

    def test_ttr_knows_time(self):
        rows = [(0, 3, 50), (1, 4, 50), (VICTIM, THIEF, 100), (0, 1, 60)]
        self.ttr(rows, {0: 0.15, 1: 0.85}, theft=2)
        # What came later does not go with what left before: 30 of 60 had gone to 2 when 3 was paid.
        rows = [(VICTIM, THIEF, 100), (0, 1, 50), (1, 2, 30), (0, 1, 50), (1, 3, 30)]
        first, second = 0.85 / 2, 0.85 / 2
        onto_3 = 0.85 * (first / 2 + second)
        self.ttr(rows, {0: 0.15, 1: 0.15 * 0.85, 2: 0.85 * first / 2, 3: onto_3})

    def test_ttr_knows_assets(self):
        rows = [(VICTIM, THIEF, 100), (0, 1, 60, 1), (0, 2, 40, 0)]
        self.ttr(rows, {0: 0.15, 2: 0.85})

    def test_ttr_follows_swaps(self):
        # Half is swapped; of the other asset some had gone before, and what remains goes to 2 and 3.
        rows = [(VICTIM, THIEF, 100), (0, 4, 9, 1), (0, 0, 50, 0, 1), (0, 1, 50, 0), (0, 2, 30, 1), (0, 3, 10, 1)]
        self.ttr(rows, {0: 0.15, 1: 0.85 / 2, 2: 0.85 * 3 / 8, 3: 0.85 / 8})
        # What was swapped and not spent stays.
        self.ttr(rows[:4], {0: 0.15 + 0.85 / 2, 1: 0.85 / 2})

    def test_ttr_ends_at_services(self):
        rows = [(VICTIM, THIEF, 100), (0, 1, 50), (1, 2, 50), (0, 1, 50), (1, 2, 50)]
        self.ttr(rows, {0: 0.15, 1: 0.85}, stops={1: 0})
        # A service from row 2 on: the first receipt went on before.
        half = 0.85 / 2
        self.ttr(rows, {0: 0.15, 1: 0.15 * half + half, 2: 0.85 * half}, stops={1: 2})

    def test_appr(self):
        path = chain([(VICTIM, THIEF, 100), (0, 1, 60), (1, 2, 60)])
        self.check(appr(path, "onward", 0.5, 1e-9), {0: 0.5, 1: 0.25, 2: 0.25})
        fork = chain([(VICTIM, THIEF, 100), (0, 1, 90), (0, 2, 10)])
        self.check(appr(fork, "onward", 0.5, 1e-9), {0: 0.5, 1: 0.25, 2: 0.25})
        self.check(appr(fork, "valued", 0.5, 1e-9), {0: 0.5, 1: 0.45, 2: 0.05})
        # To and fro between two: 1/2 + 1/8 + ... and the rest.
        pair = chain([(0, 1, 60), (0, 1, 30)])
        self.check(appr(pair, "both", 0.5, 1e-9), {0: 2 / 3, 1: 1 / 3})
        # The rank is never above what it would be without end, and below it by no more than epsilon a degree.
        coarse = appr(path, "both", 0.15, 1e-2)
        fine = appr(path, "both", 0.15, 1e-12)
        self.assertTrue(np.all(coarse <= fine + 1e-12) and fine.sum() > 0.999 > coarse.sum())
        stopped = chain([(VICTIM, THIEF, 100), (0, 1, 60), (1, 2, 60)], stops={1: 0})
        self.check(appr(stopped, "onward", 0.5, 1e-9), {0: 0.5, 1: 0.5})

    def test_haircut_without_order(self):
        rows = [(1, 3, 30), (VICTIM, THIEF, 100), (0, 1, 60), (0, 2, 40)]
        early = chain(rows, theft=1)
        self.check(haircut_static(early, False, 1e-9), {3: 0.6, 2: 0.4})
        self.check(haircut_static(early, True, 1e-9), {1: 0.6, 2: 0.4})
        self.check(haircut_static(early, False, 0.5), {3: 0.6, 2: 0.4})
        self.check(haircut_static(early, False, 0.7), {1: 0.6, 2: 0.4})
        self.check(haircut_static(chain(rows, theft=1, stops={1: 0}), False, 1e-9), {1: 0.6, 2: 0.4})
        # Each goes once: what comes back to the thief stays with him.
        circle = chain([(VICTIM, THIEF, 100), (0, 1, 100), (1, 0, 50), (1, 2, 50)])
        self.check(haircut_static(circle, False, 1e-9), {0: 0.5, 2: 0.5})

    def test_poison(self):
        rows = [(2, 4, 1), (VICTIM, THIEF, 100), (0, 1, 60), (1, 2, 70), (1, 5, 3, 1), (2, 3, 10), (0, 3, 40)]
        value, hops, first = poison_reach(chain(rows, theft=1))
        self.check(value, {0: 100, 1: 60, 2: 70, 3: 50})
        self.assertEqual(hops.tolist(), [0, 1, 2, 1, -1, -1, -1, -1, -1, -1])
        self.assertEqual(first[:5].tolist(), [1, 2, 3, 5, -1])
        orders = {"value": [0, 2, 1, 3], "hops": [0, 1, 3, 2], "arrival": [0, 1, 2, 3]}
        everybody = np.ones(10, dtype=bool)
        for order, want in orders.items():
            ranked = listed(in_order((value, hops, first), order), everybody, value, 9)
            self.assertEqual([place for place, _ in ranked], want, order)
        # It goes on in what it was swapped into, and ends at a service.
        rows = [(VICTIM, THIEF, 100), (0, 0, 60, 0, 1), (0, 1, 60, 1), (1, 2, 60, 1)]
        self.check(poison_reach(chain(rows))[0], {0: 100, 1: 60, 2: 60})
        self.check(poison_reach(chain(rows, stops={1: 0}))[0], {0: 100, 1: 60})

    def test_holders(self):
        rows = [(-1, 5, 10), (VICTIM, THIEF, 100), (0, 1, 60), (1, 2, 70), (2, 2, 70, 0, 1), (5, 6, 10)]
        self.assertEqual(np.flatnonzero(chain(rows, theft=1).holders()).tolist(), [0, 2, 6])


class Scores(unittest.TestCase):
    # Place 4 has dust: its value counts, it does not.
    TRUTH = {1: 600_000, 2: 300_000, 3: 99_991, 4: 9}

    def check(self, listed, is_value, want):
        np.testing.assert_allclose(scores(listed, self.TRUTH, is_value), want, atol=1e-9)

    def test_values(self):
        self.assertEqual(true_places(self.TRUTH), 3)
        exact = [[1, 600_000], [2, 300_000], [3, 99_991], [4, 9]]
        self.check(exact, True, [0.999991, 1, 1, 1, 1, 1])
        # Half of it right, an innocent in between, and too much at the last.
        some = [[1, 300_000], [7, 100_000], [2, 400_000], [3, 99_991]]
        self.check(some, True, [0.9, 0.999991, 0.999991, 6 / 8, 699_991 / 899_991, 699_991 / 899_991])
        self.check([], True, [0] * 6)

    def test_what_scores_claim(self):
        # All of it, by score: 500,000, 400,000 and 100,000 at three places; 300,000 of the second is right.
        ranked = [[1, 0.5], [2, 0.4], [8, 0.1]]
        self.check(ranked, False, [0.9] * 3 + [0.8] * 3)

    def test_balanced(self):
        self.assertAlmostEqual(balanced([0.5, 0, 0, 1.0, 0, 0]), 2 / 3)
        self.assertEqual(balanced([0.0] * 6), 0)


if __name__ == "__main__":
    unittest.main()

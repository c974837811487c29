"""How good a ranked list of places is, by amount, at several sizes.

**Recall** at k is the part of the true value that lies at the first k places of the list: does it name the right
places? **Precision** at k is the part of the value which the list claims at those places that is truly there:
does it say how much? A list of scores names no value. It claims all that was asked for, at its first k places,
in proportion to the scores, which is the most that can be made of it.
"""

import numpy as np

# Sizes of the answer, as multiples of the number of true places.
SIZES = (1, 2, 5)
# A true place that holds less than this part of all does not count for the size of an answer; its value does.
DUST = 1 / 10_000


def true_places(truth):
    """How many places hold more than dust, of {place: value}."""
    least = sum(truth.values()) * DUST
    return sum(value >= least for value in truth.values())


def scores(listed, truth, is_value):
    """Recall at each size, then precision at each size, of [place, value or score] in order."""
    asked, places = sum(truth.values()), true_places(truth)
    recalls, precisions = [], []
    for size in SIZES:
        top = listed[: size * places]
        claimed = sum(claim for _, claim in top)
        scale = 1 if is_value else asked / claimed if claimed else 0
        found = sum(truth.get(place, 0) for place, _ in top)
        right = sum(min(truth.get(place, 0), claim * scale) for place, claim in top)
        recalls.append(found / asked)
        precisions.append(right / (claimed * scale) if claimed else 0.0)
    return np.array(recalls + precisions)


def balanced(six):
    """Of recalls and precisions, the harmonic mean of both at the smallest size: by this settings are chosen."""
    recall, precision = six[0], six[len(SIZES)]
    return 2 * recall * precision / (recall + precision) if recall + precision else 0.0

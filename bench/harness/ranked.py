"""Ranked trace quality: our rules and the published methods on laundered chains whose truth is known."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from harness.agree import Disagreement
from harness.measure import outcome, short
from harness.scores import SIZES, balanced, scores, true_places
from harness.setup import BENCH, PYTHON, say
from harness.tables import Line, verdict

RULES = ["haircut", "fifo", "lifo", "clean-first", "tainted-first", "poison"]
# The rule that the program takes by itself: it has to be ahead.
OURS = "haircut"
PEERS = ["TTR", "APPR", "haircut, static", "poison"]
AS_PUBLISHED = "as published"
# A peer that names values itself; the others give scores.
NAMES_VALUES = "poison"

# Not those that anybody looked at while the generator was made.
FIRST_SEED = 101

WORDS = """{worlds} invented chains of {rows} transfers (seeds {first} to {last}), in each of which one theft is laundered:
split and merged, peeled, passed on by mules with money of their own, swapped, left dormant, sprayed as dust and paid
into services, half of them without a label. The launderer knows how much of each of his transfers was stolen, and that
is the truth (bench/src/laundering). On average {asked:.0%} of the loot is asked for, at {places:.0f} places; {spent:.0%}
went to people who live on (mules' cuts, friends, dust), where nobody could say what became of it, and swaps cost the
rest.

A method answers with a ranked list of places. n is the number of true places with more than dust. *Recall*: the part of
the true value that lies at the first n, 2n, 5n places of the list. *Precision*: the part of the value claimed there that
is truly there; scores are turned into claims of all that is asked for, in proportion. Means over all chains.

TTR (Wu et al. 2022) is reimplemented, by us, after its authors' description and what their program does; so are APPR (Andersen,
Chung, Lang 2006), and haircut and poison as they are used on graphs of accounts. *as published* is what each begins
with. Otherwise they get more than they ask for: the same labels and suspected services as ours, as places that keep
what arrives; the theft itself as the start; and where that helps (*holders*) only places that still hold something. Of
all settings that were tried (TTR {TTR}, APPR {APPR}, haircut {haircut}, poison {poison}) the one with the best harmonic
mean of recall and precision at n is shown, chosen on these very chains, and in *best of any* the best of any setting
for each column by itself, which no one setting reaches. The bar is there: {ours}, the program's rule unless another is
asked for, ahead in every column; in brackets, on how many chains its harmonic mean is above that of every setting.
At 5n several methods find nearly everything; being ahead there is a matter of digits that are not shown.
Haircut by the balance of the moment (Möser, Böhme, Breuker 2014) is that rule; *haircut, static* knows no order.

No shipped real case is a measure of this: Ronin's transfers are those of eight accounts, chosen by the very label that
would have to be the truth, and nobody says how much of each transfer was stolen; the other cases have the thefts and
not what came after. On real labels: not measured.
"""
UNLABELLED_WORDS = """The same chains, and nobody has labelled any service. Only that a place has met very many others tells."""
PASSED_WORDS = """The same lists asked another question: through which places the loot ever came, launderer's, mules',
friends' and services', by how much of it came there. Ours ranks by tainted receipts. *holders* makes no sense here."""
RANGE_WORDS = """The program names for every pot the least and the most that any of the five conserving rules puts there.
How much of the true value lies in pots where that is right, and how wide it is in all, as a part of what is asked for."""
COLUMNS = ["method", "settings"]
COLUMNS += [f"{what} {'' if size == 1 else size}n" for what in ("recall", "precision") for size in SIZES] + ["bar", ""]
RANGE_COLUMNS = ["services", "chains", "exactly within", "within, give or take 1 %", "width"]


def sizes(quick):
    """How many chains, and how many transfers in each."""
    return (2, 20_000) if quick else (24, 100_000)


def measure_all(binaries, work, quick, keep):
    """With labels, and without any."""
    both = {name: measure(binaries, work, quick, name) for name in ("labelled", "unlabelled")}
    if not keep:
        for folder in work.glob("laundered-*"):
            shutil.rmtree(folder)
    return both


def measure(binaries, work, quick, name):
    """Everything that the tables say, and no lists: they would be long."""
    worlds, rows = sizes(quick)
    say(f"laundering on {worlds} chains of {short(rows)}, {name}")
    with ThreadPoolExecutor(2) as both:
        seeds = range(FIRST_SEED, FIRST_SEED + worlds)
        judged = list(both.map(lambda seed: judge(binaries, work, seed, rows, quick, name), seeds))
    facts = {fact: float(np.mean([one["facts"][fact] for one in judged])) for fact in judged[0]["facts"]}
    means = {kind: mean_of([one[kind] for one in judged]) for kind in ("now", "passed")}
    ahead = {peer: int(sum(one["ahead"][peer] for one in judged)) for peer in PEERS}
    ranges = np.mean([one["range"] for one in judged], axis=0).tolist()
    return {"name": name, "worlds": worlds, "rows": rows, "facts": facts, **means, "ahead": ahead, "range": ranges}


def mean_of(worlds):
    """By method and settings, the mean of the six figures."""
    return {
        method: {
            settings: np.mean([world[method][settings] for world in worlds], axis=0).tolist()
            for settings in worlds[0][method]
        }
        for method in worlds[0]
    }


def judge(binaries, work, seed, rows, quick, name):
    """One chain: all methods, and the truth."""
    folder = work / f"laundered-{seed}"
    asked = ["--seed", str(seed), "--rows", str(rows), *(["--unlabelled"] if name == "unlabelled" else [])]
    ours = outcome([binaries / "rank", folder, *asked])
    few = ["--quick"] if quick else []
    theirs = outcome([PYTHON, BENCH / "peers" / "rank_peers.py", folder, *few])
    if theirs.pop("reached") != ours["reached"]:
        raise Disagreement(f"laundered, seed {seed}: poison reaches other places")
    truth, facts = (json.loads((folder / f"{name}.json").read_text()) for name in ("truth", "world"))
    units = {(place, asset): units for place, asset, units in truth["now"]}
    now = by_place(units, facts["value_of_unit"])
    passed = {place: value for place, value in truth["passed"]}
    judged = {
        "now": every_score(ours["now"], theirs, now, lambda settings: True),
        "passed": every_score(ours["passed"], theirs, passed, lambda settings: "holders" not in settings),
        "range": range_scores(ours["range"], units, facts["value_of_unit"]),
        "facts": loot_facts(truth, now, passed[facts["thief"]]),
    }
    own = balanced(judged["now"]["ours"][OURS])
    judged["ahead"] = {
        peer: all(own > balanced(six) for six in judged["now"][peer].values()) for peer in PEERS
    }
    return judged


def by_place(units, value_of_unit):
    values = {}
    for (place, asset), count in units.items():
        values[place] = values.get(place, 0) + count * value_of_unit[asset]
    return values


def loot_facts(truth, now, stolen):
    return {"asked": truth["asked"] / stolen, "spent": truth["spent"] / stolen, "places": true_places(now)}


def every_score(ours, theirs, truth, is_asked):
    answers = {"ours": {rule: scores(ours[rule], truth, True) for rule in RULES}}
    for peer, lists in theirs.items():
        is_value = peer == NAMES_VALUES
        asked = {settings: listed for settings, listed in lists.items() if is_asked(settings)}
        answers[peer] = {settings: scores(listed, truth, is_value) for settings, listed in asked.items()}
    return answers


def range_scores(bounds, units, value_of_unit):
    """Parts of the true value within the range, and within it give or take a hundredth; and its width."""
    bounds = {(place, asset): (low, high) for place, asset, low, high in bounds}
    value = {at: count * value_of_unit[at[1]] for at, count in units.items()}
    within, nearly = 0, 0
    for at, count in units.items():
        low, high = bounds.get(at, (0, 0))
        within += value[at] * (low <= count <= high)
        nearly += value[at] * (low * 0.99 <= count <= high * 1.01)
    width = sum((high - low) * value_of_unit[asset] for (_, asset), (low, high) in bounds.items())
    asked = sum(value.values())
    return [within / asked, nearly / asked, width / asked]


def words(measured):
    measured = measured["labelled"]
    tried = {peer.split(",")[0]: len(measured["now"][peer]) for peer in PEERS}
    worlds = measured["worlds"]
    facts = {**measured["facts"], "worlds": worlds, "rows": short(measured["rows"])}
    seeds = {"first": FIRST_SEED, "last": FIRST_SEED + worlds - 1}
    return WORDS.format(**facts, **tried, **seeds, ours=OURS).strip()


def table(measured):
    return lines_of(measured["labelled"], "now", True)


def unlabelled_table(measured):
    return lines_of(measured["unlabelled"], "now", True)


def passed_table(measured):
    return lines_of(measured["labelled"], "passed", False)


def lines_of(measured, kind, has_bar):
    """Ours, then of each peer its best setting, the best of any, and as published."""
    answers = measured[kind]
    own = answers["ours"]
    lines = [Line([f"**{rule}**" if rule == OURS else rule, "ours", *figures(own[rule]), "–", "–"]) for rule in RULES]
    for peer in PEERS:
        tried = answers[peer]
        best = max(tried, key=lambda settings: balanced(tried[settings]))
        lines.append(Line([peer, best, *figures(tried[best]), "–", "–"]))
        lines.append(best_of_any(peer, own[OURS], tried, measured, has_bar))
        lines.append(Line([peer, AS_PUBLISHED, *figures(tried[AS_PUBLISHED]), "–", "–"]))
    return lines


def best_of_any(peer, own, tried, measured, has_bar):
    most = np.max(list(tried.values()), axis=0)
    cells = [peer, "*best of any*", *figures(most)]
    if not has_bar:
        return Line([*cells, "–", "–"])
    behind = [name for name, ours, theirs in zip(COLUMNS[2:], own, most) if ours <= theirs]
    chains = f"{measured['ahead'][peer]} of {measured['worlds']} chains"
    what = f"ranked quality, {measured['name']}, {OURS} beside {peer}: not ahead in {', '.join(behind)}"
    return Line([*cells, f"ours ahead ({chains})", verdict(not behind)], not behind, what)


def figures(six):
    return [f"{figure:.3f}" for figure in six]


def range_table(measured):
    lines = []
    for one in measured.values():
        within, nearly, width = one["range"]
        lines.append(Line([one["name"], str(one["worlds"]), f"{within:.0%}", f"{nearly:.0%}", f"{width:.0%}"]))
    return lines

"""Co-spend clusters beside GraphSense's wheel: measured, compared and made a table."""

import shutil

from harness.agree import Disagreement
from harness.measure import outcome, short
from harness.setup import BENCH, PYTHON, say
from harness.tables import Line, figure, seconds, times, verdict

# The peer's name, and how many times faster ours should be.
PEER, BAR = "graphsense-clustering, two cores", 1
# These works are short, so each is done so many times as often as the others.
MORE_ROUNDS = 5

WORDS = """Invented transactions of three inputs each. *wallets*: activity by a power law, each wallet spends old and new addresses of its own; *scattered*: anybody with anybody, numbered at random,
which no chain looks like. Both made the same partition. Inside the clock: the table, joining, and the
cluster of every address. Ours runs on one core; the wheel has Arrow arrays, made before, and all cores."""
COLUMNS = ["spenders", "transactions", "addresses", "clusters", "largest", "ours", "theirs", "ratio", "bar", ""]


def sizes(quick):
    return [50_000] if quick else [500_000, 10_000_000]


def measure(binaries, work, transactions, spenders, rounds):
    """One world of transactions, ours and the wheel's."""
    say(f"clusters of {short(transactions)} transactions, {spenders}")
    folder, rounds = work / "spends", ["--rounds", str(rounds * MORE_ROUNDS)]
    asked = ["--transactions", str(transactions), "--spenders", spenders]
    ours = outcome([binaries / "cluster", folder, *asked, *rounds])
    theirs = outcome([PYTHON, BENCH / "peers" / "clusters_graphsense.py", folder, *rounds])
    if ours["partition"] != theirs["partition"]:
        raise Disagreement(f"{spenders}, {transactions} transactions: another partition than the wheel's")
    return {"spenders": spenders, "ours": ours, "theirs": theirs}


def measure_all(binaries, work, quick, rounds, keep):
    measured = [
        measure(binaries, work, transactions, spenders, rounds)
        for transactions in sizes(quick)
        for spenders in ("wallets", "scattered")
    ]
    if not keep:
        shutil.rmtree(work / "spends")
    return measured


def table(measured):
    lines = []
    for run in measured:
        ours, facts = seconds(run["ours"]), run["ours"]
        theirs = seconds(run["theirs"])
        ratio = theirs / ours
        size = short(facts["transactions"])
        cells = [run["spenders"], size, *(f"{facts[name]:,}" for name in ("addresses", "clusters", "largest"))]
        cells += [figure(ours), figure(theirs), times(ratio), f"≥ {BAR}×", verdict(ratio >= BAR)]
        what = f"co-spend clusters, {run['spenders']}, {size}, beside {PEER}"
        lines.append(Line(cells, ratio >= BAR, f"{what}: {times(ratio)} of ≥ {BAR}×"))
    return lines

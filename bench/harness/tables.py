"""From what was measured to rows of tables: ratios, bars, reached or not. A ratio compares two figures
of this run and of one world; the bars are those of the design."""

from dataclasses import dataclass

from harness.measure import MOST_FOR_PEERS, short

# Ours, the peer, its name, and how many times faster ours should be.
PEER_BARS = [
    ("haircut", "haircut", "Python, one pass", 200),
    ("fifo", "fifo", "Python, one pass", 100),
    ("lifo", "lifo", "Python, one pass", 100),
    ("arrivals", "duckdb", "DuckDB, recursive with key", 80),
    ("poison", "scipy", "SciPy, breadth first, no time", 1),
]
# How many times the memory walk a replay may take.
WALK_BARS = {"clean": None, "haircut": 2, "fifo": 4, "lifo": 4, "poison": None, "arrivals": None, "six": None}
NAMES = {
    "clean": "no theft at all",
    "poison": "poison (reach)",
    "arrivals": "reach with arrivals",
    "six": "all six rules",
}
# A trace that touches at most this share should take at most that share of the full replay.
TOUCHED_SHARE, TRACE_SHARE = 1 / 1000, 1 / 20
# The engine counts no more touched rows.
MOST_COUNTED = 1 << 20


@dataclass
class Line:
    """A row of a table, and what its bar came to: True, False, or None where there is none."""

    cells: list
    reached: bool | None = None
    short: str = ""


def seconds(measured):
    """The fastest round."""
    if "nanos" in measured:
        return min(measured["nanos"]) / 1e9
    return min(measured["seconds"])


def walk_seconds(measured):
    return min(measured["walk_nanos"]) / 1e9


def verdict(reached):
    return {True: "reached", False: "**not reached**", None: "–"}[reached]


def peers(runs):
    """Ours beside the peers."""
    lines = []
    for work, peer, name, bar in PEER_BARS:
        for run in runs:
            ours = seconds(run["ours"][work])
            theirs, mark = peer_seconds(runs, run, peer)
            if theirs is None:
                continue
            ratio = theirs / ours
            reached = ratio >= bar
            what = f"{NAMES.get(work, work)}, {run['shape']}, {short(run['rows'])}, beside {name}"
            cells = [NAMES.get(work, work), *world(run), figure(ours), name, f"{figure(theirs)}{mark}"]
            cells += [times(ratio), f"≥ {bar}×", verdict(reached)]
            lines.append(Line(cells, reached, f"{what}: {times(ratio)} of ≥ {bar}×"))
    return lines


def peer_seconds(runs, run, peer):
    """A peer's time in the same world; where it was not asked, its rate in the largest that it was."""
    if peer in run["peers"]:
        return seconds(run["peers"][peer]), ""
    smaller = [other for other in runs if other["shape"] == run["shape"] and peer in other["peers"]]
    if run["rows"] <= MOST_FOR_PEERS or not smaller:
        return None, ""
    last = smaller[-1]
    return seconds(last["peers"][peer]) * run["rows"] / last["rows"], f" (rate at {short(last['rows'])})"


def walks(runs):
    """Ours beside the bare memory walk."""
    lines = []
    for work, bar in WALK_BARS.items():
        for run in runs:
            ours, walk = seconds(run["ours"][work]), walk_seconds(run["ours"][work])
            ratio = ours / walk
            reached = None if bar is None else ratio <= bar
            cells = [NAMES.get(work, work), *world(run), rate(run, ours), rate(run, walk)]
            cells += [times(ratio), f"≤ {bar}×" if bar else "–", verdict(reached)]
            what = f"{work}, {run['shape']}, {short(run['rows'])}, beside the memory walk"
            lines.append(Line(cells, reached, f"{what}: {times(ratio)} of ≤ {bar}×"))
    return lines


def growth(runs):
    """How the time a transfer grows with the size, beside how the memory walk's does."""
    lines = []
    for shape in ("known", "hubs"):
        same = [run for run in runs if run["shape"] == shape]
        small, large = same[0], same[-1]
        if small is large:
            continue
        for work in ("haircut", "fifo", "lifo", "poison"):
            ours = a_transfer(large, work, seconds) / a_transfer(small, work, seconds)
            walk = a_transfer(large, work, walk_seconds) / a_transfer(small, work, walk_seconds)
            reached = ours <= 2 * walk
            sizes = f"{short(small['rows'])} → {short(large['rows'])}"
            cells = [work, shape, sizes, times(ours), times(walk), "≤ 2 × the walk's", verdict(reached)]
            lines.append(Line(cells, reached, f"growth of {work}, {shape}: {times(ours)}, walk {times(walk)}"))
    return lines


def a_transfer(run, work, which):
    return which(run["ours"][work]) / run["rows"]


def count(touched):
    return f"{touched:,}" if touched < MOST_COUNTED else f"over {MOST_COUNTED:,}"


def traces(runs):
    """Each theft alone, by the index."""
    lines = []
    for run in runs:
        for traced in run["ours"]["trace"]:
            ours, replay = seconds(traced), traced["replay_nanos"] / 1e9
            share = traced["touched"] / run["rows"]
            reached = ours <= replay * TRACE_SHARE if share <= TOUCHED_SHARE else None
            is_counted = traced["touched"] < MOST_COUNTED
            cells = [*world(run), f"{traced['theft']:,}", count(traced["touched"])]
            cells += [figure(ours), figure(replay), f"1/{replay / ours:,.1f}"]
            cells += [f"{ours / max(traced['touched'], 1) * 1e9:,.0f} ns" if is_counted else "–"]
            cells += ["≤ 1/20" if reached is not None else "–", verdict(reached)]
            what = f"trace of {traced['touched']:,} of {short(run['rows'])}, {run['shape']}"
            lines.append(Line(cells, reached, f"{what}: 1/{replay / ours:,.1f} of ≤ 1/20"))
    return lines


def reaches(runs):
    """How many pots each way of asking reaches, and how poison by the index does."""
    lines = []
    for run in runs:
        ours = run["ours"]
        in_time = ours["poison"]["checksum"]["reached"]
        plain = run["peers"].get("scipy", {}).get("checksum", {}).get("reached")
        more = f"{plain:,} (+{plain / in_time - 1:.0%})" if plain else "–"
        cells = [*world(run), f"{in_time:,}", more, count(ours["reach"]["touched"])]
        cells += [figure(seconds(ours["reach"])), figure(seconds(ours["poison"]))]
        lines.append(Line(cells))
    return lines


def memory(runs):
    """The most memory each held, rows included."""
    lines = []
    for run in runs:
        both = {**run["ours"], **{f"{peer} ": peer_run for peer, peer_run in run["peers"].items()}}
        peaks = {work: peak(measured) for work, measured in both.items()}
        ours = ["haircut", "fifo", "lifo", "poison", "trace"]
        theirs = ["haircut ", "fifo ", "lifo ", "duckdb ", "scipy "]
        cells = [*world(run), *(mebibytes(peaks.get(work)) for work in ours + theirs)]
        lines.append(Line(cells))
    return lines


def peak(measured):
    if isinstance(measured, list):
        return max(traced["peak_kib"] for traced in measured)
    return measured["peak_kib"]


def mebibytes(kib):
    return "–" if kib is None else f"{kib / 1024:,.0f}"


def world(run):
    return [run["shape"], short(run["rows"])]


def figure(time):
    """Seconds, to three digits."""
    if time >= 100:
        return f"{time:,.0f} s"
    if time >= 1:
        return f"{time:.2f} s"
    return f"{time * 1e3:.3g} ms"


def rate(run, time):
    """Million transfers a second."""
    return f"{run['rows'] / time / 1e6:.1f} M/s"


def times(ratio):
    if ratio >= 100:
        return f"{ratio:,.0f}×"
    return f"{ratio:.1f}×" if ratio >= 1 else f"{ratio:.2f}×"

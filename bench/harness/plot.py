"""The picture: throughput against size, both in powers of ten, a panel for each shape of world."""

import matplotlib

matplotlib.use("svg")

import matplotlib.pyplot as plt

from harness.tables import seconds, walk_seconds

# Name, where it is measured, work or peer, colour, marker.
SERIES = [
    ("memory walk", "walk", "haircut", "#8a8a8a", "s"),
    ("haircut", "ours", "haircut", "#1f5fa8", "o"),
    ("fifo", "ours", "fifo", "#2e8b57", "o"),
    ("lifo", "ours", "lifo", "#7aa63c", "o"),
    ("poison", "ours", "poison", "#7b4ea3", "o"),
    ("Python haircut", "peers", "haircut", "#1f5fa8", "x"),
    ("Python fifo", "peers", "fifo", "#2e8b57", "x"),
    ("DuckDB reach", "peers", "duckdb", "#7b4ea3", "x"),
    ("SciPy reach, no time", "peers", "scipy", "#c26a1a", "x"),
]


def draw(runs, machine, path):
    """Writes the picture as SVG, the same bytes for the same figures."""
    plt.rcParams.update({"svg.hashsalt": "dyepack", "svg.fonttype": "none", "font.size": 9})
    plt.rcParams["font.family"] = "sans-serif"
    figure, panels = plt.subplots(1, 2, figsize=(9, 4.2), sharey=True)
    for panel, shape in zip(panels, ("known", "hubs")):
        same = [run for run in runs if run["shape"] == shape]
        for name, kind, key, colour, marker in SERIES:
            points = [point(run, kind, key) for run in same]
            points = [each for each in points if each is not None]
            line = "--" if kind == "peers" else ":" if kind == "walk" else "-"
            panel.plot(*zip(*points), line, color=colour, marker=marker, label=name) if points else None
        title = {"known": "services known, tracing stops there", "hubs": "hubs unknown, traced through"}
        panel.set(xscale="log", yscale="log", xlabel="transfers", title=title[shape])
        panel.grid(True, which="major", color="#dddddd", linewidth=0.6)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("transfers a second")
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside right center", frameon=False)
    figure.set_layout_engine("constrained")
    figure.savefig(path, format="svg", metadata={"Date": None, "Title": title_of(machine)})
    plt.close(figure)


def point(run, kind, key):
    """Size and transfers a second, if it was measured."""
    if kind == "walk":
        return run["rows"], run["rows"] / walk_seconds(run["ours"][key])
    measured = run[kind].get(key)
    return measured and (run["rows"], run["rows"] / seconds(measured))


def title_of(machine):
    return f"dyepack, throughput against size, {machine['cpu']}, {machine['date']}"

"""The command: what is asked for, and the steps to it."""

import argparse
import json

from harness import archives, clusters, measure, page, plot, ranked
from harness.agree import Disagreement
from harness.machine import describe
from harness.setup import BENCH, ROOT, build, check_peers, say

SUFFIXES = {"k": 1_000, "M": 1_000_000}


def main():
    wanted = parse()
    work = BENCH / "work"
    out = work / "quick" if wanted.quick else ROOT / "docs"
    (out / "img").mkdir(parents=True, exist_ok=True)
    binaries = build()
    check_peers()
    machine = describe(command_line(wanted), wanted.rounds)
    try:
        runs = [
            measure.world(binaries, work, shape, rows, wanted.rounds, wanted.keep)
            for rows in wanted.sizes
            for shape in ("known", "hubs")
        ]
        imported = archives.measure_all(binaries, work, wanted.sizes, wanted.keep)
        clustered = clusters.measure_all(binaries, work, wanted.quick, wanted.rounds, wanted.keep)
        laundered = ranked.measure_all(binaries, work, wanted.quick, wanted.keep)
    except Disagreement as why:
        say(f"no ratio is worth anything: {why}")
        return 1
    profile = measure.profile(binaries, work, min(wanted.sizes))
    measured = {"machine": machine, "runs": runs, "archives": imported, "clusters": clustered, "ranked": laundered}
    measured["profile"] = profile
    ((out if wanted.quick else work) / "measured.json").write_text(json.dumps(measured, indent=1))
    plot.draw(runs, machine, out / "img" / "performance.svg")
    (out / "performance.md").write_text(page.write(measured))
    say(f"all answers agree; see {(out / 'performance.md').relative_to(ROOT)}")
    return 0


def parse():
    parser = argparse.ArgumentParser(prog="bench/run", description="Measures ours and the peers.")
    parser.add_argument("--sizes", default="1M,20M", help="numbers of transfers (default: 1M,20M)")
    parser.add_argument("--rounds", type=int, default=3, help="the fastest of so many counts")
    parser.add_argument("--quick", action="store_true", help="100k, one round: for tests")
    parser.add_argument("--keep", action="store_true", help="leave the worlds in bench/work")
    wanted = parser.parse_args()
    if wanted.quick:
        wanted.sizes, wanted.rounds = "100k", 1
    wanted.sizes = sorted(size(text) for text in wanted.sizes.split(","))
    return wanted


def size(text):
    if text[-1] in SUFFIXES:
        return int(text[:-1]) * SUFFIXES[text[-1]]
    return int(text)


def command_line(wanted):
    if wanted.quick:
        return "bench/run --quick"
    sizes = ",".join(measure.short(rows) for rows in wanted.sizes)
    return f"bench/run --sizes {sizes} --rounds {wanted.rounds}"

"""Runs everything on one world: ours, each work a process, and the peers, one after another, so that
nobody shares the machine with anybody. The order is by rule: ours and its peer in one breath."""

import json
import os
import shutil
import subprocess

from harness import agree
from harness.setup import BENCH, PYTHON, say

OURS = ["clean", "haircut", "fifo", "lifo", "poison", "arrivals", "reach", "six", "trace"]
# Each peer runs right after the work of ours that it is compared with.
PEERS = {
    "haircut": {"haircut": "haircut.py"},
    "fifo": {"fifo": "fifo.py"},
    "lifo": {"lifo": "lifo.py"},
    "poison": {"scipy": "bfs_scipy.py"},
    "arrivals": {"duckdb": "reach_duckdb.py"},
}
# Beyond this many transfers peers are not asked; their rate at the last size stands in.
MOST_FOR_PEERS = 20_000_000


def short(rows):
    """1000000 as 1M."""
    for many, suffix in ((1_000_000, "M"), (1_000, "k")):
        if rows % many == 0:
            return f"{rows // many}{suffix}"
    return str(rows)


def world(binaries, work, shape, rows, rounds, keep):
    """Generates a world and measures all on it; answers that differ end it all."""
    folder = work / f"{shape}-{rows}"
    say(f"generating {short(rows)} transfers, {shape}")
    facts = outcome([binaries / "generate", folder, "--rows", str(rows), "--shape", shape])
    run = {"shape": shape, "rows": rows, "facts": facts, "ours": {}, "peers": {}}
    for task in OURS:
        say(f"{shape} {short(rows)}: {task}")
        command = [binaries / "engine", folder, task, "--rounds", str(rounds)]
        run["ours"][task] = outcome(command)
        if rows > MOST_FOR_PEERS:
            continue
        for peer, script in PEERS.get(task, {}).items():
            say(f"{shape} {short(rows)}: {script}")
            command = [PYTHON, BENCH / "peers" / script, folder, "--rounds", str(rounds)]
            run["peers"][peer] = outcome(command)
    agree.check(run, folder)
    if not keep:
        shutil.rmtree(folder)
    return run


def outcome(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def profile(binaries, work, rows):
    """Where the time of haircut goes, by perf where it is there: (share, symbol) each, or None."""
    if shutil.which("perf") is None:
        return None
    say("profiling haircut")
    folder = work / f"profiled-{rows}"
    outcome([binaries / "generate", folder, "--rows", str(rows), "--shape", "known"])
    data = folder / "perf.data"
    record = ["perf", "record", "-q", "-e", "cpu-clock", "-F", "1999", "-o", data]
    engine = [binaries / "engine", folder, "haircut", "--rounds", "9"]
    report = ["perf", "report", "-i", data, "--stdio", "-F", "overhead,symbol", "--percent-limit", "2"]
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        subprocess.run([*record, *engine], check=True, capture_output=True, env=environment)
        text = subprocess.run(report, check=True, capture_output=True, text=True, env=environment)
    except subprocess.CalledProcessError:
        return None
    finally:
        shutil.rmtree(folder)
    lines = [line.split(None, 2) for line in text.stdout.splitlines() if "%" in line]
    return [(float(line[0].rstrip("%")), line[2].strip()) for line in lines if len(line) == 3]

"""Which machine, when, and with which versions: without these a figure means nothing."""

import datetime
import os
import platform
import subprocess
from importlib.metadata import version

from harness.setup import ROOT


def describe(command, rounds):
    load = os.getloadavg()[0]
    return {
        "command": command,
        "rounds": rounds,
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": field("/proc/cpuinfo", "model name"),
        "cores": os.cpu_count(),
        "memory_gib": round(int(field("/proc/meminfo", "MemTotal").split()[0]) / 2**20),
        "kernel": f"{platform.system()} {platform.release()}",
        "load": round(load, 2),
        "commit": output("git", "describe", "--always", "--dirty"),
        "rustc": output("rustc", "--version"),
        "python": platform.python_version(),
        **{name: version(name) for name in ("duckdb", "numpy", "scipy")},
        "graphsense": version("graphsense-clustering"),
    }


def field(path, name):
    with open(path) as lines:
        for line in lines:
            if line.startswith(name):
                return line.split(":", 1)[1].strip()
    return "unknown 0"


def output(*command):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"

"""Set-up: the pinned Python environment, and our two binaries. Only the standard library is here."""

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent
ROOT = BENCH.parent
ENVIRONMENT = BENCH / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
REQUIREMENTS = BENCH / "requirements.txt"
OLDEST = (3, 11)


def enter_environment():
    """Goes on in bench/.venv, which is made where it is missing or was made from other pins."""
    if Path(sys.prefix) == ENVIRONMENT:
        return
    if sys.version_info < OLDEST:
        sys.exit("bench/run: the pinned peers need Python 3.11 or later")
    pins = REQUIREMENTS.read_bytes() + sys.version.encode()
    stamp = ENVIRONMENT / "made-from"
    made_from = hashlib.sha256(pins).hexdigest()
    if not stamp.exists() or stamp.read_text() != made_from:
        say("making bench/.venv")
        venv.create(ENVIRONMENT, clear=True, with_pip=True)
        pip = [PYTHON, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", REQUIREMENTS], check=True)
        stamp.write_text(made_from)
    os.execv(PYTHON, [str(PYTHON), *sys.argv])


def build():
    """Builds the binaries; the folder that holds them."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", Path.home() / ".cache/dyepack/target"))
    say("building our binaries")
    command = ["cargo", "build", "--release", "--locked", "-q", "-p", "bench", "-p", "dyepack", "--bins"]
    environment = {**os.environ, "CARGO_TARGET_DIR": str(target)}
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    return target / "release"


def check_peers():
    """The ranking peers on graphs worked out on paper: an unsound peer is no peer."""
    say("checking the ranking peers")
    subprocess.run([PYTHON, "-m", "unittest", "discover", "-q", "-s", BENCH / "tests"], check=True)


def say(what):
    """Progress, for whoever waits."""
    print(f"bench: {what}", file=sys.stderr, flush=True)

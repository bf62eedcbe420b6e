"""Makes the virtual environment, whole or not at all: run by whichever Python was found, ends at once when it stands."""

import shutil
import subprocess
import sys

from steps import ROOT, alone, done, run

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"


def make() -> None:
    with alone():
        if not _stands():
            # What an interrupted start has left is no environment: it may have a Python and no pip.
            shutil.rmtree(VENV, ignore_errors=True)
            remedy = "Debian, Ubuntu: apt install python3-venv. Is the disk full?"
            run("Make a virtual environment", [sys.executable, "-m", "venv", str(VENV)], remedy=remedy)
        done("venv", "")


def _stands() -> bool:
    return PYTHON.exists() and subprocess.run([PYTHON, "-c", "import pip"], capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    make()

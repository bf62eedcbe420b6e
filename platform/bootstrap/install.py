"""Installs the pinned dependencies into the virtual environment that runs this: `install.py EXTRAS TORCH...`.

TORCH is what pip is told about torch: `torch==2.13.0`, or a GPU build with the index it comes from.
"""

import os
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from steps import ROOT, alone, digest, done, is_done, run

PIP = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "-c", str(ROOT / "constraints.txt")]
OFFLINE = "Is the network up? Look at the lines above; then run the same command again, it goes on where it stopped."


def install(extras: str, torch: list[str]) -> None:
    mark = digest([ROOT / "pyproject.toml", ROOT / "constraints.txt"], str(ROOT), *torch)
    if is_done(f"install-{extras}", mark):
        return
    other = f"{OFFLINE} For another build: make up TORCH='torch==2.13.0 --index-url …'."
    with downloads() as place:
        growing, environment = [place, Path(sysconfig.get_path("platlib"))], os.environ | {"TMPDIR": str(place)}
        run("Install torch, the largest part", [*PIP, *torch], remedy=other, environment=environment, growing=growing)
        run(f"Install Lodestar and its dependencies ({extras})", [*PIP, "-e", f".[{extras}]"], remedy=OFFLINE,
            environment=environment, growing=growing)
    done(f"install-{extras}", mark)


@contextmanager
def downloads() -> Iterator[Path]:
    """Where pip keeps what it is fetching: a place whose size can be told, on the disk that has room for it."""
    place = ROOT / ".venv" / "downloads"
    place.mkdir(exist_ok=True)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    with alone():
        install(sys.argv[1], " ".join(sys.argv[2:]).split())

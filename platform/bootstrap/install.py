"""Installs the pinned dependencies into the virtual environment that runs this: `install.py EXTRAS TORCH...`.

TORCH is what pip is told about torch: `torch==2.13.0`, or a GPU build with the index it comes from.
"""

import sys

from steps import ROOT, alone, digest, done, is_done, run

PIP = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "-c", str(ROOT / "constraints.txt")]
OFFLINE = "Is the network up? Look at the lines above; then run the same command again, it goes on where it stopped."


def install(extras: str, torch: list[str]) -> None:
    mark = digest([ROOT / "pyproject.toml", ROOT / "constraints.txt"], str(ROOT), *torch)
    if is_done(f"install-{extras}", mark):
        return
    run("Install torch", [*PIP, *torch], remedy=f"{OFFLINE} For another build: make up TORCH='torch==2.13.0 --index-url …'.")
    run(f"Install Lodestar and its dependencies ({extras})", [*PIP, "-e", f".[{extras}]"], remedy=OFFLINE)
    done(f"install-{extras}", mark)


if __name__ == "__main__":
    with alone():
        install(sys.argv[1], " ".join(sys.argv[2:]).split())

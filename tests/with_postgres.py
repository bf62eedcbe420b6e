"""Runs a command against a Postgres cluster of its own: `python tests/with_postgres.py pytest …`.

Says so and succeeds where Postgres is not installed. As root the server runs as the user `postgres`, since it refuses
root.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def server_programs() -> Path | None:
    """The folder of initdb and pg_ctl."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    return folders[-1] if folders else None


@contextmanager
def cluster(programs: Path) -> Iterator[str]:
    """A server on a unix socket; gives the address of its database, with nothing left behind."""
    runner = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    folder = Path(tempfile.mkdtemp(prefix="lodestar-pg-"))
    if runner:
        shutil.chown(folder, "postgres")
    data = folder / "data"

    def call(*command: str) -> None:
        subprocess.run([*runner, *command], check=True, stdout=subprocess.DEVNULL, cwd=folder)

    call(str(programs / "initdb"), "-D", str(data), "-U", "lodestar", "--auth", "trust", "--no-sync")
    options = f"-c listen_addresses='' -k {folder} -c fsync=off -c max_connections=200"
    call(str(programs / "pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgres://lodestar@{str(folder).replace('/', '%2F')}/postgres"
    finally:
        call(str(programs / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder)


def main() -> int:
    programs = server_programs()
    if programs is None:
        sys.stderr.write("Skipped: Postgres is not installed (package `postgresql`).\n")
        return 0
    with cluster(programs) as address:
        return subprocess.run(sys.argv[1:], env=os.environ | {"LODESTAR_DATABASE_URL": address}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

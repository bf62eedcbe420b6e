"""A state directory on which real executors run against the test's database."""

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.db import connection

from lodestar.celery import app
from runs.launches import services
from runs.launches.models import Run
from tests.agent.watching import processes_of
from workers.agent.places import start_executor

LEASE_SECONDS = 3
SCRIPT = Path(__file__).with_name("scripted_engine.py")


@pytest.fixture
def home(
    transactional_db: None, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch, redis_server: Any
) -> Iterator[Path]:
    """LODESTAR_HOME of this test and of every process it starts; those still alive afterwards are a failure."""
    settings.HOME, settings.LEASE_SECONDS = tmp_path, LEASE_SECONDS
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        (tmp_path / "db.sqlite3").symlink_to(database["NAME"])
    else:
        server = os.environ["LODESTAR_DATABASE_URL"].rpartition("/")[0]
        monkeypatch.setenv("LODESTAR_DATABASE_URL", f"{server}/{database['NAME']}")
    monkeypatch.setenv("LODESTAR_REDIS_URL", redis_server.url)
    monkeypatch.setattr(app.conf, "broker_write_url", redis_server.url.replace("unix://", "redis+socket://"))
    monkeypatch.setenv("LODESTAR_HOME", str(tmp_path))
    monkeypatch.setenv("LODESTAR_LEASE_SECONDS", str(LEASE_SECONDS))
    monkeypatch.setenv("LODESTAR_ENGINE_COMMAND", shlex.join([sys.executable, str(SCRIPT)]))
    yield tmp_path
    for output in sorted(tmp_path.glob("logs/agent/*.log")):
        sys.stderr.write(f"--- {output.name}\n{output.read_text()}")
    # An executor that has given its run back may still be closing down; one that stays is a fault.
    _, left = psutil.wait_procs(processes_of(tmp_path), timeout=20)
    for process in left:
        process.kill()
    assert not left, f"left behind: {left}"


@pytest.fixture
def supervise(home: Path) -> Callable[[Run], subprocess.Popen[bytes]]:
    """Claims a run and starts its supervisor, as a worker would."""

    def start(run: Run) -> subprocess.Popen[bytes]:
        attempt = services.claim(run.id, owner="wrk_test")
        assert attempt is not None
        return start_executor("run", run.id, attempt)

    return start

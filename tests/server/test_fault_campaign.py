"""A seeded campaign of kill -9 against a whole Lodestar while it uploads, reads a data set and trains.

Nothing may be lost or doubled: the version equals the one read in peace, each run finishes with every event numbered
once, and its curve equals the undisturbed run's to the last digit. Seed and faults are printed; LODESTAR_FAULT_SEED
tries another.
"""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from lodestar.environment import ROOT
from tests.e2e.conftest import _free_port, processes_of
from tests.server.test_up import Up, until

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]

FAULTS = 24
STEPS, SAVE_STEPS = 240, 20
ROWS = 30_000
PIECE_BYTES = 128 * 1024
RUN_KILLS, JOB_KILLS = 3, 2
"""How often the executors of one run or job are killed: within what the platform tries again by itself."""
TELLING = {
    "web": "lodestar web",
    "redis": "redis-server",
    "worker": "lodestar worker",
    "queue": "celery",
    "job": "workers.agent job",
    "supervisor": "workers.agent run",
    "engine": "workers.engine",
}


class Api:
    """A client that tries again: the server is killed under its hands. Writes carry a key, so a repeat does nothing twice."""

    def __init__(self, port: int, token: str) -> None:
        place, headers = f"http://127.0.0.1:{port}/api/v1", {"Authorization": f"Bearer {token}"}
        self.http = httpx.Client(base_url=place, headers=headers, timeout=20)

    def call(self, method: str, path: str, *, expect: tuple[int, ...] = (200, 201, 202), **given: Any) -> Any:
        end = time.monotonic() + 180
        while True:
            said: object
            try:
                answer = self.http.request(method, path, **given)
                if answer.status_code in expect:
                    return answer.json()
                said = answer.text
                assert answer.status_code >= 500 or answer.status_code in (409, 429), f"{method} {path}: {said}"
            except httpx.TransportError as error:
                said = error
            assert time.monotonic() < end, f"{method} {path} does not come through: {said}"
            time.sleep(0.3)

    def get(self, path: str, **query: Any) -> Any:
        return self.call("GET", path, params=query)

    def post(self, path: str, body: Any, key: str) -> Any:
        return self.call("POST", path, json=body, headers={"Idempotency-Key": key})


def send(api: Api, project: str, content: bytes, key: str) -> str:
    """Uploads in pieces, from wherever the server says that it stands; answers the upload's id once it is inspected."""
    upload = api.post(f"/projects/{project}/uploads", {"filename": "sums.jsonl", "size_bytes": len(content)}, key)["id"]
    while (at := api.get(f"/uploads/{upload}")["offset"]) < len(content):
        headers = {"Upload-Offset": str(at), "Content-Type": "application/octet-stream"}
        try:
            api.http.patch(f"/uploads/{upload}", content=content[at : at + PIECE_BYTES], headers=headers)
        except httpx.TransportError:
            time.sleep(0.2)
    until(lambda: ended(api, f"/uploads/{upload}", "inspected"), "the upload is inspected", 180)
    return str(upload)


def read(api: Api, project: str, content: bytes, key: str) -> dict[str, Any]:
    """A data set's version, from its bytes to its rows."""
    upload = send(api, project, content, f"{key}-upload")
    body = {"name": key, "source": {"upload_id": upload}, "mapping": None, "splits": {"mode": "none"}}
    version = api.post(f"/projects/{project}/datasets", body, f"{key}-set")["version"]["id"]
    until(lambda: ended(api, f"/dataset-versions/{version}", "ready"), "the version is read", 180)
    return dict(api.get(f"/dataset-versions/{version}"))


def ended(api: Api, path: str, well: str) -> bool:
    found = api.get(path)
    assert found["state"] not in {"failed", "refused", "cancelled"}, found
    return bool(found["state"] == well)


@dataclass
class Viewer:
    """Follows a run's events by cursor, as a page that polls does."""

    api: Api
    run: str
    items: list[dict[str, Any]] = field(default_factory=list)

    def follow(self) -> int:
        """Reads the next page of events; answers how many there were."""
        after = self.items[-1]["cursor"] if self.items else 0
        page: list[dict[str, Any]] = self.api.get(f"/runs/{self.run}/events", after=after, limit=500)["items"]
        self.items += page
        return len(page)

    def follow_to_the_end(self) -> None:
        while self.follow():
            pass

    def measured(self) -> dict[int, set[str]]:
        """Every loss that was told for a step, in full; two attempts may both tell it."""
        told: dict[int, set[str]] = {}
        for item in self.items:
            event = item["event"]
            if event["type"] == "metrics" and "loss" in event["values"]:
                told.setdefault(event["step"], set()).add(repr(event["values"]["loss"]))
        return told


@dataclass
class Faults:
    """Kills one part at a time; executors only as often as the platform promises to recover from: never twice without a
    new checkpoint. One may still be on its way when its engine is killed, so the next kill waits for the one after."""

    up: Up
    draw: random.Random
    killed: list[str] = field(default_factory=list)
    spent: dict[str, int] = field(default_factory=dict)
    saved: dict[str, int] = field(default_factory=dict)

    def strike(self, newest: Callable[[str], int]) -> None:
        """`newest` answers the step of a run's newest checkpoint, −1 before the first."""
        names = list(TELLING)
        self.draw.shuffle(names)
        for name in names:
            if victim := self._victim(name, newest):
                self.killed.append(f"{time.monotonic():.1f} {name} {victim.pid}")
                print(f"fault {len(self.killed)}: {self.killed[-1]}")  # noqa: T201 - the record of a failing seed
                victim.send_signal(signal.SIGKILL)
                return

    def _victim(self, name: str, newest: Callable[[str], int]) -> psutil.Process | None:
        for process in self.up.processes():
            try:
                command = " ".join(process.cmdline())
                if TELLING[name] not in command or "tether" in command:
                    continue
                if name not in ("job", "supervisor", "engine") or self._may_spend(name, command, process, newest):
                    return process
            except psutil.Error:
                continue
        return None

    def _may_spend(self, name: str, command: str, process: psutil.Process, newest: Callable[[str], int]) -> bool:
        if name == "job":
            subject = word_after(command, "workers.agent job ")
            allowed = JOB_KILLS
        else:
            subject = process.environ().get("LODESTAR_RUN_ID") or word_after(command, "workers.agent run ")
            allowed = RUN_KILLS
            before = self.saved.get(subject, -1 - SAVE_STEPS)
            if not subject.startswith("run_") or (step := newest(subject)) <= before + SAVE_STEPS:
                return False
            self.saved[subject] = step
        if self.spent.get(subject, 0) >= allowed:
            return False
        self.spent[subject] = self.spent.get(subject, 0) + 1
        return True


def word_after(command: str, words: str) -> str:
    return command.rpartition(words)[2].split(maxsplit=1)[0]


@pytest.fixture
def up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("LODESTAR_LEASE_SECONDS", "5")
    monkeypatch.setenv("LODESTAR_SLOTS", "2")
    home = tmp_path / "state"
    home.mkdir()
    started = Up(home, _free_port()).well()
    yield started
    if started.process.poll() is None:
        started.process.send_signal(signal.SIGINT)
        started.process.wait(timeout=90)
    left = processes_of(home)
    for process in left:
        process.kill()
    assert not left


def test_no_kill_loses_or_doubles_anything(up: Up) -> None:
    seed = int(os.environ.get("LODESTAR_FAULT_SEED", "1"))
    make_token = [sys.executable, "-m", "lodestar", "token", "create", "--name", "campaign", "--quiet"]
    token = subprocess.check_output(make_token, env=up.environment(), cwd=ROOT, text=True).strip()
    api = Api(up.port, token)
    project = api.get("/projects")["items"][0]["id"]
    until(lambda: any(one["state"] == "ready" for one in api.get(f"/projects/{project}/models")["items"]), "a model", 180)
    model = next(one["id"] for one in api.get(f"/projects/{project}/models")["items"] if one["state"] == "ready")
    content = "".join(
        json.dumps({"prompt": f"{n % 97}+{n % 89}=", "completion": str(n % 97 + n % 89)}) + "\n" for n in range(ROWS)
    ).encode()
    peaceful = read(api, project, content, "in peace")

    def launch(key: str) -> Viewer:
        body = {
            "name": key, "method": "sft-instruct", "models": {"policy": model}, "seed": 3, "resources": {"threads": 1},
            "datasets": {"train": {"version_id": peaceful["id"], "split": "train"}},
            "config": {"max_steps": STEPS, "save_steps": SAVE_STEPS, "logging_steps": 1, "per_device_train_batch_size": 8},
        }
        return Viewer(api, api.post(f"/projects/{project}/runs", body, key)["id"])

    straight = launch("undisturbed")
    until(lambda: ended(api, f"/runs/{straight.run}", "succeeded"), "the undisturbed run", 300)
    straight.follow_to_the_end()

    broken = [launch("disturbed 1"), launch("disturbed 2")]
    faults, versions = Faults(up, random.Random(seed)), []
    read_again = partial(read, Api(up.port, token), project, content, "under fire")
    reader = threading.Thread(target=lambda: versions.append(read_again()))
    reader.start()

    def newest(run: str) -> int:
        return max((one["step"] for one in api.get(f"/runs/{run}/checkpoints")), default=-1)

    end = time.monotonic() + 400
    while len(faults.killed) < FAULTS and time.monotonic() < end:
        time.sleep(faults.draw.uniform(0.5, 3.0))
        faults.strike(newest)
        for viewer in broken:
            viewer.follow()
    reader.join(200)

    for viewer in broken:
        until(partial(ended, api, f"/runs/{viewer.run}", "succeeded"), f"{viewer.run} ends", 300)
        viewer.follow_to_the_end()
        assert [item["cursor"] for item in viewer.items] == list(range(1, len(viewer.items) + 1))
        assert viewer.measured() == straight.measured()
    assert sorted(straight.measured()) == list(range(1, STEPS + 1))
    assert len(faults.killed) == FAULTS, "the runs ended before all faults were made"
    assert {line.split()[1] for line in faults.killed} >= {"web", "redis", "worker", "engine"}
    [version] = versions
    assert (version["rows"], version["content_hash"]) == (ROWS, peaceful["content_hash"])
    assert len(api.get(f"/projects/{project}/runs")["items"]) == 3
    with sqlite3.connect(up.home / "db.sqlite3") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)

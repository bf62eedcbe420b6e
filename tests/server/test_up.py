"""`lodestar up` as a person runs it: real processes, real signals, nothing left behind."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import httpx
import psutil
import pytest

from lodestar.environment import ROOT
from tests.e2e.conftest import _free_port, processes_of

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("up")]
POLL_SECONDS = 0.1


def until(answer: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Polls real processes until `answer` holds."""
    end = time.monotonic() + seconds
    while not answer():
        assert time.monotonic() < end, f"waited {seconds} s in vain: {what}"
        time.sleep(POLL_SECONDS)


class Up:
    """One `lodestar up`; its output goes to a file."""

    def __init__(self, home: Path, port: int) -> None:
        self.home, self.port, self.log = home, port, home.parent / "up.log"
        with self.log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "lodestar", "up"],
                env=self.environment(),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def environment(self) -> dict[str, str]:
        return os.environ | {"LODESTAR_HOME": str(self.home), "LODESTAR_PORT": str(self.port)}

    def answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/healthz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def well(self) -> "Up":
        until(self.answers, "everything answers", 120)
        return self

    def part(self, name: str) -> psutil.Process | None:
        """The process of one program."""
        telling = {"redis": r"redis-server|valkey-server", "web": r"lodestar web", "worker": r"lodestar worker"}[name]
        return next((found for found in self.processes() if re.search(telling, _command(found))), None)

    def processes(self) -> list[psutil.Process]:
        """All of this state directory. Redis writes its title over its environment, so its socket tells whose it is."""
        titled = [found for found in psutil.process_iter(["cmdline"]) if str(self.home) in " ".join(found.info["cmdline"] or [])]
        return [found for found in {*titled, *processes_of(self.home)} if found.is_running()]

    def gone(self) -> bool:
        return not self.processes()


def _command(process: psutil.Process) -> str:
    """How it was called; nothing for one that has ended meanwhile."""
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return ""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], Up]]:
    """Starts servers on one state directory; what a test leaves running is killed after it."""
    home, port = tmp_path / "state", _free_port()
    home.mkdir()
    yield lambda: Up(home, port)
    for process in processes_of(home):
        process.kill()


def test_it_comes_up_says_where_and_leaves_nothing_behind_then_comes_up_again_with_its_data(start):
    up = start().well()
    until(lambda: "Sign in for the first time" in up.log.read_text(), "the sign-in link is shown")
    assert up.log.read_text().count("Lodestar answers at") == 1
    listed = [sys.executable, "-m", "lodestar", "project", "list", "--json"]
    projects = subprocess.check_output(listed, env=up.environment(), cwd=ROOT)
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(timeout=60) == 0
    until(up.gone, "every process has left", 30)

    again = start().well()
    assert subprocess.check_output(listed, env=again.environment(), cwd=ROOT) == projects
    again.process.send_signal(signal.SIGTERM)
    assert again.process.wait(timeout=60) == 0
    until(again.gone, "every process has left", 30)


def test_a_second_one_on_the_same_state_is_refused_and_hurts_nothing(start):
    up = start().well()
    command = [sys.executable, "-m", "lodestar", "up"]
    second = subprocess.run(command, env=up.environment(), cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert second.returncode == 1
    assert "already" in second.stderr
    assert up.answers()


def is_another(up: Up, name: str, old: int) -> bool:
    found = up.part(name)
    return found is not None and found.pid != old


def test_what_is_killed_comes_back(start):
    up = start().well()
    for name in ("web", "redis", "worker"):
        killed = up.part(name)
        assert killed is not None
        killed.kill()
        killed.wait(timeout=10)
        until(partial(is_another, up, name, killed.pid), f"{name} is back")
        until(up.answers, f"everything answers after {name} died")


def test_when_it_is_killed_itself_everything_it_started_leaves(start):
    up = start().well()
    up.process.kill()
    up.process.wait()
    until(up.gone, "every process has left", 60)


def test_a_server_that_was_killed_comes_up_again_by_itself(start):
    up = start().well()
    up.process.kill()
    up.process.wait()
    until(up.gone, "every process has left", 60)
    start().well()

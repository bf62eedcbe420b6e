"""Processes known by pid and start time, and ended with all they started."""

import subprocess
import sys

import psutil
import pytest

from tests.agent.watching import until
from workers.agent.processes import ProcessMark, end_group, group_members, mark_of

PARENT = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).wait()"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(600)"


def start(code: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", code], start_new_session=True, stdout=subprocess.PIPE)


def test_a_process_is_known_again_and_a_stranger_with_its_pid_is_not() -> None:
    process = start(STUBBORN)
    mark = mark_of(process.pid)
    assert mark.alive()
    assert ProcessMark(process.pid, mark.started - 100).alive() is None
    end_group(mark)
    process.wait()
    assert mark.alive() is None


def test_a_stranger_with_the_pid_is_left_alone() -> None:
    process = start(STUBBORN)
    end_group(ProcessMark(process.pid, 1.0))
    assert process.poll() is None
    end_group(mark_of(process.pid))
    process.wait()


@pytest.mark.parametrize("leader_first", [False, True])
def test_a_group_ends_with_its_children_even_when_its_leader_is_gone(*, leader_first: bool) -> None:
    process = start(PARENT)
    mark = mark_of(process.pid)
    child = until(lambda: psutil.Process(process.pid).children())[0]
    if leader_first:
        process.kill()
        process.wait()
    end_group(mark)
    assert group_members(process.pid) == []
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    process.wait()


def test_one_that_ignores_term_is_killed() -> None:
    process = start(STUBBORN)
    assert process.stdout is not None
    process.stdout.readline()
    end_group(mark_of(process.pid), grace_seconds=0.2)
    assert process.wait() == -9

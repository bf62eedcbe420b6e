"""A question to the engine: its answer, its refusal, and an end when it takes too long."""

import shlex
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from workers.agent.engine_call import call_engine
from workers.agent.jobs import JobContext, JobRefused

LOOPS = "import time\nwhile True: time.sleep(1)"


@pytest.fixture
def job(tmp_path: Path) -> JobContext:
    return JobContext(id="job_x", project_id="prj_x", attempt=1, payload={}, work_dir=tmp_path, report=lambda *_: True)


def test_an_engine_that_loops_is_ended_and_the_person_told(job: JobContext, settings: Any) -> None:
    settings.ENGINE_COMMAND = shlex.join([sys.executable, "-c", LOOPS])
    with pytest.raises(JobRefused, match="more than 1 s") as refused:
        call_engine(job, "render", doing="Rendering rows", limit_seconds=1)
    assert refused.value.error["code"] == "too_slow"
    assert not [child for child in psutil.Process().children() if LOOPS in child.cmdline()]


def test_an_engine_that_answers_in_time_is_heard(job: JobContext, settings: Any) -> None:
    settings.ENGINE_COMMAND = shlex.join([sys.executable, "-c", "print('{\"rows\": []}')"])
    assert call_engine(job, "render", doing="Rendering rows", limit_seconds=30) == {"rows": []}


def test_an_engine_that_takes_all_memory_is_ended(job: JobContext, settings: Any) -> None:
    takes = "import time; time.sleep(0.5); print(len('x' * 2**30))"
    settings.ENGINE_COMMAND = shlex.join([sys.executable, "-c", takes])
    with pytest.raises(JobRefused, match="MemoryError"):
        call_engine(job, "render", doing="Rendering rows", limit_bytes=2**29)

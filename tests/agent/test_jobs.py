"""A job's process: its handler, its end, and what happens when it or its worker goes."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.db.models.functions import Now

from runs.jobs import services
from runs.jobs.models import Job
from tests.agent.watching import until
from tests.launches.builders import make_actor, make_project
from workers.agent import held
from workers.agent.jobs import JobCancelled, JobContext, JobRefused, handler
from workers.agent.places import start_executor, start_jobs

pytestmark = pytest.mark.slow
Handlers = Callable[..., Job]

FINISHES = "def run(job):\n    (job.work_dir / 'part').write_text('x')\n    return {'made': job.payload['what']}\n"
REFUSES = (
    "from workers.agent.jobs import JobRefused\n"
    "def run(job):\n    raise JobRefused('bad', 'Line 3 is no JSON.', 'Mend it.', [{'line': 3, 'message': 'no JSON'}])\n"
)
BREAKS = "def run(job):\n    raise ZeroDivisionError('by nought')\n"
ENDLESS = "import time\ndef run(job):\n    while True:\n        job.progress(0.5, 'Waiting')\n        time.sleep(0.02)\n"


@pytest.fixture
def job_of(home: Path, monkeypatch: pytest.MonkeyPatch) -> Handlers:
    """Makes a job whose handler is the given code, found by its file name beside the real ones."""
    folder = home / "plugins" / "workers" / "agent" / "jobs"
    folder.mkdir(parents=True)
    site = home / "plugins" / "sitecustomize.py"
    site.write_text(f"import workers.agent.jobs\nworkers.agent.jobs.__path__.append({str(folder)!r})\n")
    monkeypatch.setenv("PYTHONPATH", str(home / "plugins"))

    def make(code: str, **payload: Any) -> Job:
        (folder / "tried_out.py").write_text(code)
        return services.enqueue(kind="tried_out", project=make_project(make_actor()), payload=payload, created_by=None)

    return make


def execute(job: Job) -> Any:
    attempt = services.claim(job.id, owner="wrk_test")
    assert attempt is not None
    return start_executor("job", job.id, attempt)


def reread(job: Job) -> Job:
    return Job.objects.get(id=job.id)


def test_a_handler_is_found_by_name_and_its_result_kept(job_of: Handlers, home: Path) -> None:
    job = job_of(FINISHES, what="tea")
    assert execute(job).wait(20) == 0
    job = reread(job)
    assert (job.state, job.result, job.progress, job.lease_until) == ("succeeded", {"made": "tea"}, 1.0, None)
    assert not (home / "jobs" / job.id).exists()


def test_a_refusal_names_the_fault(job_of: Handlers) -> None:
    job = job_of(REFUSES)
    execute(job).wait(20)
    faults = [{"line": 3, "message": "no JSON"}]
    assert reread(job).error == {"code": "bad", "message": "Line 3 is no JSON.", "remedy": "Mend it.", "faults": faults}


def test_a_broken_handler_fails_the_job_and_says_so(job_of: Handlers) -> None:
    job = job_of(BREAKS)
    execute(job).wait(20)
    error = reread(job).error
    assert error is not None
    assert error["code"] == "platform"
    assert "by nought" in error["message"]


def test_an_unknown_kind_is_refused(home: Path) -> None:
    for kind in ("context", "../x", "nothing_like_it"):
        with pytest.raises(JobRefused):
            handler(kind)


def test_a_running_job_is_cancelled_at_its_next_report(job_of: Handlers) -> None:
    job = job_of(ENDLESS)
    process = execute(job)
    until(lambda: reread(job).doing == "Waiting")
    services.request_cancel(job)
    assert process.wait(10) == 0
    assert reread(job).state == "cancelled"


def test_a_host_that_leaves_hands_its_job_back(job_of: Handlers) -> None:
    job = job_of(ENDLESS)
    process = execute(job)
    until(lambda: reread(job).doing == "Waiting")
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert reread(job).state == "queued"


def test_a_killed_job_process_is_replaced(job_of: Handlers) -> None:
    job = job_of(ENDLESS)
    first = execute(job)
    until(lambda: reread(job).doing == "Waiting")
    first.kill()
    first.wait()
    until(lambda: Job.objects.filter(lease_until__lt=Now()).exists())
    second = start_jobs("wrk_test")[0]
    until(lambda: (now := held.read(job.id)) and now.attempt == 2)
    assert reread(job).attempt == 2
    services.request_cancel(job)
    assert second.wait(20) == 0


def test_a_frozen_job_process_is_fenced_when_it_thaws(job_of: Handlers) -> None:
    job = job_of(ENDLESS)
    process = execute(job)
    until(lambda: reread(job).doing == "Waiting")
    psutil.Process(process.pid).suspend()
    until(lambda: Job.objects.filter(lease_until__lt=Now()).exists())
    assert services.claim(job.id, owner="wrk_other") == 2
    psutil.Process(process.pid).resume()
    assert process.wait(5) == 4
    assert reread(job).attempt == 2


def test_progress_is_reported_now_and_then_and_raises_when_it_is_time_to_leave(tmp_path: Path) -> None:
    answers = iter([True, False])
    job = JobContext(
        id="job_x", project_id="prj_x", attempt=1, payload={}, work_dir=tmp_path, report=lambda *_: next(answers)
    )
    job.progress(0.1, "One")
    job.progress(0.2, "Too soon to be told")
    with pytest.raises(JobCancelled):
        until(lambda: job.progress(0.3, "Three"), seconds=5)


FULL = "import errno\ndef run(job):\n    raise OSError(errno.ENOSPC, 'No space left on device', 'x')\n"


def test_a_full_disk_is_named_with_what_to_do(job_of: Handlers, home: Path) -> None:
    job = job_of(FULL)
    assert execute(job).wait(20) == 0
    job = reread(job)
    assert job.error is not None
    assert (job.state, job.error["code"], job.error["message"]) == ("failed", "disk_full", "The worker's disk is full.")
    assert "Free space" in job.error["remedy"]
    assert not (home / "jobs" / job.id).exists()

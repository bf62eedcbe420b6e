"""The engine that has torch loaded: it answers as a process of its own would, ends what nobody waits for, and leaves."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.agent.watching import processes_of, until
from tests.engine.builders import small_model
from workers.agent import warm_engine
from workers.agent.engine_call import call_engine
from workers.agent.jobs import JobCancelled, JobContext, JobRefused
from workers.agent.processes import mark_of

pytestmark = pytest.mark.slow
RECORD = {"prompt": "1+1=", "completion": "2"}
LOOPS = "{%- for a in range(90000) -%}{%- for b in range(90000) -%}{%- endfor -%}{%- endfor -%}"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, "subprocess.Popen[bytes]"]]:
    """A state directory and a process that stands for its worker; what is left after that one's end is a failure."""
    home = tmp_path_factory.mktemp("home")
    (home / "agent").mkdir()
    environment = {key: value for key, value in os.environ.items() if key != "LODESTAR_HOME"}
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env=environment)
    yield home, process
    process.kill()
    process.wait()
    until(lambda: not processes_of(home), 20)


@pytest.fixture
def home(host: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state directory, with this process an executor of its worker."""
    home, process = host
    settings.HOME, settings.ENGINE_COMMAND = home, ""
    mark = mark_of(process.pid)
    monkeypatch.setenv("LODESTAR_HOME", str(home))
    monkeypatch.setenv(warm_engine.WORKER_VARIABLE, f"{mark.pid}:{mark.started}")
    return Path(home)


def job_in(folder: Path, *, goes_on: Any) -> JobContext:
    folder.mkdir(exist_ok=True)
    return JobContext(id="job_x", project_id="prj_x", attempt=1, payload={}, work_dir=folder, report=goes_on)


def rendered(folder: Path, model: Path, *, goes_on: Any = lambda *_: True, **limits: Any) -> Any:
    request = {"model_path": str(model), "kind": "demonstration", "records": [RECORD]}
    return call_engine(job_in(folder, goes_on=goes_on), "render", request=request, doing="Rendering", **limits)


def warm_ones(home: Path) -> list[psutil.Process]:
    """The warm engine and its forks."""
    return [one for one in processes_of(home) if "workers.engine.warm" in one.cmdline()]


def warm_one(home: Path) -> psutil.Process:
    """The warm engine, with nothing at work."""
    until(lambda: len(warm_ones(home)) == 1, 10)
    return warm_ones(home)[0]


def test_it_is_started_once_and_answers_as_a_process_of_its_own(home: Path, tmp_path: Path, settings: Any) -> None:
    model = small_model(tmp_path / "model")
    first, second = rendered(tmp_path / "first", model), rendered(tmp_path / "second", model)
    assert warm_one(home)
    settings.ENGINE_COMMAND = f"{sys.executable} -m workers.engine"
    assert first == second == rendered(tmp_path / "cold", model)


def test_a_refusal_is_the_engines_own_sentence(home: Path, tmp_path: Path) -> None:
    with pytest.raises(JobRefused, match="nowhere"):
        rendered(tmp_path / "job", tmp_path / "nowhere")
    assert warm_ones(home)


def test_a_question_that_takes_too_long_or_is_cancelled_leaves_nothing_running(home: Path, tmp_path: Path) -> None:
    model = small_model(tmp_path / "model")
    rendered(tmp_path / "first", model)
    (model / "chat_template.jinja").write_text(LOOPS)
    with pytest.raises(JobRefused, match="took more than 2 s"):
        rendered(tmp_path / "second", model, limit_seconds=2.0)
    warm_one(home)
    began = time.monotonic()
    with pytest.raises(JobCancelled):
        rendered(tmp_path / "third", model, goes_on=lambda *_: time.monotonic() - began < 1)
    warm_one(home)


def test_a_warm_engine_that_dies_is_replaced_by_a_process_of_its_own(home: Path, tmp_path: Path) -> None:
    model = small_model(tmp_path / "model")
    expected = rendered(tmp_path / "first", model)
    warm = warm_one(home)
    warm.suspend()

    def kills(*_: object) -> bool:
        with contextlib.suppress(psutil.NoSuchProcess):
            warm.kill()
        return True

    assert rendered(tmp_path / "second", model, goes_on=kills) == expected
    assert rendered(tmp_path / "third", model) == expected


def test_memory_is_bounded_in_the_fork_alone(home: Path, tmp_path: Path) -> None:
    model = small_model(tmp_path / "model")
    (model / "chat_template.jinja").write_text("{{ 'x' * 900000000 }}")
    with pytest.raises(JobRefused, match="MemoryError"):
        rendered(tmp_path / "first", model, limit_bytes=2**30)
    assert warm_one(home)


def test_it_leaves_with_its_worker(host: Any, home: Path, tmp_path: Path) -> None:
    rendered(tmp_path / "first", small_model(tmp_path / "model"))
    assert warm_one(home)
    _, process = host
    process.kill()
    process.wait()
    until(lambda: not warm_ones(home), 10)
    assert not (home / "agent" / "engine.sock").exists()


def test_it_leaves_when_nobody_asks(tmp_path: Path) -> None:
    mark, place = mark_of(os.getpid()), tmp_path / "engine.sock"
    code = "import sys; from pathlib import Path; from workers.engine import warm; warm.LOADED = ();"
    code += "warm.serve(Path(sys.argv[1]), (int(sys.argv[2]), float(sys.argv[3])), idle_seconds=0)"
    command = [sys.executable, "-c", code, str(place), str(mark.pid), str(mark.started)]
    assert subprocess.run(command, check=False, timeout=120).returncode == 0
    assert not place.exists()


def test_without_a_worker_there_is_none(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.HOME = tmp_path
    monkeypatch.delenv(warm_engine.WORKER_VARIABLE, raising=False)
    assert warm_engine.ask(["catalogue"], tmp_path, limit_bytes=0) is None

"""How many points a second telemetry keeps, what a live delivery costs, and how long a chart of a million points takes.

    LODESTAR_HOME=$(mktemp -d) python -m tests.benchmarks.telemetry_ingest

Goals (must): ingest at least 10 times MLflow's best, 87,000 points/s; a chart of 1,000,000 points in 100 ms and 60 kB.
A point counts as stored when a fresh connection reads the last one back. Prints figures; asserts nothing about time.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import django

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "platform"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lodestar.settings")
django.setup()

import orjson  # noqa: E402 - what follows needs the applications loaded
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from runs.accounts.models import Project  # noqa: E402
from runs.launches.models import Run  # noqa: E402
from runs.telemetry import series  # noqa: E402
from runs.telemetry.services import ingest  # noqa: E402
from workers.contract.events import MetricsEvent  # noqa: E402

CURVES = 20
STEPS = 10_000
MLFLOW_POINTS = 8_730
NAMES = [f"rewards/term_{index}/mean" for index in range(CURVES)]


def main() -> None:
    call_command("migrate", verbosity=0)
    project = Project.objects.create(name="Benchmark")
    for batch in (2000, 500, 100):
        report_ingest(project, batch)
    report_live(project)
    report_chart(project)


def new_run(project: Project) -> Run:
    return Run.objects.create(project=project, name="benchmark", method="grpo", state="running", attempt=1)


def lines(steps: int, names: list[str]) -> list[bytes]:
    events = (
        MetricsEvent(seq=step, time=1.7e9 + step, step=step, tokens=step * 640, values=dict.fromkeys(names, step / 7))
        for step in range(1, steps + 1)
    )
    return [event.model_dump_json().encode() for event in events]


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds on the wall, and of this process on a processor: equal on a machine that has nothing else to do."""
    wall, busy = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - busy


def medians(times: list[tuple[float, float]]) -> tuple[float, float]:
    return statistics.median(wall for wall, _ in times), statistics.median(busy for _, busy in times)


def report_ingest(project: Project, batch: int) -> None:
    shipped = lines(STEPS, NAMES)

    def once() -> tuple[float, float]:
        run = new_run(project)

        def work() -> None:
            for start in range(0, STEPS, batch):
                ingest(run.id, 1, shipped[start : start + batch])
            connection.close()
            assert series.curves(run.id, NAMES[:1])[NAMES[0]].steps[-1] == STEPS

        return timed(work)

    wall, busy = (STEPS * CURVES / seconds for seconds in medians([once() for _ in range(3)]))
    print(f"ingest, {batch} steps of {CURVES} curves a delivery: {wall:,.0f} points/s ({busy:,.0f} by processor time), "
          f"{wall / MLFLOW_POINTS:.1f} x MLflow (goal 10, reach 25)")


def report_live(project: Project) -> None:
    run, shipped = new_run(project), lines(1000, NAMES)
    times = [timed(lambda line=line: ingest(run.id, 1, [line])) for line in shipped]  # type: ignore[misc]
    wall, busy = medians(times)
    p95 = statistics.quantiles((wall for wall, _ in times), n=20)[18]
    print(f"one step of {CURVES} curves a delivery: p50 {wall * 1000:.1f} ms ({busy * 1000:.1f} by processor time), "
          f"p95 {p95 * 1000:.1f} ms")


def report_chart(project: Project) -> None:
    run, shipped = new_run(project), lines(1_000_000, ["reward"])
    for start in range(0, len(shipped), 4000):
        ingest(run.id, 1, shipped[start : start + 4000])

    def answer() -> bytes:
        answers = series.answers(run.id, ["reward"], low=None, high=None, limit=1000)
        return orjson.dumps(answers, option=orjson.OPT_SERIALIZE_NUMPY)

    wall, busy = medians([timed(answer) for _ in range(9)])
    print(f"chart of 1,000,000 points: {wall * 1000:.0f} ms ({busy * 1000:.0f} by processor time; goal 100, reach 20), "
          f"{len(answer()) / 1000:.0f} kB (goal 60)")


if __name__ == "__main__":
    main()

import numpy as np
import pytest

from runs.launches.models import Run
from runs.telemetry import series
from runs.telemetry.columns import Columns, columns, pack, unpack
from runs.telemetry.models import MetricChunk
from runs.telemetry.services import ingest
from runs.telemetry.thinning import thinned
from tests.telemetry.events import metric
from workers.contract.events import EvaluationEvent


def curve(run: Run, name: str = "reward", **bounds: int) -> Columns:
    return series.curves(run.id, [name], **bounds)[name]


def test_packed_points_come_back_as_they_were() -> None:
    points = columns([(3, 1.5, 30, 0.1), (7, 2.5, 70, None), (8, 3.5, 80, -1e300)])
    back = unpack([(3, pack(points))])
    assert back.steps.tolist() == [3, 7, 8]
    assert back.tokens.tolist() == [30, 70, 80]
    assert back.times.tolist() == [1.5, 2.5, 3.5]
    assert np.isnan(back.values[1])
    assert back.values[[0, 2]].tolist() == [0.1, -1e300]


def test_of_rows_with_one_step_the_last_counts_and_steps_never_fall() -> None:
    assert columns([(1, 0.0, 0, 1.0), (1, 0.0, 0, 2.0), (3, 0.0, 0, 3.0), (2, 0.0, 0, 9.0)]).values.tolist() == [2.0, 3.0]


@pytest.mark.django_db
@pytest.mark.parametrize("batch", [pytest.param(1, marks=pytest.mark.slow), pytest.param(7, marks=pytest.mark.slow), 500, 6000])
def test_a_curve_is_whole_however_it_was_delivered(run: Run, batch: int) -> None:
    events = [metric(seq) for seq in range(1, 601 if batch == 1 else 2101 if batch == 7 else 6001)]
    for start in range(0, len(events), batch):
        ingest(run.id, 1, events[start : start + batch])
    points = curve(run)
    assert points.steps.tolist() == list(range(1, len(events) + 1))
    assert points.values.tolist() == [float(step) for step in points.steps]
    assert MetricChunk.objects.count() <= 2 + len(events) // 511


@pytest.mark.django_db
def test_a_step_measured_twice_keeps_its_latest_value_across_deliveries(run: Run) -> None:
    ingest(run.id, 1, [metric(1, step=5, reward=1.0)])
    ingest(run.id, 1, [metric(2, step=5, reward=2.0), metric(3, step=6, reward=3.0)])
    assert curve(run).values.tolist() == [2.0, 3.0]


@pytest.mark.django_db
def test_a_resumed_attempt_replaces_what_came_after_its_checkpoint(run: Run) -> None:
    ingest(run.id, 1, [metric(step, reward=1.0) for step in range(1, 31)])
    Run.objects.filter(id=run.id).update(attempt=2)
    ingest(run.id, 2, [metric(seq, step=20 + seq, reward=2.0) for seq in range(1, 6)])
    points = curve(run)
    assert points.steps.tolist() == list(range(1, 26))
    assert points.values.tolist() == [1.0] * 20 + [2.0] * 5


@pytest.mark.django_db
def test_a_curve_that_the_new_attempt_has_not_reached_is_cut_all_the_same(run: Run) -> None:
    ingest(run.id, 1, [metric(step, **{"eval/exact": 1.0}) for step in (10, 20, 30)])
    Run.objects.filter(id=run.id).update(attempt=2)
    ingest(run.id, 2, [metric(1, step=21)])
    assert curve(run, "eval/exact").steps.tolist() == [10, 20]


@pytest.mark.django_db
def test_what_a_supervisor_measures_before_its_engine_resumes_takes_nothing_away(run: Run) -> None:
    ingest(run.id, 1, [metric(step, **{"reward": 1.0, "system/cpu": 0.5}) for step in range(1, 11)])
    Run.objects.filter(id=run.id).update(attempt=2)
    ingest(run.id, 2, [metric(0, step=0, **{"system/cpu": 0.9})])
    assert curve(run).steps.tolist() == list(range(1, 11))
    ingest(run.id, 2, [metric(1, step=6, **{"reward": 2.0, "system/cpu": 0.7})])
    assert curve(run, "system/cpu").steps.tolist() == [1, 2, 3, 4, 5, 6]


@pytest.mark.django_db
def test_a_range_of_steps_is_exact(run: Run) -> None:
    ingest(run.id, 1, [metric(step) for step in range(1, 2001)])
    answer = thinned(curve(run, low=700, high=1100), 1000)
    assert answer["exact"]
    assert answer["step"].tolist() == list(range(700, 1101))


def noisy(count: int) -> Columns:
    rng = np.random.default_rng(0)
    values = rng.normal(size=count)
    values[count // 3], values[count // 2] = 99.0, -77.0
    steps = np.arange(1, count + 1)
    return Columns(steps, steps.astype(np.float64), steps * 10, values)


def test_a_thinned_curve_keeps_first_newest_and_both_extremes() -> None:
    points = noisy(100_000)
    answer = thinned(points, 1000)
    assert not answer["exact"]
    assert answer["total"] == 100_000
    assert 500 <= len(answer["step"]) <= 1000
    assert {1, 100_000, 100_000 // 3 + 1, 100_000 // 2 + 1} <= set(answer["step"].tolist())
    assert (np.diff(answer["step"]) > 0).all()
    assert (answer["value"].max(), answer["value"].min()) == (99.0, -77.0)


def test_the_band_covers_every_point_that_was_left_out() -> None:
    points = noisy(10_000)
    answer = thinned(points, 100)
    assert answer["low"].min() == -77.0
    assert answer["high"].max() == 99.0
    assert (answer["low"] <= answer["high"]).all()


def test_a_stretch_that_is_not_finite_stays_visible_and_hides_nothing() -> None:
    points = noisy(10_000)
    points.values[4000:4500] = np.nan
    answer = thinned(points, 200)
    assert 4001 in answer["step"].tolist()
    assert np.isnan(answer["value"][answer["step"].tolist().index(4001)])
    assert np.nanmax(answer["value"]) == 99.0


@pytest.mark.parametrize("count", [11, 12, 100])
def test_a_curve_without_a_single_finite_value_is_drawn_as_a_gap(count: int) -> None:
    steps = np.arange(count)
    answer = thinned(Columns(steps, steps.astype(np.float64), steps, np.full(count, np.nan)), 10)
    assert np.isnan(answer["value"]).all()
    assert answer["step"].tolist() == [0, count - 1]


@pytest.mark.django_db
def test_summaries_leave_out_what_was_superseded_and_what_is_not_finite(run: Run) -> None:
    ingest(run.id, 1, [metric(step, loss=float(step)) for step in range(1, 31)])
    Run.objects.filter(id=run.id).update(attempt=2)
    ingest(run.id, 2, [metric(1, step=21, loss=0.5), metric(2, step=22, loss=None)])
    assert series.summaries(run.id) == [{"name": "loss", "points": 22, "min": 0.5, "max": 20.0, "last": 0.5, "last_step": 22}]


@pytest.mark.django_db
def test_a_long_curve_is_drawn_from_sketches_and_loses_no_extreme(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series, "WHOLE_POINTS", 1000)
    values = np.random.default_rng(1).normal(size=20_000)
    values[[777, 12_345]] = 50.0, -60.0
    ingest(run.id, 1, [metric(step, reward=float(value)) for step, value in enumerate(values, 1)])
    answer = series.answers(run.id, ["reward"], low=None, high=None, limit=50)["reward"]
    assert (answer["total"], answer["exact"]) == (20_000, False)
    assert {1, 778, 12_346, 20_000} <= set(answer["step"].tolist())
    assert (answer["high"].max(), answer["low"].min()) == (50.0, -60.0)
    assert len(answer["step"]) <= 50


@pytest.mark.slow
@pytest.mark.django_db
def test_a_sketched_curve_respects_range_and_superseded_points(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series, "WHOLE_POINTS", 1000)
    ingest(run.id, 1, [metric(step, reward=1.0) for step in range(1, 20_001)])
    Run.objects.filter(id=run.id).update(attempt=2)
    ingest(run.id, 2, [metric(seq, step=15_000 + seq, reward=2.0) for seq in range(1, 3001)])
    answer = series.answers(run.id, ["reward"], low=500, high=17_500, limit=50)["reward"]
    assert answer["total"] == 17_001
    assert (answer["step"][0], answer["step"][-1]) == (500, 17_500)
    assert (np.diff(answer["step"]) > 0).all()
    assert answer["value"][answer["step"] <= 15_000].max() == 1.0
    assert answer["value"][answer["step"] > 15_000].min() == 2.0


@pytest.mark.django_db
def test_an_evaluation_is_drawn_once(run: Run) -> None:
    """The engine tells its values as metrics too."""
    told = EvaluationEvent(seq=1, time=1.0, step=10, suite="eval", values={"eval/exact": 0.5})
    ingest(run.id, 1, [told, metric(2, step=10, **{"eval/exact": 0.5})])
    assert set(MetricChunk.objects.filter(run=run).values_list("name", flat=True)) == {"eval/exact"}

"""Curves, events, logs and rollouts of a run over REST. Everything a socket says can be read here, with the same numbers."""

from typing import Literal

import orjson
from django.http import HttpRequest, HttpResponse
from ninja import Router
from ninja.params.functions import Query

from runs.accounts.access import get_visible
from runs.launches.models import Run
from runs.problems import FieldError, Invalid
from runs.telemetry import selectors, series
from runs.telemetry.models import Level
from runs.telemetry.schemas import EventPage, LevelName, LogPage, MetricNames, RolloutOut, RolloutPage, SeriesSet

router = Router(tags=["telemetry"])

MAX_NAMES = 200
MAX_TYPES = 50


@router.get("/runs/{run_id}/metrics", response=MetricNames, operation_id="list_metrics")
def list_metrics(request: HttpRequest, run_id: str) -> HttpResponse:
    """Every curve the run has, in short. A curve appears with its first point."""
    run = get_visible(request, Run, run_id)
    return _json({"names": series.summaries(run.id), "cursor": run.cursor, "epoch": run.epoch})


@router.get("/runs/{run_id}/series", response=SeriesSet, operation_id="get_series")
def get_series(
    request: HttpRequest,
    run_id: str,
    *,
    names: str = Query(..., description="Curves, comma-separated."),
    from_: int | None = Query(None, alias="from", ge=0, description="First step."),
    to: int | None = Query(None, ge=0, description="Last step."),
    points: int = Query(1000, ge=10, le=20_000, description="At most about this many points a curve."),
) -> HttpResponse:
    """Curves thinned to what a screen can show, exact where the range holds no more points than asked for."""
    run = get_visible(request, Run, run_id)
    wanted = [name for name in names.split(",") if name]
    if len(wanted) > MAX_NAMES:
        sentence = f"{len(wanted)} curves were asked for; the most at once is {MAX_NAMES}. Ask for fewer."
        raise Invalid(sentence, [FieldError("names", sentence)])
    answers = series.answers(run.id, wanted, low=from_, high=to, limit=points)
    return _json({"cursor": run.cursor, "epoch": run.epoch, "series": answers})


@router.get("/runs/{run_id}/events", response=EventPage, operation_id="list_events")
def list_events(
    request: HttpRequest,
    run_id: str,
    after: int = Query(0, ge=0),
    limit: int = Query(500, ge=1, le=5000),
    types: str = Query("", description="Event types, comma-separated; all when empty."),
) -> HttpResponse:
    """Events after a cursor, in order: what the socket sends, with the same numbers."""
    run = get_visible(request, Run, run_id)
    wanted = sorted({name for name in types.split(",") if name})
    if len(wanted) > MAX_TYPES:
        sentence = f"{len(wanted)} types were asked for; there are fewer than {MAX_TYPES}. Name those you want."
        raise Invalid(sentence, [FieldError("types", sentence)])
    read = selectors.events_after(run.id, after, limit=limit, types=wanted)
    following = b"%d" % read.last if read.last < run.cursor else b"null"
    body = b'{"items":[%b],"next":%b,"cursor":%d,"epoch":%b}' % (
        b",".join(read.items), following, max(run.cursor, read.last if read.items else 0), orjson.dumps(run.epoch)
    )
    return HttpResponse(body, content_type="application/json")


@router.get("/runs/{run_id}/logs", response=LogPage, operation_id="list_logs")
def list_logs(
    request: HttpRequest,
    run_id: str,
    *,
    after: int | None = Query(None, ge=0, description="Lines after this cursor, oldest first."),
    before: int | None = Query(None, ge=0, description="Lines before this cursor; without either, the newest."),
    level: LevelName = "debug",
    q: str = "",
    limit: int = Query(200, ge=1, le=1000),
) -> HttpResponse:
    """Lines of the log at or above a level, always in the order of their cursors."""
    run = get_visible(request, Run, run_id)
    page = selectors.log_page(run.id, after=after, before=before, level=level, q=q, limit=limit)
    lines = [
        {"cursor": line.cursor, "time": line.time, "level": Level(line.level).name.lower(), "message": line.message,
         "step": line.step}
        for line in page["items"]
    ]
    return _json({**page, "items": lines})


@router.get("/runs/{run_id}/rollouts", response=RolloutPage, operation_id="list_rollouts")
def list_rollouts(
    request: HttpRequest,
    run_id: str,
    *,
    step_from: int | None = Query(None, ge=0),
    step_to: int | None = Query(None, ge=0),
    q: str = "",
    sort: Literal["newest", "reward", "-reward"] = "newest",
    cursor: str | None = None,
    limit: int = Query(20, ge=1, le=200),
) -> HttpResponse:
    """Prompts with their answers, without token arrays."""
    run = get_visible(request, Run, run_id)
    return _json(
        selectors.rollout_page(run.id, step_from=step_from, step_to=step_to, q=q, sort=sort, cursor=cursor, limit=limit)
    )


@router.get("/runs/{run_id}/rollouts/{cursor}", response=RolloutOut, operation_id="get_rollout")
def get_rollout(request: HttpRequest, run_id: str, cursor: int) -> HttpResponse:
    """One prompt with its answers and their token arrays."""
    return _json(selectors.rollout_at(get_visible(request, Run, run_id).id, cursor))


def _json(body: object) -> HttpResponse:
    return HttpResponse(orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY), content_type="application/json")

"""Reads of runs, checkpoints and workers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db.models import FloatField, Q, QuerySet, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce, Now

from runs.accounts.models import Project
from runs.launches.filters import Condition, ConfigIs, FieldIs, MetricIs, Word, parse
from runs.launches.models import Artifact, Checkpoint, Run, Worker
from runs.launches.services.hosts import OFFLINE_AFTER
from runs.problems import Conflict, FieldError, Invalid, NotFound
from runs.rewards.selectors import version_ids

LOOKUPS = {">": "gt", "<": "lt", ">=": "gte", "<=": "lte", "=": "exact", "!=": "exact"}
SORTS = ("created_at", "name", "state", "method", "priority", "step", "started_at", "finished_at")
BEYOND = 1e308
DOCUMENT_BYTES = 8 * 2**20


def run_list(
    project: Project,
    *,
    q: str = "",
    state: str = "",
    method: str = "",
    kind: str = "",
    tag: str = "",
    dataset_version: str = "",
    reward: str = "",
    deleted: bool = False,
) -> QuerySet[Run]:
    """Runs of a project that match all that is given. Raises Invalid for a filter that cannot be read."""
    runs = Run.objects.filter(project=project, deleted_at__isnull=not deleted).select_related("created_by").defer("spec", "draft")
    if state:
        runs = runs.filter(state__in=state.split(","))
    if kind:
        runs = runs.filter(kind__in=kind.split(","))
    if method:
        runs = runs.filter(method=method)
    if tag:
        runs = runs.filter(_has_tag(tag))
    if dataset_version:
        runs = runs.filter(draft__datasets__icontains=f'"{dataset_version}"')
    if reward:
        runs = runs.filter(spec__reward__version_id__in=version_ids(reward, project=project))
    for index, condition in enumerate(parse(q)):
        runs = _narrow(runs, condition, f"bound_{index}")
    return runs


def _narrow(runs: QuerySet[Run], condition: Condition, alias: str) -> QuerySet[Run]:
    match condition:
        case Word(text):
            return runs.filter(Q(name__icontains=text) | Q(notes__icontains=text) | Q(tags__icontains=text))
        case FieldIs(name, text):
            return runs.filter(FIELD_FILTERS[name](text))
        case ConfigIs(path, text):
            value = Cast(_at("spec", ("config", *path)), TextField())
            return runs.annotate(**{alias: value}).filter(**{f"{alias}__iexact": text})
        case MetricIs(name, op, bound):
            runs = runs.annotate(**{alias: _metric(name)}).filter(**{f"{alias}__isnull": False})
            holds = Q(**{f"{alias}__{LOOKUPS[op]}": bound})
            return runs.filter(~holds if op == "!=" else holds)


def _has_tag(tag: str) -> Q:
    return Q(tags__icontains=f'"{tag.lower()}"')


FIELD_FILTERS: dict[str, Callable[[str], Q]] = {
    "state": lambda text: Q(state=text),
    "method": lambda text: Q(method=text),
    "kind": lambda text: Q(kind=text),
    "tag": _has_tag,
    "name": lambda text: Q(name__icontains=text),
    "by": lambda text: Q(created_by__name__icontains=text) | Q(created_by__email__iexact=text),
}
"""What each field of the filter grammar means; nothing else reaches the database."""


def _at(column: str, path: tuple[str, ...]) -> KeyTextTransform:
    """A value inside a JSON column; the names are parameters of the statement, never part of it."""
    first, *others = path
    here = KeyTextTransform(first, column)
    for key in others:
        here = KeyTextTransform(key, here)
    return here


def _metric(name: str) -> Cast:
    return Cast(_at("metrics", (name,)), FloatField())


def ordered(runs: QuerySet[Run], sort: str) -> tuple[QuerySet[Run], tuple[str, ...]]:
    """The list with what `sort` needs, and the order for paging: `name`, `-created_at`, `-metric:reward`.

    Runs without the metric come last either way. Raises Invalid for a field that cannot be sorted by.
    """
    down, field = ("-", sort[1:]) if sort.startswith("-") else ("", sort)
    if field.startswith("metric:"):
        last: Combinable = Value(-BEYOND if down else BEYOND)
        return runs.annotate(sort_value=Coalesce(_metric(field[7:]), last)), (f"{down}sort_value", "id")
    if field not in SORTS:
        message = f"Runs cannot be sorted by {field}. Use {', '.join(SORTS)} or metric:<name>, with - in front for descending."
        raise Invalid(message, [FieldError("sort", message)])
    return runs, (f"{down}{field}", "id")


def resume_candidates(run: Run) -> QuerySet[Checkpoint]:
    """Registered checkpoints, the one to try first in front; those found broken are left out."""
    return Checkpoint.objects.filter(run=run).exclude(verified=False).order_by("-attempt", "-step")


def checkpoint_list(run: Run) -> list[Checkpoint]:
    """Those whose files are there, the newest first; a run keeps its newest few and removes the others."""
    return [one for one in Checkpoint.objects.filter(run=run).order_by("-step", "-attempt") if one.is_there()]


def artifact_list(run: Run) -> list[Artifact]:
    """What the run left beside its final model, the newest first."""
    return list(Artifact.objects.filter(run=run).order_by("-created_at", "-id"))


def artifact_document(artifact: Artifact) -> dict[str, Any]:
    """The JSON object of a report: the artifact's file, or `report.json` of its directory. Raises NotFound, Conflict."""
    place = Path(artifact.path)
    file = place / "report.json" if place.is_dir() else place
    try:
        if file.stat().st_size > DOCUMENT_BYTES:
            raise Conflict("too_large", f"The report has {file.stat().st_size} bytes, too many for one answer.")
        document: dict[str, Any] = json.loads(file.read_bytes())
    except FileNotFoundError:
        raise NotFound("This artifact has no report, or its files are gone.") from None
    except ValueError:
        raise Conflict("unreadable", "The report cannot be read. Run it again.") from None
    return document


def online() -> Q:
    """Workers whose heartbeat is fresh by the database's clock."""
    return Q(last_seen__gte=Now() - OFFLINE_AFTER)


def worker_list() -> list[dict[str, Any]]:
    """All workers with `online` and `running`, the ids of the runs they hold."""
    up = set(Worker.objects.filter(online()).values_list("id", flat=True))
    held = list(Run.objects.filter(lease_until__gte=Now()).values_list("owner", "id"))
    return [
        row | {"online": row["id"] in up, "running": [run_id for owner, run_id in held if owner == row["id"]]}
        for row in Worker.objects.order_by("host", "id").values()
    ]

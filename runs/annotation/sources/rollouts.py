"""Pairs of what a run's policy wrote while it trained: two answers of a group, at the steps chosen."""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

from django.db.models import QuerySet

from runs.accounts.models import Project
from runs.annotation.schemas import RolloutsSource
from runs.annotation.sources.pair import MOST_LOOKED_AT, Pair, answer_of, some_of, within
from runs.launches.models import Run
from runs.problems import FieldError, Invalid
from runs.telemetry.models import Rollout

EMPTY = "Choose more steps, or a run whose groups hold answers that differ."
AT_ONCE = 100


def candidates(project: Project, source: RolloutsSource, rng: Random) -> Iterator[Pair | str]:
    run = Run.objects.filter(id=source.run_id, project=project, deleted_at=None).only("id", "name").first()
    if run is None:
        raise _refusal("run_id", f"No run {source.run_id} in this project. Choose another.")
    keys = list(_at_steps(run, source).values_list("pk", flat=True))
    if not keys:
        remedy = "Choose others, or press m on its page to sample now."
        raise _refusal("step_from", f"The run wrote no rollouts at these steps. {remedy}")
    return _pairs(run, some_of(keys, MOST_LOOKED_AT, rng), source.per_prompt, rng)


def _at_steps(run: Run, source: RolloutsSource) -> QuerySet[Rollout]:
    rows = Rollout.objects.filter(run=run)
    if source.step_from is not None:
        rows = rows.filter(step__gte=source.step_from)
    return rows if source.step_to is None else rows.filter(step__lte=source.step_to)


def _pairs(run: Run, keys: list[int], count: int, rng: Random) -> Iterator[Pair | str]:
    for start in range(0, len(keys), AT_ONCE):
        found = Rollout.objects.in_bulk(keys[start : start + AT_ONCE])
        for key in keys[start : start + AT_ONCE]:
            yield from _of_group(run, json.loads(found[key].body), count, rng)


def _of_group(run: Run, body: dict[str, Any], count: int, rng: Random) -> Iterator[Pair | str]:
    texts = [answer["text"] for answer in body["answers"]]
    if len(texts) < 2:
        yield "no_pair"
    for texts_of_pair in some_of(within(texts), count, rng):
        first, second = (answer_of(text, model_id=run.id, model_name=run.name, step=body["step"]) for text in texts_of_pair)
        yield Pair(body["prompt"], first, second, reference=body.get("reference_answer"), row=body.get("row"))


def _refusal(field: str, message: str) -> Invalid:
    return Invalid(message, [FieldError(f"source.{field}", message)])

"""Reads of the room."""

from typing import Any

from django.db.models import QuerySet

from runs.accounts.models import Project
from runs.trials.models import Trial

ORDER = {"asked": ("number",), "shift": ("-shift", "number")}


def trial_list(project: Project, *, reward: str = "") -> QuerySet[Trial]:
    """Trials of a project; `reward` narrows to those of one reward's saved versions."""
    trials = Trial.objects.filter(project=project).select_related("job")
    return trials.filter(reward_version__reward=reward) if reward else trials


def tried_page(trial: Trial, *, offset: int, limit: int, sort: str, only: str) -> dict[str, Any]:
    """`{items, total, next}`: prompts in the order they were asked, or those whose advantages moved most first."""
    rows = trial.prompts.all()
    if only:
        rows = rows.filter(**{only: True})
    total = rows.count()
    found = rows.order_by(*ORDER[sort])[offset : offset + limit]
    following = offset + limit
    return {"items": [row.body for row in found], "total": total, "next": following if following < total else None}

"""Reads of the room: evaluations, the board of models and suites, items, flipped ones first."""

from typing import Any, Literal

from django.db.models import Q, QuerySet

from runs.accounts.models import Project
from runs.evaluation.apart import apart
from runs.evaluation.comparing import values_by_key
from runs.evaluation.items import Item, items_of
from runs.evaluation.models import Evaluation
from runs.launches.models import Run
from runs.problems import FieldError, Invalid

ON_BOARD = 500
Show = Literal["all", "right", "wrong", "flipped", "gained", "lost"]


def evaluation_list(
    project: Project, *, q: str = "", suite_key: str = "", model_id: str = "", run_id: str = "", method: str = ""
) -> QuerySet[Evaluation]:
    """Evaluations of runs that are not deleted; `q` is a part of the model's or the suite's name."""
    rows = Evaluation.objects.filter(project=project, run__deleted_at=None).select_related("run")
    for name, value in (("suite_key", suite_key), ("model_id", model_id), ("run_id", run_id), ("method", method)):
        rows = rows.filter(**{name: value}) if value else rows
    return rows.filter(Q(model_name__icontains=q) | Q(suite__icontains=q)) if q else rows


def evaluations_of_run(run: Run) -> list[Evaluation]:
    return list(Evaluation.objects.filter(run=run).order_by("-created_at", "-id"))


def board(project: Project) -> dict[str, Any]:
    """Models × suites: the newest evaluation of each pair."""
    suites: dict[str, dict[str, Any]] = {}
    reports: dict[str, dict[str, Any]] = {}
    rows: dict[str, dict[str, Any]] = {}
    for row in evaluation_list(project).order_by("-created_at", "-id")[:ON_BOARD]:
        report, primary = row.report, row.report["primary"]
        reports.setdefault(row.suite_key, report)
        suites.setdefault(row.suite_key, {
            "key": row.suite_key, "name": row.suite, "method": row.method, "primary": primary,
            "data_name": report["data"]["name"], "split": report["data"]["split"],
        })
        line = rows.setdefault(row.model_id or row.model_name, {
            "model_id": row.model_id, "model_name": row.model_name, "cells": {}})
        line["cells"].setdefault(row.suite_key, {
            "evaluation_id": row.id, "run_id": row.run_id, "value": report["metrics"][primary], "best": False,
            "partial": report["partial"], "created_at": row.created_at,
        })
    for key in suites:
        _mark_best([line["cells"][key] for line in rows.values() if key in line["cells"]])
    for key, suite in suites.items():
        suite["apart"] = apart(reports[key], [
            reports[other] for other, one in suites.items() if heading(one) == heading(suite) and other != key])
    return {"suites": list(suites.values()), "rows": list(rows.values())}


def heading(suite: dict[str, Any]) -> tuple[str, str]:
    """What stands over a column."""
    return suite["name"], suite["primary"]


def _mark_best(cells: list[dict[str, Any]]) -> None:
    """The highest value of a column of several; equal ones are all marked."""
    values = [cell["value"]["value"] for cell in cells if cell["value"]["value"] is not None]
    if len(values) > 1:
        for cell in cells:
            cell["best"] = cell["value"]["value"] == max(values)


def item_page(
    evaluation: Evaluation, *, against: Evaluation | None = None, show: Show = "all", metric: str = "", q: str = "",
    cursor: str | None = None, limit: int = 50,
) -> dict[str, Any]:
    """Items that match; with `against`, each beside the same question there. Raises Invalid."""
    if against is None and show in ("flipped", "gained", "lost"):
        message = "Flipped items need another evaluation: name it in `against`."
        raise Invalid(message, [FieldError("against", message)])
    if against is not None and against.suite_key != evaluation.suite_key:
        message = "These evaluations did not ask the same, so no item can have flipped. Choose one of the same suite."
        raise Invalid(message, [FieldError("against", message)])
    metric = metric or evaluation.report["primary"]
    if metric not in evaluation.report["metrics"]:
        message = f"This evaluation has no metric {metric}. Choose one of {', '.join(evaluation.report['metrics'])}."
        raise Invalid(message, [FieldError("metric", message)])
    start = _offset(cursor)
    found = [row for row in _beside(evaluation, against, metric) if _kept(row, show, metric) and _has(row, q)]
    if against is not None:
        found.sort(key=lambda row: -abs(row["change"] or 0))
    following = str(start + limit) if start + limit < len(found) else None
    return {"items": found[start:start + limit], "total": len(found), "next": following}


def _beside(evaluation: Evaluation, against: Evaluation | None, metric: str) -> list[dict[str, Any]]:
    """`change` is this evaluation's value minus the other's."""
    items = items_of(evaluation)
    if against is None:
        return [{"item": item, "other": None, "change": None} for item in items]
    others = {item["key"]: item for item in items_of(against)}
    before = values_by_key(list(others.values()), metric)
    after = values_by_key(items, metric)
    change = {key: after[key] - before[key] for key in after if key in before}
    return [{"item": item, "other": others[item["key"]], "change": change.get(item["key"])}
            for item in items if item["key"] in others]


def _kept(row: dict[str, Any], show: Show, metric: str) -> bool:
    value, change = row["item"]["values"].get(metric), row["change"] or 0
    match show:
        case "right":
            return value is not None and value >= 1
        case "wrong":
            return value is not None and value < 1
        case "flipped":
            return bool(change != 0)
        case "gained":
            return bool(change > 0)
        case "lost":
            return bool(change < 0)
        case _:
            return True


def _has(row: dict[str, Any], q: str) -> bool:
    """Whether the words stand in the prompt, the reference or an answer."""
    if not q:
        return True
    items: list[Item] = [one for one in (row["item"], row["other"]) if one]
    texts = [items[0]["prompt"], items[0]["reference"] or "", *(answer["text"] for one in items for answer in one["answers"])]
    return any(q.casefold() in text.casefold() for text in texts)


def _offset(cursor: str | None) -> int:
    if not cursor:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 10):
        message = "This cursor is not from this list. Start again without `cursor`."
        raise Invalid(message, [FieldError("cursor", message)])
    return int(cursor)

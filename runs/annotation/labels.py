"""Judgments as rows of a data set, in TRL's shapes, and what is left out of them.

The rule: every judgment that prefers a side is a row of pairs; an editor's resolution stands instead of the judgments of
its pair. `tie`, `both_bad` and skips prefer nothing and give no pair. In the unpaired shape a preferred answer is a good
row and the other a bad one, "both bad" gives two bad rows, and ties and skips give none.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.db.models import Prefetch

from runs.annotation.models import Campaign, Judgment, Shape, Task
from runs.annotation.selectors import sides
from runs.annotation.verdicts import Verdict, side_of, strength_of

Answer = dict[str, Any]
Row = dict[str, Any]


class Voice(NamedTuple):
    """A verdict that counts for rows: somebody's judgment, or an editor's resolution."""

    verdict: str
    extra: Row


class Labels(NamedTuple):
    rows: list[Row]
    left_out: Counter[str]


def labels(campaign: Campaign, shape: str) -> Labels:
    """All rows of the campaign as it stands, in the order of its pairs."""
    rows: list[Row] = []
    left_out: Counter[str] = Counter()
    make = _pair if shape == Shape.PREFERENCE else _halves
    for task in _tasks(campaign):
        for voice in _voices(task, left_out):
            made = make(task, voice.verdict)
            rows += [row | _of_campaign(campaign, task) | voice.extra for row in made]
            if not made:
                left_out[voice.verdict] += 1
    return Labels(_alike(rows), left_out)


def digest(campaign: Campaign, shape: str) -> str:
    """Stands for what was judged: equal as long as an export would hold the same rows."""
    judged = Judgment.objects.filter(campaign=campaign, undone_at=None).order_by("id").values_list("id", flat=True)
    resolved = Task.objects.filter(campaign=campaign).exclude(resolution="").order_by("id")
    said = [shape, campaign.name, *judged, *([*pair] for pair in resolved.values_list("id", "resolution"))]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def _tasks(campaign: Campaign) -> Iterator[Task]:
    counted = Judgment.objects.filter(undone_at=None).select_related("annotator").order_by("created_at", "id")
    tasks = Task.objects.filter(campaign=campaign).select_related("resolved_by").order_by("number")
    return tasks.prefetch_related(Prefetch("judgments", counted)).iterator(chunk_size=500)


def _voices(task: Task, left_out: Counter[str]) -> list[Voice]:
    judgments = list(task.judgments.all())
    if not task.resolution:
        return [_of_person(judgment) for judgment in judgments]
    left_out["overruled"] += len(judgments)
    person, at = task.resolved_by, task.resolved_at
    extra = _provenance(
        name=person.name if person else "", person_id=person.id if person else "", at=at.isoformat() if at else "",
        verdict=task.resolution, judgment_id="", seconds=None, comment="", flagged=False,
    )  # fmt: skip
    return [Voice(task.resolution, extra | {"resolved": True})]


def _of_person(judgment: Judgment) -> Voice:
    extra = _provenance(
        name=judgment.annotator.name, person_id=judgment.annotator_id, at=judgment.created_at.isoformat(),
        verdict=judgment.verdict, judgment_id=judgment.id, seconds=judgment.seconds, comment=judgment.comment,
        flagged=judgment.flagged,
    )  # fmt: skip
    return Voice(judgment.verdict, extra | {"resolved": False})


def _provenance(
    *, name: str, person_id: str, at: str, verdict: str, judgment_id: str, seconds: float | None, comment: str, flagged: bool
) -> Row:
    """Who, when, how sure: `strength` is 2 for "much better", 1 for "better", 0 for neither."""
    return {
        "annotator": name, "annotator_id": person_id, "judged_at": at, "verdict": verdict, "strength": strength_of(verdict),
        "seconds": seconds, "comment": comment, "flagged": flagged, "judgment_id": judgment_id,
    }  # fmt: skip


def _of_campaign(campaign: Campaign, task: Task) -> Row:
    origin = {"campaign": campaign.name, "campaign_id": campaign.id, "task_id": task.id, "source_row": task.source_row}
    return origin | {"answer": task.reference}


def _pair(task: Task, verdict: str) -> list[Row]:
    side = side_of(verdict)
    if not side:
        return []
    a, b = sides(task)
    chosen, rejected = (a, b) if side == "a" else (b, a)
    row = {"prompt": task.prompt, "chosen": chosen["text"], "rejected": rejected["text"], "chosen_side": side}
    return [row | _model("chosen", chosen) | _model("rejected", rejected)]


def _halves(task: Task, verdict: str) -> list[Row]:
    a, b = sides(task)
    if verdict == Verdict.BOTH_BAD:
        return [_half(task, a, label=False), _half(task, b, label=False)]
    side = side_of(verdict)
    return [_half(task, a, label=side == "a"), _half(task, b, label=side == "b")] if side else []


def _half(task: Task, answer: Answer, *, label: bool) -> Row:
    return {"prompt": task.prompt, "completion": answer["text"], "label": label} | _model("policy", answer)


def _model(role: str, answer: Answer) -> Row:
    """Whose answer it was, and at which training step."""
    names = {"model": "model_name", "model_id": "model_id", "step": "step"}
    return {f"{role}_{name}": answer.get(key) for name, key in names.items()}


TEXTS = {"prompt": "user", "chosen": "assistant", "rejected": "assistant", "completion": "assistant"}


def _alike(rows: list[Row]) -> list[Row]:
    """All texts as messages when one is: a column of a Parquet file has one type, and a row never mixes the two."""
    if all(isinstance(row[name], str) for row in rows for name in TEXTS if name in row):
        return rows
    return [{name: _turns(value, TEXTS[name]) if name in TEXTS else value for name, value in row.items()} for row in rows]


def _turns(text: Any, role: str) -> Any:
    return [{"role": role, "content": text}] if isinstance(text, str) else text

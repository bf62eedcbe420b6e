"""Products of tasks: directories written beside their place and renamed when whole, told in an event."""

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from workers.contract.document import Document
from workers.contract.evaluation import ITEMS_FILE, REPORT_FILE, EvaluatedData, EvaluatedModel, EvaluationItem, EvaluationReport
from workers.contract.events import EvaluationEvent, MetricsEvent, RolloutAnswer, RolloutEvent
from workers.contract.products import ProductKind
from workers.contract.run_spec import DatasetRef, RunSpec
from workers.engine.faults import DataFault, naming_full_disk
from workers.engine.task import Work
from workers.statistics import mean_interval

SHOWN = 64


def suite_name(given: str, data: DatasetRef) -> str:
    """The word under which an evaluation's curves stand: as set, else the data set's name, in the letters of a metric."""
    plain = re.sub(r"[^a-z0-9_.-]+", "-", (given or data.name or data.split).lower()).strip("-.")
    return plain[:60] or "suite"


def suite_key(method: str, data: DatasetRef, **measure: Any) -> str:
    """Equal for evaluations that ask the same rows and count right in the same way, whatever models answer and how."""
    rows = data.content_hash or data.version_id or data.path
    said = json.dumps([method, rows, data.split, measure], sort_keys=True, default=str)
    return hashlib.sha256(said.encode()).hexdigest()[:20]


def evaluation(
    work: Work, *, data: str, suite: str, measure: Mapping[str, Any], primary: str, items: Sequence[EvaluationItem],
    left_out: Sequence[str], partial: bool = False,
) -> dict[str, float | None]:
    """Writes the artifact and the metrics of the items' values; answers them as the run's summary.

    Each metric is the mean of its value over the items that have one. Raises DataFault when no item has the primary one.
    """
    spec = work.spec
    names = sorted({name for item in items for name in item.values})
    metrics = {name: mean_interval([item.values[name] for item in items if name in item.values], seed=spec.seed)
               for name in names}
    if primary not in metrics:
        raise DataFault("No item could be counted. " + " ".join(left_out), "Choose other data or another way to tell right.")
    ref = spec.datasets[data]
    report = EvaluationReport(
        method=spec.method, suite=suite, suite_key=suite_key(spec.method, ref, **measure), primary=primary, metrics=metrics,
        models=models_of(spec), data=data_of(ref), items=len(items), settings=spec.config, left_out=list(left_out),
        partial=partial)
    place = _directory(work.output / "evaluation", lambda folder: _fill(folder, report, items))
    values: dict[str, float | None] = {f"eval/{suite}/{name}": found.value for name, found in metrics.items()}
    work.log.write(EvaluationEvent(step=len(items), suite=suite, values=values))
    work.log.write(MetricsEvent(step=len(items), values=values))
    work.product(ProductKind.EVALUATION, place)
    for sentence in left_out:
        work.log.log(sentence, "warning")
    return values


def show(work: Work, items: Sequence[EvaluationItem]) -> None:
    """The first items as rollouts of the run; the artifact has all."""
    for item in items[:SHOWN]:
        answers = [RolloutAnswer(text=answer.text, reward=answer.score, length=answer.length, truncated=answer.truncated)
                   for answer in item.answers]
        work.log.write(RolloutEvent(step=len(items), row=item.row, prompt=item.prompt, reference_answer=item.reference,
                                    answers=answers))


def lines(work: Work, kind: ProductKind, file: str, rows: Sequence[Document]) -> Path:
    """Writes rows as JSON lines in a directory named after the kind, and says so."""
    place = _directory(work.output / kind.value, lambda folder: _write_lines(folder / file, rows))
    work.product(kind, place)
    return place


def models_of(spec: RunSpec) -> list[EvaluatedModel]:
    return [EvaluatedModel(role=role, model_id=ref.model_id, name=ref.name or Path(ref.path).name, kind=ref.kind)
            for role, ref in spec.models.items()]


def data_of(ref: DatasetRef) -> EvaluatedData:
    return EvaluatedData(name=ref.name, dataset_id=ref.dataset_id, version_id=ref.version_id, split=ref.split,
                         content_hash=ref.content_hash, rows=ref.rows)


def _fill(folder: Path, report: EvaluationReport, items: Sequence[EvaluationItem]) -> None:
    (folder / REPORT_FILE).write_text(report.model_dump_json(indent=2), encoding="utf-8")
    _write_lines(folder / ITEMS_FILE, items)


def _write_lines(file: Path, rows: Sequence[Document]) -> None:
    with file.open("w", encoding="utf-8") as out:
        for row in rows:
            out.write(row.model_dump_json() + "\n")


def _directory(place: Path, fill: Callable[[Path], None]) -> Path:
    """Raises DiskFault when the disk is full."""
    partial = place.with_name(f".{place.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    with naming_full_disk():
        partial.mkdir(parents=True)
        fill(partial)
    shutil.rmtree(place, ignore_errors=True)
    partial.rename(place)
    return place

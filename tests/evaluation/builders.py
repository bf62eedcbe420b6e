"""Evaluations with known items, taken into the books as an engine's artifact is."""

import json
from pathlib import Path
from typing import Any

from runs.accounts.models import Project
from runs.evaluation.models import Evaluation
from runs.launches.models import Artifact
from tests.launches.builders import make_run
from workers.contract.evaluation import EvaluatedAnswer, EvaluatedData, EvaluatedModel, EvaluationItem, EvaluationReport
from workers.statistics import mean_interval


def make_evaluation(project: Project, folder: Path, *, marks: dict[str, float], model: str = "mdl_a", suite_key: str = "k1",
                    metric: str = "accuracy", **report: Any) -> Evaluation:
    """`marks` are the items' values by key. Raises Evaluation.DoesNotExist when the report was not taken."""
    folder.mkdir(parents=True)
    items = [EvaluationItem(key=key, row=row, prompt=f"question {key}", reference="r", values={metric: value},
                            answers=[EvaluatedAnswer(text=f"{model} says {value:g}", right=value == 1)])
             for row, (key, value) in enumerate(marks.items())]
    said: dict[str, Any] = {
        "method": "evaluate-answers", "suite": "sums", "suite_key": suite_key, "primary": metric,
        "metrics": {metric: mean_interval(list(marks.values()))}, "data": EvaluatedData(name="Sums", split="test"),
        "models": [EvaluatedModel(role="policy", model_id=model, name=model.upper())], "items": len(items), **report}
    (folder / "report.json").write_text(EvaluationReport(**said).model_dump_json())
    (folder / "items.jsonl").write_text("".join(item.model_dump_json() + "\n" for item in items))
    return register(project, folder)


def register(project: Project, folder: Path) -> Evaluation:
    run = make_run(project=project, kind="evaluate", method="evaluate-answers", state="succeeded")
    artifact = Artifact.objects.create(run=run, attempt=1, kind="evaluation", path=str(folder))
    return Evaluation.objects.get(artifact=artifact)


def marks(text: str) -> dict[str, float]:
    """"1101" is four items, the third wrong."""
    return {f"q{index}": float(mark) for index, mark in enumerate(text)}


def document(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return found

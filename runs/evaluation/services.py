"""Every write of the room: evaluations launched as runs, and their reports taken into the books."""

import structlog
from django.db import transaction
from pydantic import ValidationError

from runs.accounts.access import Actor
from runs.accounts.models import Project
from runs.algorithms.selectors import method_card, primary_role
from runs.evaluation.models import Evaluation
from runs.evaluation.schemas import EvaluateIn
from runs.launches import services as launches
from runs.launches.models import Artifact, Run
from runs.launches.schemas import RunDraft
from runs.launches.selectors import artifact_document
from runs.problems import FieldError, Invalid, NotFound, Problem
from workers.contract.evaluation import EvaluationReport
from workers.contract.products import ProductKind
from workers.contract.run_spec import RunKind

log = structlog.get_logger(__name__)


@transaction.atomic
def evaluate(project: Project, body: EvaluateIn, actor: Actor) -> list[Run]:
    """One run for each model, all of them or none. Raises Invalid with the faults by field."""
    try:
        card = method_card(body.method)
    except NotFound as missing:
        raise Invalid(missing.detail, [FieldError("method", missing.detail)]) from None
    if card.kind is not RunKind.EVALUATE:
        message = f"{card.title} evaluates nothing. Choose a method of evaluation."
        raise Invalid(message, [FieldError("method", message)])
    role, data = card.models[0].role, card.data[0].role
    if len(set(body.models)) < len(body.models):
        message = "A model is named twice. Name each once."
        raise Invalid(message, [FieldError("models", message)])
    runs = []
    for index, model_id in enumerate(body.models):
        draft = RunDraft(
            name=_name(body.name, index, len(body.models)), method=body.method, config=body.config,
            models={**body.others, role: model_id}, datasets={data: body.dataset}, reward=body.reward,
            reward_version_id=body.reward_version_id, resources=body.resources, seed=body.seed, tags=body.tags,
        )
        try:
            runs.append(launches.create_run(project, draft, actor))
        except Problem as problem:
            renamed = [FieldError(_field(error.field, role, data, index), error.message) for error in problem.errors]
            raise Invalid(problem.detail, renamed) from problem
    return runs


def _name(name: str, index: int, count: int) -> str:
    return f"{name} {index + 1}"[:120] if name and count > 1 else name


def _field(field: str, role: str, data: str, index: int) -> str:
    """The draft's field as this request names it."""
    if field == f"models.{role}":
        return f"models.{index}"
    if field.startswith("models."):
        return field.replace("models.", "others.", 1)
    return "dataset" if field.startswith(f"datasets.{data}") else field


def take(artifact: Artifact) -> Evaluation | None:
    """Reads a report into the books; one that cannot be read is told to the log and leaves the run as it is."""
    if artifact.kind != ProductKind.EVALUATION:
        return None
    try:
        report = EvaluationReport.model_validate(artifact_document(artifact))
    except (Problem, OSError, ValidationError) as error:
        log.warning("evaluation_unreadable", artifact=artifact.id, run=artifact.run_id, error=str(error)[:300])
        return None
    subject = next((model for model in report.models if model.role == primary_role(report.method)), report.models[0])
    kept, _ = Evaluation.objects.update_or_create(artifact=artifact, defaults={
        "project_id": artifact.run.project_id, "run_id": artifact.run_id, "method": report.method, "suite": report.suite,
        "suite_key": report.suite_key, "model_id": subject.model_id, "model_name": subject.name[:200],
        "report": report.model_dump(mode="json"),
    })
    return kept

"""Reads of the room: models, and the reference a run takes with it."""

from django.db.models import QuerySet

from runs.accounts.models import Project
from runs.library.models import LibraryModel, ModelState
from runs.problems import FieldError, Invalid
from workers.contract.run_spec import ModelKind, ModelRef


def model_list(project: Project, *, q: str = "", kind: str = "") -> QuerySet[LibraryModel]:
    """Models that are not deleted; `q` is a part of the name, `kind` what the head answers."""
    models = LibraryModel.objects.filter(project=project, deleted_at=None)
    models = models.filter(kind=kind) if kind else models
    return models.filter(name__icontains=q) if q else models


def model_ref(model_id: str, *, project: Project) -> ModelRef:
    """What a run freezes of a model. Raises Problem when it is unknown, deleted or not ready."""
    model = LibraryModel.objects.filter(id=model_id, project=project).first()
    if model is None:
        raise _refusal(f"No model {model_id} in this project. Choose another.")
    if model.deleted_at:
        raise _refusal(f"Model {model.name} is deleted. Restore it or choose another.")
    if model.state != ModelState.READY:
        raise _refusal(f"Model {model.name} is {model.state}, not ready. Wait for it or choose another.")
    return ModelRef(
        model_id=model.id,
        kind=ModelKind(model.kind),
        name=model.name,
        path=model.path,
        weights_hash=model.weights_hash,
        adapter_path=model.adapter_path or None,
    )


def _refusal(message: str) -> Invalid:
    return Invalid(message, [FieldError("models", message)])

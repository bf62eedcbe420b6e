"""Every write of the room: models registered, renamed, deleted, and what the inspection found."""

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from runs.accounts.access import Actor
from runs.accounts.models import Project
from runs.accounts.owned import bring_back, change, put_away
from runs.accounts.services import audit
from runs.jobs import services as jobs
from runs.jobs.models import FINAL, Job, JobState
from runs.library import own_files
from runs.library.models import BESIDE, LibraryModel, ModelSource, ModelState, new_model_id
from runs.library.schemas import ModelIn
from runs.problems import Conflict, FieldError, Invalid

INSPECTING_KINDS = ("model_inspect", "model_make_tiny", "model_merge")


@transaction.atomic
def register_model(project: Project, body: ModelIn, *, actor: Actor) -> tuple[LibraryModel, Job]:
    """Raises Problem when the path is outside the directories that the actor may register from."""
    if body.source.hub:
        found = {"source": ModelSource.HUB, "hub_name": body.source.hub.name, "hub_revision": body.source.hub.revision or ""}
        return _register(project, body.name, actor=actor, **found)
    path = allowed_path(body.source.path or "", is_admin=actor.user.is_admin)
    return _register(project, body.name, actor=actor, source=ModelSource.PATH, path=path)


def register_from_run(
    project: Project, *, run_id: str, name: str, path: str, step: int | None = None, actor: Actor | None = None
) -> LibraryModel:
    """A run's product as a model others can start from, with files of its own: the run's may go. Raises Conflict."""
    model_id = new_model_id()
    place = str(own_files.keep(model_id, Path(path)))
    try:
        with transaction.atomic():
            return _register(
                project, name, actor=actor, id=model_id, source=ModelSource.RUN, path=place, run_id=run_id, step=step
            )[0]
    except BaseException:
        own_files.forget(model_id)
        raise


@transaction.atomic
def create_demo_model(project: Project, *, actor: Actor | None = None) -> tuple[LibraryModel, Job]:
    """The tiny Llama of about a million parameters that the engine makes on the worker in seconds."""
    return _register(project, "Tiny Llama 1M", actor=actor, kind="model_make_tiny", source=ModelSource.DEMO)


@transaction.atomic
def merge_model(model: LibraryModel, *, name: str, actor: Actor) -> tuple[LibraryModel, Job]:
    """A new model with the adapter added into its base's weights, and the job that makes it. Raises Conflict."""
    if model.state != ModelState.READY or model.deleted_at:
        raise Conflict("model_not_ready", f"Model {model.name} is not ready. Wait for it, or restore it.")
    if not model.adapter_path:
        raise Conflict("no_adapter", f"Model {model.name} is whole: it has no adapter to merge.")
    if not model.can_merge:
        what = BESIDE[model.adapter_kind]
        raise Conflict("adapter_beside", f"The adapter of {model.name} is {what}, which no weights of its base can express. "
                                         "Use it beside its base, as chats, evaluations and exports do.")
    return _register(model.project, name, actor=actor, kind="model_merge", source=ModelSource.MERGE, merged_from=model.id,
                     run_id=model.run_id, step=model.step)


def rename_model(model: LibraryModel, *, name: str, actor: Actor) -> LibraryModel:
    return change(model, "model.change", {"name": name}, actor=actor)


def delete_model(model: LibraryModel, *, actor: Actor) -> None:
    """The files stay: other runs may have started from them."""
    put_away(model, "model", actor=actor)


def restore_model(model: LibraryModel, *, actor: Actor) -> LibraryModel:
    return bring_back(model, "model", actor=actor)


def take_over(job: Job) -> None:
    """Receiver of `job_changed`: keeps what the inspection found in the transaction that ends the job."""
    if job.kind not in INSPECTING_KINDS or job.state not in FINAL:
        return
    rows = LibraryModel.objects.filter(id=job.subject_id, state=ModelState.INSPECTING)
    if job.state == JobState.SUCCEEDED and job.result:
        rows.update(state=ModelState.READY, **job.result)
    else:
        cancelled = {"code": "cancelled", "message": "The inspection was cancelled.", "remedy": "Register the model again."}
        rows.update(state=ModelState.REFUSED, error=job.error or cancelled)


def allowed_path(path: str, *, is_admin: bool) -> str:
    """The path without `..`; the worker checks again with links resolved. Raises Invalid naming the allowed roots."""
    clean = os.path.normpath(path)
    roots = [str(root) for root in settings.MODEL_ROOTS]
    if not Path(clean).is_absolute():
        message = f"{path} is not an absolute path. Give the directory as the workers see it, starting with /."
    elif is_admin or any(Path(clean).is_relative_to(root) for root in roots):
        return clean
    else:
        message = f"{clean} is outside {', '.join(roots)}. Put the model there, or let an administrator register it."
    raise Invalid(message, [FieldError("source.path", message)])


def _register(
    project: Project, name: str, *, actor: Actor | None, kind: str = "model_inspect", **fields: Any
) -> tuple[LibraryModel, Job]:
    user = actor.user if actor else None
    model = LibraryModel.objects.create(project=project, name=name, created_by=user, **fields)
    anywhere = model.source != ModelSource.PATH or bool(user and user.is_admin)
    payload = {"model_id": model.id, "anywhere": anywhere}
    job = jobs.enqueue(kind=kind, project=project, payload=payload, created_by=user, subject_id=model.id)
    model.job_id = job.id
    model.save(update_fields=["job_id"])
    audit(project, actor, "model.register", model.id, {"name": name, "source": model.source})
    return model, job

"""Looks at a model's directory, fetched from the Hub first where it is one of the Hub's: facts, or why it is refused."""

from importlib import import_module
from pathlib import Path
from typing import Any

from django.conf import settings

from runs.library.models import LibraryModel, ModelSource
from workers.agent.jobs import JobContext
from workers.agent.model_files.description import describe, describe_adapter


def run(job: JobContext) -> dict[str, Any]:
    """Columns of the model's row; the room takes them over as the job ends."""
    model = LibraryModel.objects.get(id=job.payload["model_id"])
    path = Path(model.path)
    if model.source == ModelSource.HUB:
        # The Hub's library takes a while to import, which no local model should wait for.
        path = import_module("workers.agent.model_files.hub").fetch(job, model)
    if model.source == ModelSource.RUN and (path / "adapter_config.json").exists():
        return describe_adapter(path, progress=job.progress)
    roots = None if job.payload["anywhere"] else list(settings.MODEL_ROOTS)
    return describe(path, roots=roots, progress=job.progress)

"""Adds a model's adapter into its base: a whole model of its own, described like any other."""

import shutil
from pathlib import Path
from typing import Any

from django.conf import settings

from runs.library.models import LibraryModel
from workers.agent.engine_call import call_engine
from workers.agent.jobs import JobContext
from workers.agent.model_files.description import describe


def run(job: JobContext) -> dict[str, Any]:
    model = LibraryModel.objects.get(id=job.payload["model_id"])
    origin = LibraryModel.objects.get(id=model.merged_from)
    made = job.work_dir / "model"
    request = {"base_path": origin.path, "adapter_path": origin.adapter_path, "kind": origin.kind, "to": str(made)}
    call_engine(job, "merge", request=request, doing="Merging the adapter")
    place = Path(settings.HOME) / "models" / model.id
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    made.rename(place)
    return describe(place, roots=None, progress=job.progress)

"""Has the engine make the tiny demo model, and describes it like any other."""

import shutil
from pathlib import Path
from typing import Any

from django.conf import settings

from workers.agent.engine_call import call_engine
from workers.agent.jobs import JobContext
from workers.agent.model_files.description import describe


def run(job: JobContext) -> dict[str, Any]:
    made = job.work_dir / "model"
    call_engine(job, "make-tiny", str(made), "--seed", "0", doing="Making the tiny model")
    place = Path(settings.HOME) / "models" / job.payload["model_id"]
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    made.rename(place)
    return describe(place, roots=None, progress=job.progress)

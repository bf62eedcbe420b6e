"""An attempt's own directory and the spec its engine reads there."""

from pathlib import Path

from django.conf import settings

from runs.launches.freeze import value_at
from runs.launches.models import Checkpoint, Run
from workers.contract.run_spec import RunSpec


def attempt_directory(run_id: str, attempt: int) -> Path:
    """Made when it is not there."""
    path = Path(settings.HOME) / "runs" / run_id / f"attempt-{attempt:04d}"
    path.mkdir(parents=True, exist_ok=True)
    return path


def write_spec(run: Run, directory: Path, checkpoint: Checkpoint | None) -> Path:
    """The frozen spec with this attempt's directory and the checkpoint to go on from."""
    spec = RunSpec.model_validate(run.spec)
    spec.output_dir = str(directory)
    spec.resume_from = checkpoint.path if checkpoint else None
    draft, path = directory / "spec.json.tmp", directory / "spec.json"
    draft.write_text(spec.model_dump_json(indent=2), encoding="utf-8")
    draft.replace(path)
    return path


def frozen_live(run: Run) -> dict[str, float | None]:
    """What the live fields were at launch."""
    return {field: value_at(run.spec["config"], field) for field in run.live}

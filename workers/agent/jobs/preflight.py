"""Preflight: freezes a draft as a launch would and lets the engine look at model and data before any place is taken.

A draft that cannot be frozen is not an error of the job: what is missing or wrong is the answer the form asked for.
"""

from typing import Any

from pydantic import ValidationError

from runs.accounts.models import Project
from runs.algorithms.selectors import primary_role
from runs.launches.freeze import Frozen, freeze
from runs.launches.models import Run
from runs.launches.schemas import RunDraft
from runs.problems import FieldError, Problem
from workers.agent.engine_call import call_engine
from workers.agent.jobs import JobContext
from workers.contract.preflight import Finding, PreflightReport
from workers.contract.run_spec import ModelRef, RunSpec

LIMIT_SECONDS = 1800.0
PLACES = {"models": "model", "datasets": "data"}
"""Where a draft names what the form calls model and data."""


def run(job: JobContext) -> dict[str, Any]:
    try:
        frozen = freeze(_unsaved_run(job), RunDraft.model_validate(job.payload["draft"]))
    except ValidationError as error:
        return _refused([FieldError(".".join(map(str, one["loc"])), f"{one['msg']}.") for one in error.errors()])
    except Problem as problem:
        return _refused(problem.errors or [FieldError("", problem.detail)])
    spec_path = job.work_dir / "spec.json"
    spec = _standing_in(frozen).model_copy(update={"output_dir": str(job.work_dir / "output")})
    spec_path.write_text(spec.model_dump_json(), encoding="utf-8")
    answer = call_engine(job, "preflight", str(spec_path), doing="Checking model and data", limit_seconds=LIMIT_SECONDS)
    report = PreflightReport.model_validate(answer)
    return report.model_copy(update={"findings": [*report.findings, *_waits(frozen)]}).model_dump(mode="json")


def _unsaved_run(job: JobContext) -> Run:
    return Run(project=Project.objects.get(id=job.project_id), name="preflight")


def _refused(errors: list[FieldError]) -> dict[str, Any]:
    findings = [Finding(level="error", code="draft", field=_field(error.field), message=error.message) for error in errors]
    return PreflightReport(ready=False, findings=findings).model_dump(mode="json")


def _field(path: str) -> str:
    """A path into the draft as the report has it: into the config, or `model`, `data`, `reward…`."""
    first, _, rest = path.partition(".")
    return rest if first == "config" else PLACES.get(first, path)


def _standing_in(frozen: Frozen) -> RunSpec:
    """While a model is still being trained, the one its run started from stands in: it has the same size and words."""
    upstream = frozen.waits_on
    if upstream is None:
        return frozen.spec
    models = {role: ref if ref.path else ModelRef.model_validate(upstream.spec["models"][primary_role(upstream.method)])
              for role, ref in frozen.spec.models.items()}
    return frozen.spec.model_copy(update={"models": models})


def _waits(frozen: Frozen) -> list[Finding]:
    if frozen.waits_on is None:
        return []
    message = f"Waits for the final model of {frozen.waits_on.name}; checked with the model that run started from."
    return [Finding(level="warning", code="waits", field="model", message=message)]

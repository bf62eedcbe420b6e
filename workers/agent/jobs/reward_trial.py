"""Asks the engine what a reward says of the answers of a trial, and keeps its words."""

from typing import Any

from runs.problems import FieldError, Invalid
from runs.rewards.selectors import resolved
from runs.trials import sources
from runs.trials.models import Trial
from runs.trials.services import keep_outcome
from workers.agent.engine_call import call_engine
from workers.agent.jobs import JobContext, JobRefused
from workers.contract.run_spec import RewardPipeline
from workers.contract.trials import TrialOutcome, TrialRequest

LIMIT_SECONDS = 600.0


def run(job: JobContext) -> dict[str, Any]:
    """How many prompts and answers were scored; the rest stands in the trial."""
    trial = Trial.objects.select_related("project").filter(id=job.payload["trial_id"]).first()
    if trial is None:
        raise JobRefused("trial_gone", "The trial was removed before it began.", "Try the reward again.")
    pipeline, errors = resolved(RewardPipeline.model_validate(trial.pipeline), project=trial.project)
    if errors:
        raise Invalid(errors[0].message, [FieldError(f"pipeline.{one.field}", one.message) for one in errors])
    gathered = sources.gather(trial)
    request = TrialRequest(
        pipeline=pipeline, tokenizer_path=gathered.tokenizer.path if gathered.tokenizer else "",
        replay=trial.source["kind"] == "rollouts", prompts=gathered.prompts,
    )
    answer = call_engine(
        job, "trial", request=request.model_dump(mode="json"), doing="Asking the reward", limit_seconds=LIMIT_SECONDS
    )
    outcome = TrialOutcome.model_validate(answer)
    outcome.report.notes += gathered.notes
    keep_outcome(job.id, job.attempt, trial.id, outcome)
    return {"trial_id": trial.id, "prompts": outcome.report.prompts, "answers": outcome.report.answers}

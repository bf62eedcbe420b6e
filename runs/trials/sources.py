"""Where the answers of a trial come from: what is checked when it is asked for, and what the worker reads then."""

from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter

from runs.accounts.models import Project
from runs.datasets import selectors as datasets
from runs.datasets.models import DatasetVersion
from runs.launches.models import Run
from runs.library import selectors as library
from runs.problems import Conflict, FieldError, Invalid, Problem
from runs.telemetry import selectors as telemetry
from runs.trials.models import Trial
from runs.trials.schemas import Source, TriedRollouts, TriedRows, TriedText
from workers.contract.records import Record, Text
from workers.contract.run_spec import ModelRef
from workers.contract.trials import TrialAnswer, TrialPrompt

FIELD = {"text": "prompts", "rows": "version_id", "rollouts": "run_id"}
"""The field at fault when nothing nearer is known."""
MOST_BYTES = 8 * 2**20
"""Text of one trial; prompts beyond are left out, and the trial says so."""
SOURCE: TypeAdapter[Source] = TypeAdapter(Source)


class Gathered:
    """`prompts` to be scored, the model whose tokens count (None: nobody's), and what was left out, in sentences."""

    def __init__(self, prompts: list[TrialPrompt], tokenizer: ModelRef | None, notes: list[str]) -> None:
        self.prompts, self.tokenizer, self.notes = prompts, tokenizer, notes


def check(source: Source, project: Project) -> None:
    """Raises Problem when the source is unknown, not this project's, empty, or has no answers to judge."""
    if isinstance(source, TriedRollouts):
        run = run_of(source, project)
        if not telemetry.has_rollouts(run.id, step=source.step):
            where = "" if source.step is None else f" at step {source.step}"
            raise _at("step" if where else "run_id", f"{run.name} has no stored rollouts{where}. Choose another step or run.")
        return
    if source.model_id:
        library.model_ref(source.model_id, project=project)
    if isinstance(source, TriedRows):
        ref = datasets.version_ref(source.version_id, source.split, project=project)
        if source.offset >= ref.rows:
            raise _at("offset", f"{ref.name} has {ref.rows} rows in {source.split}. Begin before row {ref.rows}.")
        record = _records(source)[0][1]
        if not answers_of(record, source.answers):
            lacking = "reference answers" if source.answers == "reference" else "answers of their own"
            other = "their own answers" if source.answers == "reference" else "their references"
            raise _at("answers", f"Rows of {ref.name} have no {lacking}. Try {other}, another data set, or a run's rollouts.")


def gather(trial: Trial) -> Gathered:
    """What the trial's source holds now. Raises Problem when it has gone since the trial was asked for."""
    source, project = SOURCE.validate_python(trial.source), trial.project
    check(source, project)
    if isinstance(source, TriedText):
        prompts = [
            TrialPrompt(prompt=one.prompt, reference=one.reference, columns=one.columns,
                        answers=[TrialAnswer(text=text) for text in one.answers])
            for one in source.prompts
        ]
        return _bounded(prompts, _tokenizer(source.model_id, project))
    if isinstance(source, TriedRows):
        read = [_row_prompt(index, record, source.answers) for index, record in _records(source)]
        bounded = _bounded([one for one in read if one is not None], _tokenizer(source.model_id, project))
        if skipped := sum(one is None for one in read):
            bounded.notes.append(f"{skipped} rows have no answer to judge and were left out.")
        return bounded
    run = run_of(source, project)
    rollouts = telemetry.whole_rollouts(run.id, step=source.step, limit=source.limit)
    records = _rollout_records(run, [rollout["row"] for rollout in rollouts])
    return _bounded([_rollout_prompt(rollout, records.get(rollout["row"])) for rollout in rollouts], None)


def run_of(source: TriedRollouts, project: Project) -> Run:
    run = Run.objects.filter(project=project, id=source.run_id).first()
    if run is None:
        raise _at("run_id", f"No run {source.run_id} in this project. Choose another.")
    return run


def answers_of(record: Record, which: str) -> list[TrialAnswer]:
    """The answers that a row holds, by what they are; of a conversation the last turn of the assistant."""
    if which == "reference":
        return [TrialAnswer(text=record.answer, label="reference")] if record.answer is not None else []
    named: list[tuple[str, Text | None]] = [
        ("completion", record.completion), ("chosen", record.chosen), ("rejected", record.rejected),
        *((f"answer {number}", text) for number, text in enumerate(record.completions or [], 1)),
        ("last turn", _last_turn(record)),
    ]
    return [TrialAnswer(text=_spoken(text), label=label) for label, text in named if text is not None]


def _row_prompt(index: int, record: Record, which: str) -> TrialPrompt | None:
    answers = answers_of(record, which)
    if not answers:
        return None
    prompt = record.prompt if record.prompt is not None else (record.messages or [])[:-1]
    return TrialPrompt(prompt=prompt, reference=reference_of(record), columns=record.extra, row=index, answers=answers)


def reference_of(record: Record) -> str | None:
    """As training has it: the row's answer, else its completion."""
    if record.answer is not None:
        return record.answer
    return None if record.completion is None else _spoken(record.completion)


def _rollout_prompt(rollout: dict[str, Any], record: Record | None) -> TrialPrompt:
    return TrialPrompt(
        prompt=rollout["prompt"], reference=rollout["reference_answer"], columns=record.extra if record else {},
        row=rollout["row"], step=rollout["step"], cursor=rollout["cursor"],
        answers=[
            TrialAnswer(text=answer["text"], ids=(answer.get("tokens") or {}).get("ids"), truncated=answer["truncated"],
                        old_reward=answer["reward"])
            for answer in rollout["answers"]
        ],
    )


def _rollout_records(run: Run, rows: list[int | None]) -> dict[int | None, Record]:
    """The rows that the run's prompts came from, as long as its data set is there: terms may read other columns of them."""
    ref = (run.spec.get("datasets") or {}).get("train") or {}
    version = DatasetVersion.objects.select_related("dataset").filter(id=ref.get("version_id", ""), project=run.project).first()
    found: dict[int | None, Record] = {}
    if version is None:
        return found
    for row in {row for row in rows if row is not None}:
        try:
            items = datasets.row_page(version, ref["split"], offset=row, limit=1)["items"]
        except (Problem, OSError):
            return {}
        if items:
            found[row] = Record.model_validate(items[0]["record"])
    return found


def _records(source: TriedRows) -> list[tuple[int, Record]]:
    version = DatasetVersion.objects.select_related("dataset").get(id=source.version_id)
    items = datasets.row_page(version, source.split, offset=source.offset, limit=source.limit)["items"]
    return [(item["index"], Record.model_validate(item["record"])) for item in items]


def _tokenizer(model_id: str | None, project: Project) -> ModelRef | None:
    """The model asked for, else the project's newest ready one; None where it has none."""
    if model_id:
        return library.model_ref(model_id, project=project)
    newest = library.model_list(project, kind="causal").filter(state="ready").order_by("-created_at").first()
    return library.model_ref(newest.id, project=project) if newest else None


def _bounded(prompts: list[TrialPrompt], tokenizer: ModelRef | None) -> Gathered:
    kept = list(_within(prompts))
    if not kept:
        raise Conflict("nothing_to_try", "The first prompt alone has more text than one trial takes. Choose other rows.")
    left = len(prompts) - len(kept)
    notes = [f"{left} prompts were left out: one trial takes {MOST_BYTES // 2**20} MiB of text."] if left else []
    return Gathered(kept, tokenizer, notes)


def _within(prompts: list[TrialPrompt]) -> Iterator[TrialPrompt]:
    size = 0
    for prompt in prompts:
        size += len(prompt.model_dump_json())
        if size > MOST_BYTES:
            return
        yield prompt


def _last_turn(record: Record) -> str | None:
    turns = record.messages or []
    return turns[-1].content if turns and turns[-1].role == "assistant" else None


def _spoken(text: Text) -> str:
    return text if isinstance(text, str) else "\n".join(message.content for message in text)


def _at(field: str, message: str) -> Invalid:
    return Invalid(message, [FieldError(field, message)])

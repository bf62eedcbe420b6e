"""What every task that lets models answer shares: the questions of a data set, models that answer them, what fits.

A question is a row; each model reads it through its own tokenizer and template, so models of different tokenizers
answer the same questions.
"""

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import torch

from workers.contract.preflight import Finding, Fix
from workers.contract.records import Record, RecordKind
from workers.contract.run_spec import DatasetRef, ModelRef, RunSpec
from workers.engine.data.rendering import prompt_ids, text_of
from workers.engine.data.rows import Rows
from workers.engine.faults import DataFault, Fault
from workers.engine.modeling.loading import declared_context, load_tokenizer
from workers.engine.modeling.models import Model, frozen
from workers.engine.rewarding.reward_pipeline import Pipeline
from workers.engine.rollout.verifiers import reference_of
from workers.engine.sample import Rollout, Sample
from workers.engine.sampler.ends import end_ids_of
from workers.engine.sampler.grouped import generate
from workers.engine.task import Work, piecewise
from workers.engine.training.training_config import MethodConfig, setting

T = TypeVar("T")
ASKED_KINDS = [RecordKind.PROMPT_ANSWER, RecordKind.DEMONSTRATION, RecordKind.PROMPT]
ROWS_READ = 200


class AnswerConfig(MethodConfig):
    """How answers are written: shared by every task that lets a model answer."""

    num_generations: int = setting(
        1, "Answers per prompt", "Answers drawn for each prompt.", group="basic", order=16, unit="answers", ge=1, le=256)
    max_completion_length: int = setting(
        256, "Maximum answer length", "Tokens after which an answer is cut.", group="basic", order=41, unit="tokens",
        ge=1, le=131_072)
    temperature: float = setting(
        0.0, "Temperature", "How freely answers are drawn; 0 always takes the likeliest token.", group="basic", order=17,
        ge=0, le=10)
    top_p: float = setting(1.0, "Top p", "Draw from the smallest set of tokens with this mass.", order=122, gt=0, le=1)
    top_k: int = setting(0, "Top k", "Draw from this many best tokens; 0 takes all.", order=123, ge=0, le=1_000_000)
    rollout_rows: int = setting(
        64, "Answers written at once", "Rows of the generating batch; fewer need less memory.", order=125, unit="answers",
        ge=1, le=65_536)


@dataclass(frozen=True)
class Question:
    """A row that is asked. `key` is the same for the same prompt and reference in any data set."""

    row: int
    record: Record
    text: str
    reference: str | None
    key: str


@dataclass(frozen=True)
class Author:
    """A model that answers. `role` is its role in the spec, `context` the tokens it can hold."""

    role: str
    ref: ModelRef
    model: Model
    tokenizer: Any
    context: int

    def prompt(self, question: Question) -> Sample:
        """The question as this model reads it, with nothing trained. Raises DataFault for messages without a template."""
        ids = torch.tensor(prompt_ids(self.tokenizer, question.text if question.record.prompt is None else question.record.prompt,
                                      question.record.tools), dtype=torch.int64)
        return Sample(ids=ids, mask=torch.zeros(len(ids), dtype=torch.bool), prompt_length=len(ids), row=question.row,
                      record=question.record, text=question.text)


@dataclass(frozen=True)
class Answer:
    text: str
    rollout: Rollout

    @property
    def length(self) -> int:
        return len(self.rollout.completion_ids)

    @property
    def truncated(self) -> bool:
        return not self.rollout.ended


def author(role: str, ref: ModelRef, device: torch.device) -> Author:
    """Loads a model to answer with. Raises ModelFault."""
    return Author(role, ref, frozen(ref, device), load_tokenizer(ref.path), declared_context(ref.path))


def questions(ref: DatasetRef, *, count: int = 0, shuffled_by: int | None = None) -> list[Question]:
    """The rows in their order, or `count` of them (0: all) drawn by the seed `shuffled_by`. Raises DataFault."""
    rows = Rows(ref)
    chosen: Sequence[int] = range(rows.count)
    if shuffled_by is not None:
        chosen = random.Random(shuffled_by).sample(chosen, rows.count)  # noqa: S311 - not a secret
    wanted = set(chosen[:count] if count else chosen)
    asked = [_question(row, record) for row, record in enumerate(islice(iter(rows), rows.count)) if row in wanted]
    return _distinct(asked)


def _question(row: int, record: Record) -> Question:
    if record.prompt is None:
        raise DataFault(f"Row {row + 1} has no prompt.", "Choose a data set of prompts, demonstrations or prompts with answers.")
    text = text_of(record.prompt)
    reference = reference_of(record)
    return Question(row, record, text, reference, key_of(text, reference or ""))


def key_of(*texts: str) -> str:
    """The same for the same texts, wherever they stand."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:20]


def _distinct(asked: list[Question]) -> list[Question]:
    """Rows that say the same are numbered, so that every key names one item."""
    seen: Counter[str] = Counter()
    found = []
    for question in asked:
        seen[question.key] += 1
        again = seen[question.key]
        found.append(question if again == 1 else Question(
            question.row, question.record, question.text, question.reference, f"{question.key}-{again}"))
    return found


def fitting(asked: Sequence[Question], authors: Sequence[Author], room: int) -> tuple[list[Question], list[str]]:
    """The questions that leave every author `room` tokens to answer, and a sentence about the others.

    Raises DataFault when none does.
    """
    kept = [question for question in asked
            if all(0 < len(one.prompt(question)) <= one.context - room for one in authors)]
    if not kept:
        raise DataFault(f"None of the {len(asked)} prompts leaves room for an answer of {room} tokens.",
                        "Lower max_completion_length, or choose a model with a longer context.")
    left = len(asked) - len(kept)
    return kept, [f"{left} of {len(asked)} prompts leave no room for an answer of {room} tokens."] if left else []


def answer(one: Author, asked: Sequence[Question], config: AnswerConfig) -> list[list[Answer]]:
    """`num_generations` answers to each question, in their order. Draws from torch's global generator."""
    prompts = [one.prompt(question).ids for question in asked]
    count = config.num_generations
    rollouts = generate(one.model, prompts, count=count, max_new_tokens=config.max_completion_length,
                        temperature=config.temperature, top_p=config.top_p, top_k=config.top_k,
                        end_ids=end_ids_of(one.tokenizer, one.model.module), max_rows=config.rollout_rows)
    texts = one.tokenizer.batch_decode([rollout.completion_ids.tolist() for rollout in rollouts], skip_special_tokens=True)
    answers = [Answer(text, rollout) for text, rollout in zip(texts, rollouts, strict=True)]
    return [answers[start:start + count] for start in range(0, len(answers), count)]


def go_through(
    work: Work, asked: Sequence[Question], config: AnswerConfig, *, ask: Callable[[Sequence[Question]], list[T]],
    publish: Callable[[list[T], bool], dict[str, float | None]],
) -> dict[str, float | None]:
    """`task.piecewise` over the questions, a piece filling one generating batch. Raises Stopped or Preempted."""
    size = max(1, config.rollout_rows // config.num_generations)
    return piecewise(work, asked, size=size, noun="prompts", ask=ask, publish=publish)


@contextmanager
def pipeline_of(spec: RunSpec, device: torch.device) -> Iterator[Pipeline | None]:
    """The run's reward made ready for as long as the block lasts; None without one. Raises ConfigFault."""
    if spec.reward is None:
        yield None
        return
    with closing(Pipeline(spec.reward, device=device, seed=spec.seed)) as pipeline:
        yield pipeline


def step_of(ref: ModelRef) -> int | None:
    """The training step of a checkpoint's model, from its directory's name; None for any other."""
    place = Path(ref.adapter_path or ref.path).parent.name
    return int(place.removeprefix("step-")) if place.startswith("step-") and place[5:].isdigit() else None


def findings(spec: RunSpec, *, roles: Sequence[str], room: int, needs_reference: bool = False, data: str = "prompts",
             ) -> list[Finding]:
    """Preflight of a task: do the first prompts leave room for an answer, and do the rows have references?"""
    found: list[Finding] = []
    try:
        records = list(islice(iter(Rows(spec.datasets[data])), ROWS_READ))
        asked = [_question(row, record) for row, record in enumerate(records)]
        for role in roles:
            if role in spec.models:
                found.append(_lengths(spec.models[role], role, asked, room))
    except Fault as fault:
        return [Finding(level="error", code="data", field="data", message=f"{fault.message} {fault.remedy}".strip())]
    without = sum(question.reference is None for question in asked)
    if needs_reference and without:
        every = without == len(asked)
        found.append(Finding(level="error" if every else "warning", code="no_reference", field="data", message=(
            f"{'None' if every else without} of the first {len(asked)} rows {'has a' if every else 'have no'} reference answer. "
            + ("Choose a data set with answers, or let a reward decide what is right." if every else "They are left out."))))
    return found


def _lengths(ref: ModelRef, role: str, asked: Sequence[Question], room: int) -> Finding:
    tokenizer, context = load_tokenizer(ref.path), declared_context(ref.path)
    lengths = [len(prompt_ids(tokenizer, question.record.prompt or "", question.record.tools)) for question in asked]
    long = sum(length > context - room for length in lengths)
    longest = max(lengths)
    if not long:
        return Finding(level="ok", code="lengths", field="max_completion_length", message=(
            f"The longest of the first {len(asked)} prompts has {longest} tokens of {context} as {role}."))
    fix = Fix(label=f"Set max_completion_length to {context - longest}", set={"max_completion_length": context - longest})
    return Finding(
        level="error" if long == len(asked) else "warning", code="prompt_too_long", field="max_completion_length",
        fix=fix if longest < context else None, message=(
            f"{long} of the first {len(asked)} prompts leave no room for an answer of {room} tokens in the {context} that the "
            f"model for {role} can hold; they are left out."))

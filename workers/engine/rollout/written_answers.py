"""Answers that a model of the run writes to the data's prompts, for methods that train on them by likelihood or as pairs.

Legend: T tokens.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import ClassVar

from workers.contract.catalogue import MetricInfo
from workers.contract.records import Record, RecordKind
from workers.engine.composition import Collect, Composition, Fit, Loss, ModelView, Role, Setting, Turn
from workers.engine.data.rendering import text_of
from workers.engine.families import online, supervised
from workers.engine.faults import ConfigFault
from workers.engine.rollout.rollout_events import rollout_event
from workers.engine.rollout.rollouts import tell_lengths
from workers.engine.rollout.scoring import texts_of
from workers.engine.rollout.verifiers import reference_of
from workers.engine.sample import Rollout, Sample
from workers.engine.sampler.ends import end_ids_of
from workers.engine.sampler.grouped import generate
from workers.engine.training.training_config import TrainingConfig
from workers.engine.training.training_config import setting as field

KINDS = [RecordKind.DEMONSTRATION, RecordKind.PROMPT_ANSWER, RecordKind.PROMPT]


class Writing(TrainingConfig):
    """How answers are written and shown."""

    max_completion_length: int = field(
        128, "Maximum answer length", "Tokens after which an answer that is written is cut.", group="basic", order=41,
        unit="tokens", ge=1, le=131_072)
    temperature: float = field(
        0.9, "Temperature", "How freely answers are written; 0 always takes the likeliest token.", group="basic", order=17,
        live=True, ge=0, le=10)
    top_p: float = field(1.0, "Top p", "Write from the smallest set of tokens with this mass.", order=122, gt=0, le=1)
    rollout_rows: int = field(
        1024, "Answers written at once", "Rows of the generating batch; fewer need less memory.", order=125, unit="answers",
        ge=1, le=65_536)
    rollout_steps: int = field(
        5, "Show answers every", "Steps between answers shown on the page; 0 only when asked.", order=126, unit="steps", ge=0)
    rollout_prompts: int = field(
        4, "Prompts shown", "Prompts whose answers are shown each time.", order=127, unit="prompts", ge=1, le=64)


class WritingConfig(supervised.SupervisedConfig, Writing):
    """What methods have that fit what was written by likelihood."""


class FittingConfig(WritingConfig):
    """Adds how many prompts a step answers, and how long it fits the answers."""

    # A step's answers are cut into micro-batches of `per_device_train_batch_size` by itself.
    gradient_accumulation_steps: ClassVar[int] = 1  # type: ignore[misc]
    packing: ClassVar[bool] = False  # type: ignore[misc]

    prompts_per_step: int = field(
        16, "Prompts per step", "Different prompts answered in each step.", group="basic", order=15, unit="prompts",
        ge=1, le=65_536)
    num_iterations: int = field(
        1, "Passes over the answers", "Times each step's answers are trained on.", order=119, ge=1, le=1000)
    updates_per_rollout: int = field(
        1, "Updates per pass", "Optimizer steps into which a pass is cut.", order=120, ge=1, le=1024)


METRICS = [
    MetricInfo(name="completions/mean_length", title="Answer length", panel="Answers", unit="tokens"),
    MetricInfo(name="completions/min_length", title="Shortest answer", panel="Answers", unit="tokens"),
    MetricInfo(name="completions/max_length", title="Longest answer", panel="Answers", unit="tokens"),
    MetricInfo(name="completions/mean_terminated_length", title="Length of ended answers", panel="Answers", unit="tokens"),
    MetricInfo(name="completions/clipped_ratio", title="Answers cut", panel="Answers", better="down"),
]


def composition(
    config: FittingConfig, setting: Setting, gather: Callable[[Turn], list[Sample]], *, measure: supervised.Measure,
    loss: Loss | None = None, more: tuple[Role, ...] = (), live: Mapping[str, float] | None = None,
) -> Composition:
    """Gather written answers and fit them, in every step; by likelihood unless there is another `loss`.

    Raises ConfigFault for lengths that do not fit.
    """
    check_room(config, setting)
    base = supervised.compose(config, setting, partial(render_prompt, config, setting), more=more, measure=measure,
                              live={"temperature": config.temperature} | dict(live or {}))
    fit = Fit("fit", ("policy",), loss or partial(supervised.likelihood, config), epochs=config.num_iterations,
              updates=config.updates_per_rollout, micro_samples=config.per_device_train_batch_size)
    return replace(
        base, cycle=(Collect("write", gather), fit), best=("eval/exact_match", "up"), rollouts_every=config.rollout_steps,
        total_steps=lambda data: online.planned_steps(config.max_steps, config.num_train_epochs, config.prompts_per_step, data))


def check_room(config: Writing, setting: Setting) -> None:
    """Raises ConfigFault when the longest answer leaves no room for a prompt."""
    longest = min(config.max_length, setting.context_length)
    if config.max_completion_length >= longest:
        raise ConfigFault(f"max_completion_length ({config.max_completion_length}) leaves no room for a prompt in {longest} "
                          f"tokens: max_length is {config.max_length}, the model's context {setting.context_length}.",
                          "Lower max_completion_length or raise max_length.")


def render_prompt(config: Writing, setting: Setting, record: Record, row: int) -> list[Sample]:
    """The prompt as a sample without trained tokens; nothing when it leaves no room for an answer."""
    return online.render_prompt(setting, record, row, longest=config.max_length, room=config.max_completion_length)


def roll_out(config: Writing, turn: Turn, model: ModelView, prompts: Sequence[Sample], count: int = 1) -> list[Rollout]:
    """`count` answers to each sample's prompt, in prompt order."""
    turn.say(f"writing {len(prompts) * count} answers")
    rollouts = generate(
        model, [prompt.ids[: prompt.prompt_length] for prompt in prompts], count=count,
        max_new_tokens=config.max_completion_length, temperature=turn.live["temperature"], top_p=config.top_p,
        end_ids=end_ids_of(turn.tokenizer, model.module), max_rows=config.rollout_rows)
    turn.say("")
    return rollouts


def samples_of(turn: Turn, prompts: Sequence[Sample], rollouts: Sequence[Rollout], count: int = 1) -> list[Sample]:
    """The answers as samples: completions trained, grouped by prompt, with their text. Tells `completions/…`."""
    tell_lengths(turn.tally, rollouts)
    texts = texts_of(turn.tokenizer, rollouts)
    asked = [(group, prompt) for group, prompt in enumerate(prompts) for _ in range(count)]
    return [rollout.sample(row=prompt.row, record=prompt.record, group=group, text=text)
            for (group, prompt), rollout, text in zip(asked, rollouts, texts, strict=True)]


def show(config: Writing, turn: Turn, samples: Sequence[Sample]) -> None:
    """Emits the first prompts' answers when this turn should show what was written."""
    if not turn.wants_rollouts:
        return
    shown = [sample for sample in samples if sample.group < config.rollout_prompts]
    for _, members in groupby(shown, key=lambda sample: sample.group):
        group = list(members)
        record = group[0].record
        prompt = "" if record is None or record.prompt is None else text_of(record.prompt)
        turn.show(rollout_event(turn.step, prompt, reference_of(record), group, turn.tokenizer))


def shown_every(composition: Composition, config: WritingConfig) -> Composition:
    """The composition with answers shown as often as the config says."""
    return replace(composition, rollouts_every=config.rollout_steps)


def with_scalars(samples: Sequence[Sample], scalars: Mapping[str, float]) -> list[Sample]:
    return [replace(sample, scalars=sample.scalars | dict(scalars)) for sample in samples]

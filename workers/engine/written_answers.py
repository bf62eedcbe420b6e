"""Answers that a model of the run writes to the data's prompts, for methods that train on them by likelihood.

Legend: T tokens.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from workers.contract.catalogue import MetricInfo
from workers.contract.records import Record, RecordKind
from workers.engine import online, supervised
from workers.engine.composition import Composition, ModelView, Setting, Turn
from workers.engine.faults import ConfigFault
from workers.engine.rendering import text_of
from workers.engine.rollout_events import rollout_event
from workers.engine.rollouts import tell_lengths
from workers.engine.sample import Rollout, Sample
from workers.engine.sampler.ends import end_ids_of
from workers.engine.sampler.grouped import generate
from workers.engine.scoring import texts_of
from workers.engine.training_config import setting as field
from workers.engine.verifiers import reference_of

KINDS = [RecordKind.DEMONSTRATION, RecordKind.PROMPT_ANSWER, RecordKind.PROMPT]


class WritingConfig(supervised.SupervisedConfig):
    """Adds how answers are written and shown."""

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


METRICS = [
    MetricInfo(name="completions/mean_length", title="Answer length", panel="Answers", unit="tokens"),
    MetricInfo(name="completions/min_length", title="Shortest answer", panel="Answers", unit="tokens"),
    MetricInfo(name="completions/max_length", title="Longest answer", panel="Answers", unit="tokens"),
    MetricInfo(name="completions/mean_terminated_length", title="Length of ended answers", panel="Answers", unit="tokens"),
    MetricInfo(name="completions/clipped_ratio", title="Answers cut", panel="Answers", better="down"),
]


def check_room(config: WritingConfig, setting: Setting) -> None:
    """Raises ConfigFault when the longest answer leaves no room for a prompt."""
    longest = min(config.max_length, setting.context_length)
    if config.max_completion_length >= longest:
        raise ConfigFault(f"max_completion_length ({config.max_completion_length}) leaves no room for a prompt in {longest} "
                          f"tokens: max_length is {config.max_length}, the model's context {setting.context_length}.",
                          "Lower max_completion_length or raise max_length.")


def render_prompt(config: WritingConfig, setting: Setting, record: Record, row: int) -> list[Sample]:
    """The prompt as a sample without trained tokens; nothing when it leaves no room for an answer."""
    return online.render_prompt(setting, record, row, longest=config.max_length, room=config.max_completion_length)


def roll_out(config: WritingConfig, turn: Turn, model: ModelView, prompts: Sequence[Sample], count: int = 1) -> list[Rollout]:
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


def show(config: WritingConfig, turn: Turn, samples: Sequence[Sample]) -> None:
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

"""Preference pairs as samples: two of one group, the chosen side first, behind one prompt that is computed once.

What cannot teach anything is left out and told: answers that are equal (as the model reads them), an empty answer, a
prompt that leaves no room for the answers. In a step pair k is samples 2k and 2k + 1, so `sides` is all that tells them
apart.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Any, ClassVar

from torch import Tensor

from workers.contract.catalogue import MetricInfo
from workers.contract.records import Record, Text
from workers.engine.composition import Setting, Stream, Turn
from workers.engine.data.rendering import Rendered, Truncation, render_demonstration, sample_of, truncate
from workers.engine.faults import ConfigFault, DataFault
from workers.engine.sample import Batch, Sample
from workers.engine.training.training_config import TrainingConfig, setting

EQUAL = "whose two answers are equal"
EMPTY = "with an empty answer"
FULL = "whose prompt fills the maximum length"
LONG = "longer than the maximum length"

METRICS = [
    MetricInfo(name="grad_norm", title="Gradient norm", panel="Optimizer", help="Before clipping."),
    MetricInfo(name="learning_rate", title="Learning rate", panel="Optimizer"),
    MetricInfo(name="num_tokens", title="Trained tokens", panel="Progress", unit="tokens", help="Of the answers."),
    MetricInfo(name="epoch", title="Epoch", panel="Progress"),
    MetricInfo(name="step_time", title="Step time", panel="Progress", unit="seconds", better="down"),
]


class PairConfig(TrainingConfig):
    """Batches count pairs; what is too long is cut alike on both sides."""

    answers_per_sample: ClassVar[int] = 2

    per_device_train_batch_size: int = setting(
        8, "Batch size per device", "Pairs computed at once. Halve it and double accumulation when memory runs out.",
        group="basic", order=20, unit="pairs", ge=1, le=4096)
    truncation_mode: Truncation = setting(
        "keep_start", "Too long pairs", "Cut the ends of the answers, cut the beginning of the prompt, or leave the pair out.",
        order=42)


class SoftPairConfig(PairConfig):
    """Adds labels that are chances, for losses that take them."""

    soft_label_column: str = setting(
        "", "Column of soft labels", "The column with the chance, from 0 to 1, that the chosen answer is the better one, such as "
        "a judge gives. Empty: it is for certain.", order=45, max_length=100)


@dataclass
class LeftOut:
    """Rows that gave nothing to train on, by reason; `news` says so when their number has doubled since it was last told."""

    rows: dict[str, set[int]] = field(default_factory=dict)
    told: int = 0

    def add(self, reason: str, row: int) -> list[Sample]:
        """Remembers the row; answers no sample."""
        self.rows.setdefault(reason, set()).add(row)
        return []

    def news(self) -> str | None:
        total = sum(map(len, self.rows.values()))
        if total == 0 or total < 2 * self.told:
            return None
        self.told = total
        parts = ", ".join(f"{len(rows)} {reason}" for reason, rows in sorted(self.rows.items()))
        return f"Left out so far: {parts}."


def render_pair(tokenizer: Any, record: Record, row: int, *, max_length: int, mode: Truncation,
                left_out: LeftOut) -> list[Sample]:
    """Chosen and rejected with scalars `margin` (0 where the row has none) and `label`; nothing for a pair that is left out.

    Raises DataFault for a row that is no preference.
    """
    if record.prompt is None or record.chosen is None or record.rejected is None:
        raise DataFault(f"Row {row + 1} is no preference: it lacks prompt, chosen or rejected.",
                        "Choose a data set of preferences.")
    if is_empty(record.chosen) or is_empty(record.rejected):
        return left_out.add(EMPTY, row)
    answers = [render_answer(tokenizer, record, answer) for answer in (record.chosen, record.rejected)]
    return pair_of(answers, record, row, max_length=max_length, mode=mode, left_out=left_out)


def pair_of(answers: Sequence[Rendered], record: Record, row: int, *, max_length: int, mode: Truncation,
            left_out: LeftOut) -> list[Sample]:
    """The rendered chosen and rejected `answers` as the two samples of `render_pair`; nothing for a pair that is left out."""
    cut = cut_alike(answers, max_length, mode)
    if cut is None:
        return left_out.add(LONG, row)
    if not all(any(side.trained) for side in cut):
        return left_out.add(FULL, row)
    if cut[0].ids == cut[1].ids:
        return left_out.add(EQUAL, row)
    shared = shared_length(cut)
    return [replace(sample_of(side, row=row, record=record), prompt_length=shared, group=row,
                    scalars={"margin": record.margin or 0.0, "label": label})
            for side, label in zip(cut, (1.0, 0.0), strict=True)]


def renderer(config: PairConfig, setting: Setting, left_out: LeftOut) -> Callable[[Record, int], list[Sample]]:
    """`render_pair` as a composition wants it: of a record and its row, by the method's own settings.

    Where the config names soft labels, both sides have the scalar `chance`.
    """
    def rendered(record: Record, row: int) -> list[Sample]:
        found = render_pair(setting.tokenizer, record, row, max_length=config.max_length, mode=config.truncation_mode,
                            left_out=left_out)
        if not found or not isinstance(config, SoftPairConfig) or not config.soft_label_column:
            return found
        chance = soft_label(record, row, config.soft_label_column)
        return [replace(sample, scalars=sample.scalars | {"chance": chance}) for sample in found]

    return rendered


def soft_label(record: Record, row: int, column: str) -> float:
    """The chance that the chosen answer is the better one. Raises DataFault where the column does not hold one."""
    value = record.extra.get(column)
    if isinstance(value, int | float) and 0 <= value <= 1:
        return float(value)
    raise DataFault(f"Row {row + 1} has no chance from 0 to 1 in the column {column}.",
                    "Name the column that holds the chance that the chosen answer is better, or leave soft_label_column empty.")


def smoothing(batch: Batch, label_smoothing: float) -> Tensor | float:
    """How likely each pair [P] is the wrong way round: 1 less its soft label, of labels of which so many are flipped."""
    if "chance" not in batch.scalars:
        return label_smoothing
    wrong = 1 - sides(batch.scalars["chance"])[0]
    return wrong * (1 - label_smoothing) + (1 - wrong) * label_smoothing


def render_answer(tokenizer: Any, record: Record, answer: Text) -> Rendered:
    """Prompt and one answer, the answer trained. Where the template rewrites history, the answer's last turn is."""
    return render_demonstration(tokenizer, Record(prompt=record.prompt, completion=answer, tools=record.tools))[-1]


def is_empty(answer: Text) -> bool:
    """No text, or no turn with text or a tool call."""
    if isinstance(answer, str):
        return not answer.strip()
    return not any(message.content.strip() or message.tool_calls for message in answer)


def cut_alike(sides: Sequence[Rendered], max_length: int, mode: Truncation) -> list[Rendered] | None:
    """All sides within `max_length`, their prompts still equal; None when `mode` is drop and one is longer.

    `keep_end` takes as much off the prompt's beginning as the longest side is over, its last token excepted, then off the
    ends.
    """
    over = max(len(side.ids) for side in sides) - max_length
    if over <= 0:
        return list(sides)
    if mode == "drop":
        return None
    off = min(over, max(1, min(side.prompt_length for side in sides)) - 1) if mode == "keep_end" else 0
    shorter = [Rendered(side.ids[off:], side.trained[off:]) for side in sides]
    return [cut for side in shorter if (cut := truncate(side, max_length, "keep_start")) is not None]


def shared_length(sides: Sequence[Rendered]) -> int:
    """Tokens that all sides begin with, before the first trained one."""
    most = min(side.prompt_length for side in sides)
    return next((at for at in range(most) if len({side.ids[at] for side in sides}) > 1), most)


def sides(values: Tensor) -> tuple[Tensor, Tensor]:
    """Per-sample `values` [2P, …] as those of the chosen and of the rejected sides, each [P, …]."""
    return values[0::2], values[1::2]


def take(turn: Turn, count: int, left_out: LeftOut) -> list[Sample]:
    """The next `count` pairs, each a group of its own even where a row comes twice; tells what was left out."""
    samples = turn.data["train"].take(2 * count)
    tell(turn, left_out)
    return [replace(sample, group=index // 2) for index, sample in enumerate(samples)]


def tell(turn: Turn, left_out: LeftOut) -> None:
    """Warns of rows left out, when there is something new to say."""
    if news := left_out.news():
        turn.warn(news)


def planned_steps(config: TrainingConfig, data: Mapping[str, Stream], per_row: int = 1) -> int:
    """Steps of the plan: as set, or from the epochs and the rows, each of which makes `per_row` of the batch size."""
    if config.max_steps > 0:
        return config.max_steps
    batch = config.per_device_train_batch_size * config.gradient_accumulation_steps
    return max(1, ceil(data["train"].rows * per_row * config.num_train_epochs / batch))


def check_length(config: TrainingConfig, setting: Setting) -> None:
    """Raises ConfigFault when samples may be longer than the model's context."""
    if config.max_length > setting.context_length:
        raise ConfigFault(f"max_length {config.max_length} is beyond the model's context of {setting.context_length} tokens.",
                          f"Set max_length to {setting.context_length} or less.")

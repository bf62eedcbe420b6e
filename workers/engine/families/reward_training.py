"""What the training of every reward model shares: fields, curves, how answers are read, and the composition around a loss.

A method says how a row becomes samples, how many of them a step takes, its loss over scores, what is measured on held-out
rows and the report; each is a function of plain arguments. Batches count what the method learns from: rankings or answers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

import torch
from torch import Tensor

from workers.contract.catalogue import DataNeed, MetricInfo, ModelNeed, Preset
from workers.contract.products import ProductKind, RewardReport
from workers.contract.records import Record, RecordKind, Text
from workers.contract.run_spec import ModelKind
from workers.engine.composition import Collect, Composition, Evaluation, Fit, Loss, Report, Role, Setting, Stream, Turn
from workers.engine.data import pairs, rankings
from workers.engine.data.marked_answers import answers_per_row
from workers.engine.data.pairs import EMPTY, FULL, LONG, LeftOut, PairConfig
from workers.engine.data.rendering import Rendered, Truncation, truncate
from workers.engine.modeling.reward_heads import declaration
from workers.engine.sample import Sample
from workers.engine.training.tally import Tally
from workers.engine.training.training_config import HELD_OUT_COUNT, TrainingConfig, chosen_learning_rate, setting


class RewardConfig(TrainingConfig):
    """Batches count answers; those too long are left out."""

    per_device_train_batch_size: int = setting(
        16, "Batch size per device", "Answers computed at once. Halve it and double accumulation when memory runs out.",
        group="basic", order=20, unit="answers", ge=1, le=4096)
    truncation_mode: Truncation = setting(
        "drop", "Too long answers", "Leave the row out, cut the ends of the answers, or cut the beginning of the prompt.",
        order=42)
    report_limit: int = setting(
        2000, "Rows of the report", "Rows of the held-out split (the training split where there is none) that the report at "
        "the end is made of.", order=73, unit="rows", ge=1, le=1_000_000)


def metrics(loss: str, more: Sequence[MetricInfo], held_out_more: Sequence[MetricInfo] = ()) -> list[MetricInfo]:
    """The curves of a reward model whose loss is the mean over `loss`: its own `more` and the rewards, in training and held
    out, and those that are measured on held-out rows alone."""
    own = [
        MetricInfo(name="loss", title="Loss", panel="Loss", better="down", help=f"Mean over {loss}."), *more,
        MetricInfo(name="mean_reward", title="Mean reward", panel="Reward"),
        MetricInfo(name="min_reward", title="Lowest reward", panel="Reward"),
        MetricInfo(name="max_reward", title="Highest reward", panel="Reward"),
    ]
    held_out = [one.model_copy(update={"name": f"eval/{one.name}", "title": f"Held-out {one.title[0].lower()}{one.title[1:]}",
                                       "share_of": "eval/samples" if one.name == "accuracy" else ""}) for one in own]
    return [*own, *held_out, *held_out_more, HELD_OUT_COUNT, *pairs.METRICS]


def held_out_only(name: str, title: str, help: str, better: Literal["up", "down", "none"] = "up") -> MetricInfo:  # noqa: A002
    return MetricInfo(name=f"eval/{name}", title=title, panel="Accuracy", better=better, help=help)


ACCURACY = MetricInfo(name="accuracy", title="Accuracy", panel="Accuracy", better="up",
                      help="Share whose score is on the right side of one half.")
LORA = Preset(name="lora", title="LoRA", description="A small adapter on every linear layer and a whole head.",
              config={"use_peft": True, "lora_r": 16, "lora_alpha": 32})
MODELS = [ModelNeed(role="reward", kinds=[ModelKind.CAUSAL, ModelKind.REWARD],
                    help="The model that is trained: a language model gets a fresh head, a reward model keeps its own.")]


def needs(kinds: list[RecordKind], what: str) -> list[DataNeed]:
    return [DataNeed(role="train", kinds=kinds, help=what),
            DataNeed(role="eval", kinds=kinds, required=False, help="Held-out rows for the curves and the report.")]


@dataclass(frozen=True)
class Parts:
    """What a reward model's method is made of.

    `render` turns a row into samples and leaves out what teaches nothing; `take` reads so many units of a step; `measure` is
    asked about held-out samples, `report` about those of the report. `unit_samples` are the samples of one unit of the batch.
    """

    render: Callable[[LeftOut, Record, int], list[Sample]]
    loss: Loss
    measure: Callable[[Turn, list[Sample]], dict[str, float]]
    report: Callable[[Turn, str, list[Sample], bool], RewardReport]
    declares: Mapping[str, Any]
    best: tuple[str, Literal["up", "down"]]
    grouped: bool = False
    unit_samples: int = 1
    heads: int = 1
    prepare: Callable[[Turn, list[Sample]], list[Sample]] | None = None


def composition(config: RewardConfig, setting: Setting, parts: Parts) -> Composition:
    """One trained role with a scalar head around the method's `parts`.

    Raises ConfigFault when answers may be longer than the model's context.
    """
    pairs.check_length(config, setting)
    left_out, held_out = LeftOut(), "eval" in setting.spec.datasets
    count = config.per_device_train_batch_size * config.gradient_accumulation_steps

    def collect(turn: Turn) -> list[Sample]:
        samples = rankings.take_groups(turn.data["train"], count) if parts.grouped else turn.data["train"].take(count)
        pairs.tell(turn, left_out)
        return samples if parts.prepare is None else parts.prepare(turn, samples)

    def measured(turn: Turn) -> dict[str, float]:
        samples = first(turn.data["eval"], config.eval_limit, grouped=parts.grouped)
        return {f"eval/{name}": value for name, value in parts.measure(turn, samples).items()} if samples else {}

    def reported(turn: Turn) -> RewardReport:
        role = "eval" if "eval" in turn.data else "train"
        samples = first(turn.data[role], config.report_limit, grouped=parts.grouped)
        return parts.report(turn, setting.spec.datasets[role].split, samples, role == "eval")

    return Composition(
        roles=(Role("reward", trained=True, head="scalar", weights="reward", heads=parts.heads, declares=parts.declares),),
        cycle=(Collect("read", collect),
               Fit("fit", ("reward",), parts.loss, micro_samples=parts.unit_samples * config.per_device_train_batch_size,
                   keep_groups=parts.grouped)),
        data={"train": lambda record, row: parts.render(left_out, record, row),
              "eval": lambda record, row: parts.render(LeftOut(), record, row)},
        total_steps=lambda data: pairs.planned_steps(config, data, 1 if parts.grouped else answers_per_row(setting.spec)),
        live={"learning_rate": chosen_learning_rate(config, setting.parameters, at_7b=1e-5, highest=1e-3)},
        evaluations=(Evaluation("eval", measured),) if held_out else (),
        reports=(Report(ProductKind.REWARD_REPORT, reported),),
        best=parts.best if held_out else None,
    )


def of_pairs(config: PairConfig, setting: Setting, *, loss: Loss, measure: Callable[[Turn], dict[str, float]],
             report: Callable[[Turn], RewardReport], collect: Callable[[Turn, int, LeftOut], list[Sample]] = pairs.take,
             heads: int = 1) -> Composition:
    """One trained role with a scalar head that learns from pairs; held-out accuracy where there is a split for it, the report
    at the end. `measure` names its metrics in full.

    Raises ConfigFault when pairs may be longer than the model's context.
    """
    pairs.check_length(config, setting)
    left_out, held_out = LeftOut(), "eval" in setting.spec.datasets
    count = config.per_device_train_batch_size * config.gradient_accumulation_steps
    return Composition(
        roles=(Role("reward", trained=True, head="scalar", weights="reward", heads=heads, declares=declaration("preference")),),
        cycle=(Collect("read", lambda turn: collect(turn, count, left_out)),
               Fit("fit", ("reward",), loss, micro_samples=2 * config.per_device_train_batch_size, keep_groups=True)),
        data={"train": pairs.renderer(config, setting, left_out), "eval": pairs.renderer(config, setting, LeftOut())},
        total_steps=lambda data: pairs.planned_steps(config, data),
        live={"learning_rate": chosen_learning_rate(config, setting.parameters, at_7b=1e-5, highest=1e-3)},
        evaluations=(Evaluation("eval", measure),) if held_out else (),
        reports=(Report(ProductKind.REWARD_REPORT, report),),
        best=("eval/accuracy", "up") if held_out else None,
    )


def first(stream: Stream, limit: int, *, grouped: bool) -> list[Sample]:
    """The samples of the first `limit` rows in file order, or so many samples where each stands alone."""
    if not grouped:
        return list(islice(stream.all(), limit))
    return rankings.first_groups(stream, limit)


def rendered_answer(config: RewardConfig, setting: Setting, record: Record, answer: Text, *, row: int,
                    left_out: LeftOut) -> Rendered | None:
    """Prompt and answer as tokens, the answer trained; None for one that is left out: empty, too long, all prompt."""
    if pairs.is_empty(answer):
        left_out.add(EMPTY, row)
        return None
    cut = truncate(pairs.render_answer(setting.tokenizer, record, answer), config.max_length, config.truncation_mode)
    if cut is None or not any(cut.trained):
        left_out.add(LONG if cut is None else FULL, row)
        return None
    return cut


def tell_rewards(tally: Tally, scores: Tensor) -> None:
    """`mean_reward`, `min_reward` and `max_reward` of scores of any shape."""
    tally.mean("mean_reward", scores)
    tally.lowest("min_reward", scores)
    tally.highest("max_reward", scores)


def scalar(samples: Sequence[Sample], name: str) -> Tensor:
    """The scalar `name` of each sample, [B]."""
    return torch.tensor([sample.scalars[name] for sample in samples])

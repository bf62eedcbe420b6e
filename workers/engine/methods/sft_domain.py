"""Domain fine-tuning: continued pre-training on raw text, mixed with tasks of the domain and with replayed general data.

L = λ_raw·L(raw) + λ_task·L(task) + λ_replay·L(replay), the λ scaled to sum to 1 over the sources that the run has, each L
the mean over its own tokens of the step; a step holds samples of every source in about these shares, at least one of each.
With one source it is instruction fine-tuning on it. Survey §4.4.

At the edge: a raw text longer than `max_length` is cut into pieces that overlap by one token, none of it is lost.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from itertools import islice
from math import ceil
from typing import ClassVar

import torch
from torch import Tensor

from workers.contract.catalogue import DataNeed, MetricInfo, ModelNeed, Paper, Preset
from workers.contract.records import Record, RecordKind
from workers.engine.card import card
from workers.engine.composition import Composition, Evaluation, Setting, Stream, Turn
from workers.engine.data.rendering import chunks, render_taught, render_text
from workers.engine.families import supervised
from workers.engine.faults import ConfigFault
from workers.engine.sample import Batch, Counts, Sample
from workers.engine.training.training_config import setting as field

SOURCES = {"raw": "train", "task": "task", "replay": "replay"}
"""The sources of the mixture, and the data set that each is read from."""
TAUGHT = [RecordKind.DEMONSTRATION, RecordKind.CONVERSATION]


class Config(supervised.SupervisedConfig):
    """Adds the weights of the sources."""

    reads_texts_in_pieces: ClassVar[bool] = True
    raw_weight: float = field(
        0.7, "Weight of the raw text", "How much the domain's raw text counts in the mixture.", group="basic", order=43, ge=0,
        le=1000)
    task_weight: float = field(
        0.2, "Weight of the tasks", "How much the domain's tasks count; without task data it has no part.", group="basic",
        order=44, ge=0, le=1000)
    replay_weight: float = field(
        0.1, "Weight of the replay", "How much general data counts; 5 to 20 % of the whole keeps what the model knew.",
        group="basic", order=45, ge=0, le=1000)


CARD = card(
    "sft-domain", Config,
    title="Domain fine-tuning", family="Supervised tuning",
    papers=[Paper(title="Don't Stop Pretraining: Adapt Language Models to Domains and Tasks", authors="Gururangan et al.",
                  year=2020, link="https://arxiv.org/abs/2004.10964")],
    summary="Continues pre-training on a domain's raw text, mixed by weights with tasks of the domain and with general data that "
            "is replayed so that the model forgets less.",
    formula=r"L = \lambda_{raw} L_{LM}(raw) + \lambda_{task} L_{SFT}(task) + \lambda_{replay} L_{SFT}(replay)",
    confidence="paper",
    data=[DataNeed(role="train", kinds=[RecordKind.TEXT, *TAUGHT], help="The domain: raw text, every token of which is learned."),
          DataNeed(role="task", kinds=TAUGHT, required=False, help="Tasks of the domain: questions with answers."),
          DataNeed(role="replay", kinds=[*TAUGHT, RecordKind.TEXT], required=False,
                   help="General data, replayed against forgetting."),
          DataNeed(role="eval", kinds=[RecordKind.TEXT, *TAUGHT], required=False, help="Held-out rows of the domain."),
          DataNeed(role="general", kinds=[*TAUGHT, RecordKind.TEXT], required=False,
                   help="Held-out general rows: their loss rises as the model forgets.")],
    models=[ModelNeed(role="policy", help="The model that is trained.")],
    presets=[
        Preset(name="default", title="Whole model", description="All weights; raw text, tasks and replay 7 : 2 : 1."),
        Preset(name="raw", title="Raw text, packed", description="Continued pre-training alone, in full batches.",
               config={"packing": True, "per_device_train_batch_size": 8, "raw_weight": 1.0, "task_weight": 0.0,
                       "replay_weight": 0.0}),
        Preset(name="demo", title="Demo", description="Plain texts of sums with the tiny model: a minute or two on two cores.",
               config={"learning_rate": 1e-3, "adam_beta2": 0.98, "per_device_train_batch_size": 16, "max_steps": 400,
                       "max_length": 128, "eval_steps": 100, "eval_limit": 128, "eval_max_new_tokens": 8}),
    ],
    metrics=[*supervised.METRICS,
             supervised.part_metric("raw", "Loss of raw text"), supervised.part_metric("task", "Loss of tasks"),
             supervised.part_metric("replay", "Loss of replayed data"),
             MetricInfo(name="eval/general/loss", title="Held-out loss of general data", panel="Evaluation", better="down",
                        help="Rises as the model forgets what it knew."),
             MetricInfo(name="eval/general/mean_token_accuracy", title="Held-out token accuracy of general data",
                        panel="Evaluation", better="up")],
)


def compose(config: Config, setting: Setting) -> Composition:
    """As instruction fine-tuning on a mixture of the data sets that the run has. Raises ConfigFault when none counts."""
    shares = shares_of(config, setting.spec.datasets)
    renders = {role: partial(render, config, setting, source) for source, role in SOURCES.items()}
    base = supervised.compose(
        config, setting, renders["train"], loss=partial(loss, config, shares), gather=partial(gather, config, shares),
        data=renders | {"eval": partial(render, config, setting, "raw"), "general": partial(render, config, setting, "replay")})
    general = (Evaluation("general", partial(general_measures, config)),) if "general" in setting.spec.datasets else ()
    return replace(base, evaluations=(*base.evaluations, *general), total_steps=partial(planned_steps, config, shares))


def shares_of(config: Config, datasets: Mapping[str, object]) -> dict[str, float]:
    """λ by source, summing to 1, of the sources that the run has and that count. Raises ConfigFault when there is none."""
    given = {"raw": config.raw_weight, "task": config.task_weight, "replay": config.replay_weight}
    kept = {source: weight for source, weight in given.items() if weight > 0 and SOURCES[source] in datasets}
    if not kept:
        raise ConfigFault("No data set of this run has a weight.", "Give the raw text, the tasks or the replay a weight above 0.")
    total = sum(kept.values())
    return {source: weight / total for source, weight in kept.items()}


def dealt(total: int, shares: Mapping[str, float]) -> dict[str, int]:
    """`total` samples (or tokens) by source: at least one each, the rest by largest remainder of the shares."""
    wanted = {source: share * total for source, share in shares.items()}
    found = {source: max(1, int(amount)) for source, amount in wanted.items()}
    by_want = sorted(wanted, key=lambda source: (found[source] - wanted[source], source))
    for source in by_want[: max(0, total - sum(found.values()))]:
        found[source] += 1
    return found


def render(config: Config, setting: Setting, source: str, record: Record, row: int) -> list[Sample]:
    """Raw text in pieces, tasks as instruction fine-tuning reads them; the source's channel holds their mask."""
    rendered = (chunks(render_text(setting.tokenizer, record.text), config.max_length) if record.text is not None else
                render_taught(setting.tokenizer, record))
    samples = supervised.finished(rendered, config, row=row, record=record)
    return [supervised.in_parts(sample, {name: torch.full((len(sample),), float(name == source)) for name in SOURCES})
            for sample in samples]


def gather(config: Config, shares: Mapping[str, float], turn: Turn) -> list[Sample]:
    """The step's samples of every source; when packing, each micro-batch's tokens are dealt instead."""
    if not config.packing:
        return [sample for source, count in dealt(supervised.step_size(config), shares).items()
                for sample in turn.data[SOURCES[source]].take(count)]
    return [sample for _ in range(config.gradient_accumulation_steps)
            for source, tokens in dealt(supervised.budget(config), shares).items()
            for sample in turn.data[SOURCES[source]].take_tokens(tokens)]


def loss(config: Config, shares: Mapping[str, float], turn: Turn, batch: Batch, counts: Counts) -> Tensor:
    """Σ λ·mean over the source's tokens; tells `loss/<source>`."""
    terms = supervised.token_loss(supervised.told_scores(turn, batch).logprobs, loss_type=config.loss_type)
    return supervised.sum_of_parts(turn, batch, counts, dict.fromkeys(shares, terms), shares)


def planned_steps(config: Config, shares: Mapping[str, float], data: Mapping[str, Stream]) -> int:
    """Steps of the plan: as set, or until the first source of the mixture has been read so many epochs."""
    source = next(iter(shares))
    if config.max_steps > 0:
        return config.max_steps
    samples = list(data[SOURCES[source]].all())
    if config.packing:
        per_step = dealt(supervised.budget(config), shares)[source] * config.gradient_accumulation_steps
        return max(1, ceil(sum(map(len, samples)) * config.num_train_epochs / per_step))
    return max(1, ceil(len(samples) * config.num_train_epochs / dealt(supervised.step_size(config), shares)[source]))


def general_measures(config: Config, turn: Turn) -> dict[str, float]:
    """Loss and token accuracy of the first general rows."""
    return supervised.likelihood_of(turn, list(islice(turn.data["general"].all(), config.eval_limit)), "eval/general")

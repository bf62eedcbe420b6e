"""Outcome reward model: the chance that a whole answer is right, fitted to answers marked right or wrong.

The scalar head's number at the last token that is not padding is the answer's log-odds; the loss is `reward_models.binary`, the
mean over answers. With `loss_on` every token the same label is fitted after each token of the answer too, the mean over an
answer's tokens (arXiv 2110.14168, token-level verifiers), and the score is still read at the last. Survey §3.1.3. The final
model is a sequence classifier with one label, whose σ is the chance.

`balance` weighs right and wrong answers alike over the whole training data, or within every prompt; then a prompt whose answers
are all right, or all wrong, says nothing and weighs 0. Weights have mean 1.

At the edge: an answer that is empty or too long is left out; of a pair the chosen answer is right and the other wrong.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

import torch
from torch import Tensor

from workers.contract.catalogue import MetricInfo, Paper, Preset
from workers.contract.products import RewardReport
from workers.contract.records import Record, RecordKind
from workers.engine import reward_training
from workers.engine.answer_report import ScoredAnswer, auc, outcome_report
from workers.engine.card import card
from workers.engine.composition import Composition, Setting, Turn
from workers.engine.faults import DataFault
from workers.engine.pairs import LeftOut
from workers.engine.reducers import Reduction, reduce
from workers.engine.rendering import sample_of, text_of
from workers.engine.reward_heads import declaration
from workers.engine.reward_models import binary, last_tokens, score_all
from workers.engine.reward_training import Parts, RewardConfig, held_out_only, metrics, needs, rendered_answer
from workers.engine.sample import Batch, Counts, Sample
from workers.engine.tally import Tally
from workers.engine.training_config import setting as option


class Config(RewardConfig):
    loss_on: Literal["last", "every_token"] = option(
        "last", "Loss on", "The answer's last token, where the score is read, or every token of the answer, which steadies "
        "small data.", group="basic", order=44)
    balance: Literal["none", "classes", "prompts"] = option(
        "none", "Balance", "Leave answers as they are, so that chances mean what they say; weigh right and wrong ones alike over "
        "the data; or within every prompt.", group="basic", order=45)


CARD = card(
    "rm-orm", Config, title="Outcome reward model", family="Reward modelling",
    papers=[Paper(title="Training Verifiers to Solve Math Word Problems", authors="Cobbe et al.", year=2021,
                  link="https://arxiv.org/abs/2110.14168"),
            Paper(title="Let's Verify Step by Step", authors="Lightman et al.", year=2023,
                  link="https://arxiv.org/abs/2305.20050")],
    summary="Learns the chance that an answer is right from answers marked right or wrong, such as solutions checked against a "
            "key. What results picks the best of many answers, or rewards other runs.",
    formula=r"\mathcal{L} = -\frac1N\sum_i\left[y_i\log\sigma(r_i) + (1-y_i)\log\sigma(-r_i)\right]",
    confidence="paper", left_out="The auxiliary language-modelling loss.",
    data=needs([RecordKind.UNPAIRED, RecordKind.PREFERENCE], "Answers marked right or wrong; a pair is one of each."),
    models=reward_training.MODELS,
    presets=[
        Preset(name="default", title="Whole model", description="All weights; the loss on the last token."),
        Preset(name="every-token", title="Every token", description="The label after each token of the answer.",
               config={"loss_on": "every_token"}),
        Preset(name="lora", title="LoRA", description="A small adapter on every linear layer and a whole head.",
               config={"use_peft": True, "lora_r": 16, "lora_alpha": 32}),
        Preset(name="demo", title="Demo", description="Sums marked right or wrong with the tiny model.",
               config={"learning_rate": 1e-3, "per_device_train_batch_size": 64, "max_length": 64, "max_steps": 150,
                       "loss_on": "every_token", "eval_steps": 25, "eval_limit": 256}),
    ],
    metrics=metrics(
        "answers",
        [reward_training.ACCURACY,
         MetricInfo(name="frac_right", title="Share marked right", panel="Accuracy", help="What guessing alone would know.")],
        [held_out_only("auc", "Held-out AUC", "Chance that a right answer scores above a wrong one.")]),
)


def compose(config: Config, setting: Setting) -> Composition:
    """One trained role with a scalar head. Raises ConfigFault when answers may be longer than the model's context."""
    return reward_training.composition(config, setting, Parts(
        render=partial(render, config, setting), prepare=Balanced(config.balance).give, loss=partial(loss, config),
        measure=held_out_measures, report=report, declares=declaration("outcome"), best=("eval/auc", "up")))


def render(config: Config, setting: Setting, left_out: LeftOut, record: Record, row: int) -> list[Sample]:
    """The marked answers of a row, each with scalars `label` and `weight`. Raises DataFault for a row of another kind."""
    found = [(rendered_answer(config, setting, record, answer, row=row, left_out=left_out), label)
             for answer, label in reward_training.marked(record, row)]
    return [replace(sample_of(one, row=row, record=record), scalars={"label": label, "weight": 1.0})
            for one, label in found if one is not None]


@dataclass
class Balanced:
    """Weights of answers by their label, found from the whole training data when first asked."""

    how: str
    weights: dict[tuple[str, bool], float] = field(default_factory=dict)

    def give(self, turn: Turn, samples: list[Sample]) -> list[Sample]:
        """The samples with scalar `weight`. Raises DataFault when no prompt has both a right and a wrong answer."""
        if self.how == "none":
            return samples
        if not self.weights:
            self.weights = balanced([self._key(sample) for sample in turn.data["train"].all()])
            if not any(self.weights.values()):
                raise DataFault("No prompt has both a right and a wrong answer, so that nothing is left to balance.",
                                "Set balance to classes or none, or choose data with several answers to a prompt.")
        return [replace(sample, scalars=sample.scalars | {"weight": self.weights[self._key(sample)]}) for sample in samples]

    def _key(self, sample: Sample) -> tuple[str, bool]:
        prompt = text_of(sample.record.prompt or "") if self.how == "prompts" and sample.record is not None else ""
        return prompt, sample.scalars["label"] >= 0.5


def balanced(keys: Sequence[tuple[str, bool]]) -> dict[tuple[str, bool], float]:
    """For every (prompt, right) the weight of such an answer: in a prompt with both, right and wrong ones weigh alike and all
    together as much as they are many; in one without, 0. Scaled to mean 1 over the answers."""
    counts: dict[tuple[str, bool], int] = defaultdict(int)
    for key in keys:
        counts[key] += 1
    raw = {(prompt, right): (count + counts.get((prompt, not right), 0)) / (2 * count)
           if counts.get((prompt, not right)) else 0.0 for (prompt, right), count in list(counts.items())}
    total = sum(raw[key] * count for key, count in counts.items() if key in raw)
    return {key: weight * len(keys) / total if total else 0.0 for key, weight in raw.items()}


def loss(config: Config, turn: Turn, batch: Batch, counts: Counts) -> Tensor:
    """The micro-batch's part of the mean over the step's answers."""
    model, last = turn.models["reward"], last_tokens(batch, turn.tokenizer.pad_token_id)
    where = batch.mask | last if config.loss_on == "every_token" else last
    values, labels = model.values(batch, where=where), batch.scalars["label"]
    tell(turn.tally, torch.where(last, values, 0.0).sum(-1), labels)
    terms = batch.scalars["weight"][:, None] * binary.terms(values, labels[:, None])
    return reduce(terms, where, counts, Reduction.SEQ_MEAN_TOKEN_MEAN)


def tell(tally: Tally, scores: Tensor, labels: Tensor) -> None:
    """`accuracy`, `frac_right` and the rewards of scores and labels [B]."""
    tally.mean("accuracy", ((scores >= 0) == (labels >= 0.5)).float())
    tally.mean("frac_right", labels)
    reward_training.tell_rewards(tally, scores)


def held_out_measures(turn: Turn, samples: list[Sample]) -> dict[str, float]:
    """The curves and `auc` over held-out answers, the loss where the score is read."""
    scores = score_all(turn.models["reward"], samples, turn.tokenizer.pad_token_id)
    labels = reward_training.scalar(samples, "label")
    tally = Tally()
    tell(tally, scores, labels)
    tally.mean("loss", binary.terms(scores, labels))
    area = auc(scores.tolist(), (labels >= 0.5).tolist())
    return tally.values() | {"samples": len(samples)} | ({} if area is None else {"auc": area})


def report(turn: Turn, split: str, samples: list[Sample], held_out: bool) -> RewardReport:
    scores = score_all(turn.models["reward"], samples, turn.tokenizer.pad_token_id).tolist()
    return outcome_report(split, [
        ScoredAnswer(score, sample.scalars["label"], int(sample.mask.sum()), sample.record or Record())
        for score, sample in zip(scores, samples, strict=True)], held_out=held_out)

"""What reward models share that learn from marked answers (right or wrong, taken or not): weights, loss, curves, report."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor

from workers.contract.products import RewardReport
from workers.contract.records import Record
from workers.engine.composition import Setting, Turn
from workers.engine.data.marked_answers import render_marked
from workers.engine.data.pairs import LeftOut
from workers.engine.data.rendering import text_of
from workers.engine.families import reward_training
from workers.engine.families.reward_training import RewardConfig
from workers.engine.faults import DataFault
from workers.engine.reports.answer_report import ScoredAnswer, auc, outcome_report
from workers.engine.reward_models import binary, last_tokens, score_all
from workers.engine.sample import Batch, Counts, Sample
from workers.engine.training.reducers import Reduction, reduce
from workers.engine.training.tally import Tally
from workers.engine.training.training_config import setting as option


class MarkedConfig(RewardConfig):
    loss_on: Literal["last", "every_token"] = option(
        "last", "Loss on", "The answer's last token, where the score is read, or every token of the answer, which steadies "
        "small data.", group="basic", order=44)
    balance: Literal["none", "classes", "prompts"] = option(
        "none", "Balance", "Leave answers as they are, so that chances mean what they say; weigh right and wrong ones alike over "
        "the data; or within every prompt.", group="basic", order=45)


def render(config: MarkedConfig, setting: Setting, left_out: LeftOut, record: Record, row: int) -> list[Sample]:
    """The marked answers of a row, each with scalars `label` and `weight`. Raises DataFault for a row of another kind."""
    samples = render_marked(setting.tokenizer, record, row, max_length=config.max_length, mode=config.truncation_mode,
                            left_out=left_out)
    return [replace(sample, scalars=sample.scalars | {"weight": 1.0}) for sample in samples]


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


def loss(config: MarkedConfig, turn: Turn, batch: Batch, counts: Counts) -> Tensor:
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

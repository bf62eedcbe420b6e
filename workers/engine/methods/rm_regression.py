"""Pointwise regression: the score of an answer is fitted to the grade that people or a judge gave it.

The scalar head's number at the last token that is not padding; the loss is `reward_models.squared_error`, the mean over answers,
of grades brought to mean 0 and deviation 1 over the training data where `standardise` is set (the model then gives such
scores). Survey §3.1.2: graded engagement. The final model is a sequence classifier with one label.

A grade stands in the column named by `score_column` beside prompt and completion; of a pair, in `score_chosen` and
`score_rejected`; an answer marked good or bad without that column is graded 1 or 0. At the edge: an answer that is empty or too
long is left out; a grade that is missing, no number or outside the stated range is an error; equal grades cannot be
standardised and become 0.
"""

import math
from dataclasses import dataclass, replace
from functools import partial

from torch import Tensor

from workers.contract.catalogue import Paper, Preset
from workers.contract.products import RewardReport
from workers.contract.records import Record, RecordKind, Text
from workers.engine.card import card
from workers.engine.composition import Composition, Setting, Turn
from workers.engine.data.pairs import LeftOut
from workers.engine.data.rendering import sample_of
from workers.engine.families import reward_training
from workers.engine.families.reward_training import Parts, RewardConfig, held_out_only, metrics, needs, rendered_answer
from workers.engine.faults import ConfigFault, DataFault
from workers.engine.modeling.reward_heads import declaration
from workers.engine.reports.answer_report import ScoredAnswer, regression_report
from workers.engine.reports.reward_report import spearman
from workers.engine.reward_models import answer_scores, score_all, squared_error
from workers.engine.sample import Batch, Counts, Sample
from workers.engine.training.tally import Tally
from workers.engine.training.training_config import setting as option


class Config(RewardConfig):
    score_column: str = option(
        "score", "Column of the grade", "Column with the answer's grade; a pair has score_chosen and score_rejected.",
        group="basic", order=44, min_length=1, max_length=100)
    score_low: float | None = option(
        None, "Lowest grade", "A lower one is an error in the data; empty sets no bound.", order=45, ge=-1e9, le=1e9)
    score_high: float | None = option(
        None, "Highest grade", "A higher one is an error in the data; empty sets no bound.", order=46, ge=-1e9, le=1e9)
    standardise: bool = option(
        True, "Standardise grades", "Bring the training data's grades to mean 0 and deviation 1, which every scale of grades "
        "learns alike from; off keeps the scores in the units of the grades.", group="basic", order=47)


CARD = card(
    "rm-regression", Config, title="Pointwise regression reward model", family="Reward modelling",
    papers=[Paper(title="HelpSteer: Multi-attribute Helpfulness Dataset for SteerLM", authors="Wang et al.", year=2023,
                  link="https://arxiv.org/abs/2311.09528"),
            Paper(title="HelpSteer2-Preference: Complementing Ratings with Preferences", authors="Wang et al.", year=2024,
                  link="https://arxiv.org/abs/2410.01257")],
    summary="Learns the grade that people or a judge gave each answer, from answers with a number beside them.",
    formula=r"\mathcal{L} = \frac1N\sum_i\left(r_i - \frac{g_i - \bar g}{s_g}\right)^2",
    confidence="knowledge", left_out="Several attributes at once; ordinal losses.",
    data=needs([RecordKind.UNPAIRED, RecordKind.DEMONSTRATION, RecordKind.PREFERENCE],
               "Marked answers; answers with a column that grades them; pairs with a grade for each side."),
    models=reward_training.MODELS,
    presets=[
        Preset(name="default", title="Whole model", description="All weights; grades are standardised."),
        reward_training.LORA,
        Preset(name="demo", title="Demo", description="Sums marked right or wrong with the tiny model, the mark as the grade.",
               config={"learning_rate": 1e-3, "per_device_train_batch_size": 64, "max_length": 64, "max_steps": 150,
                       "eval_steps": 25, "eval_limit": 256}),
    ],
    metrics=metrics("answers", [], [
        held_out_only("spearman", "Held-out Spearman's ρ", "Whether answers stand in the order of their grades.")]),
)


@dataclass
class Scale:
    """Mean and deviation of the training data's grades, found when first asked; 0 and 1 where they are not standardised."""

    standardise: bool
    found: tuple[float, float] | None = None

    def of(self, turn: Turn) -> tuple[float, float]:
        if self.found is None:
            grades = reward_training.scalar(list(turn.data["train"].all()), "grade").double() if self.standardise else None
            spread = 0.0 if grades is None or len(grades) < 2 else float(grades.std())
            self.found = (0.0, 1.0) if grades is None else (float(grades.mean()), spread or 1.0)
        return self.found

    def give(self, turn: Turn, samples: list[Sample]) -> list[Sample]:
        """The samples with scalar `label`, the grade on the model's scale."""
        mean, deviation = self.of(turn)
        return [replace(sample, scalars=sample.scalars | {"label": (sample.scalars["grade"] - mean) / deviation})
                for sample in samples]


def compose(config: Config, setting: Setting) -> Composition:
    """One trained role with a scalar head. Raises ConfigFault for a range without grades, or too long answers."""
    if config.score_low is not None and config.score_high is not None and config.score_low >= config.score_high:
        raise ConfigFault(f"score_low ({config.score_low:g}) must be below score_high ({config.score_high:g}).",
                          "Swap them, or leave one empty.")
    scale = Scale(config.standardise)
    return reward_training.composition(config, setting, Parts(
        render=partial(render, config, setting), prepare=scale.give, loss=loss, measure=partial(held_out_measures, scale),
        report=partial(report, scale), declares=declaration("regression"), best=("eval/loss", "down")))


def render(config: Config, setting: Setting, left_out: LeftOut, record: Record, row: int) -> list[Sample]:
    """The graded answers of a row, each with scalar `grade`. Raises DataFault."""
    found = [(rendered_answer(config, setting, record, answer, row=row, left_out=left_out), number)
             for answer, number in graded(config, record, row)]
    return [replace(sample_of(one, row=row, record=record), scalars={"grade": number})
            for one, number in found if one is not None]


def graded(config: Config, record: Record, row: int) -> list[tuple[Text, float]]:
    """The answers of a row with their grades. Raises DataFault."""
    if record.chosen is not None and record.rejected is not None:
        return [(record.chosen, grade(config, record.extra.get("score_chosen"), "score_chosen", row)),
                (record.rejected, grade(config, record.extra.get("score_rejected"), "score_rejected", row))]
    if record.prompt is None or record.completion is None:
        raise DataFault(f"Row {row + 1} has no graded answer: it lacks prompt or completion.",
                        "Choose a data set of prompts and completions with a grade.")
    known = record.extra.get(config.score_column, None if record.label is None else float(record.label))
    return [(record.completion, grade(config, known, config.score_column, row))]


def grade(config: Config, found: object, column: str, row: int) -> float:
    """A grade as a number. Raises DataFault for one that is missing, no number or out of range."""
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        raise DataFault(f"Row {row + 1}: the column {column} holds no grade.",
                        "Name the column of the grades in score_column, or leave such rows out.")
    low = -math.inf if config.score_low is None else config.score_low
    high = math.inf if config.score_high is None else config.score_high
    if not low <= found <= high:
        raise DataFault(f"Row {row + 1}: the grade {found:g} is outside {low:g} to {high:g}.",
                        "Correct the row, or widen score_low and score_high.")
    return float(found)


def loss(turn: Turn, batch: Batch, counts: Counts) -> Tensor:
    """The micro-batch's part of the mean over the step's answers."""
    scores = answer_scores(turn.models["reward"], batch, turn.tokenizer.pad_token_id)
    reward_training.tell_rewards(turn.tally, scores)
    return squared_error.terms(scores, batch.scalars["label"]).sum() / counts.sequences


def held_out_measures(scale: Scale, turn: Turn, samples: list[Sample]) -> dict[str, float]:
    """The loss, the rewards and Spearman's ρ over held-out answers; ρ where neither scores nor grades are all equal."""
    scores = score_all(turn.models["reward"], samples, turn.tokenizer.pad_token_id)
    grades = reward_training.scalar(scale.give(turn, samples), "label")
    tally = Tally()
    reward_training.tell_rewards(tally, scores)
    tally.mean("loss", squared_error.terms(scores, grades))
    order = spearman(scores.numpy(), grades.numpy())
    return tally.values() | {"samples": len(samples)} | ({} if order is None else {"spearman": order})


def report(scale: Scale, turn: Turn, split: str, samples: list[Sample], held_out: bool) -> RewardReport:
    """The report in the units of the model's scores."""
    scores = score_all(turn.models["reward"], samples, turn.tokenizer.pad_token_id).tolist()
    return regression_report(split, [
        ScoredAnswer(score, sample.scalars["label"], int(sample.mask.sum()), sample.record or Record())
        for score, sample in zip(scores, scale.give(turn, samples), strict=True)], held_out=held_out)

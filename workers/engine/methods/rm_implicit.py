"""Implicit reward modelling: a reward fitted to what people did, such as votes, acceptance and clicks, not to what they judged.

Each answer that was shown is a sample: 1 where it was taken, 0 where not; of two that were shown together the one taken is 1.
The loss is `reward_models.binary`, as `rm-orm` has it, weighed by w = 1 / max(p, `least_propensity`), p being the chance that the
answer was shown where it was, so that places which everybody looks at count no more than they should (inverse propensity
weighing, arXiv 1608.04468). Weights are brought to mean 1 over the training data. Survey §3.1.2. The final model is an
outcome model: σ of its number is the chance that people take the answer.

People take what pleases: such a reward belongs beside one for what is right. At the edge: without the column every weight is 1; a
propensity that is no number in (0, 1] is an error.
"""

from dataclasses import dataclass, replace
from functools import partial

from workers.contract.catalogue import MetricInfo, Paper, Preset
from workers.contract.records import Record
from workers.engine.card import card
from workers.engine.composition import Composition, Setting, Turn
from workers.engine.data.marked_answers import KINDS
from workers.engine.data.pairs import LeftOut
from workers.engine.families import reward_training
from workers.engine.families.reward_training import Parts, held_out_only, metrics, needs
from workers.engine.faults import DataFault
from workers.engine.modeling.reward_heads import declaration
from workers.engine.rollout import judged_answers
from workers.engine.rollout.judged_answers import MarkedConfig
from workers.engine.sample import Sample
from workers.engine.training.training_config import setting as option


class Config(MarkedConfig):
    propensity_column: str = option(
        "propensity", "Column of the propensity", "Column with the chance that the answer was shown where it was; rows without "
        "it count once.", group="basic", order=46, min_length=1, max_length=100)
    least_propensity: float = option(
        0.05, "Least propensity", "Smaller chances count as this one, so that no answer weighs more than its inverse.", order=47,
        gt=0, le=1)


CARD = card(
    "rm-implicit", Config, title="Implicit reward model", family="Reward modelling",
    papers=[Paper(title="Unbiased Learning-to-Rank with Biased Feedback", authors="Joachims et al.", year=2016,
                  link="https://arxiv.org/abs/1608.04468"),
            Paper(title="KTO: Model Alignment as Prospect Theoretic Optimization", authors="Ethayarajh et al.", year=2024,
                  link="https://arxiv.org/abs/2402.01306")],
    summary="Learns a reward from what people did with answers (thumbs, acceptance, clicks), each weighed by how likely it was "
            "to be seen at all. Use it beside a reward for quality: people take what pleases.",
    formula=r"\mathcal{L} = -\frac{1}{\sum_i w_i}\sum_i w_i\left[y_i\log\sigma(r_i) + (1-y_i)\log\sigma(-r_i)\right],\quad "
            r"w_i = \frac{1}{\max(p_i,\,p_{\min})}",
    confidence="knowledge", left_out="Finding propensities from the log; ordinal losses for graded engagement.",
    data=needs(KINDS, "Answers that were taken or not, best with their propensity."),
    models=reward_training.MODELS,
    presets=[
        Preset(name="default", title="Whole model", description="All weights; inverse propensities where rows have them."),
        reward_training.LORA,
        Preset(name="demo", title="Demo", description="Sums marked good or bad with the tiny model, a mark being a thumb.",
               config={"learning_rate": 1e-3, "per_device_train_batch_size": 64, "max_length": 64, "max_steps": 150,
                       "loss_on": "every_token", "eval_steps": 25, "eval_limit": 256}),
    ],
    metrics=[*metrics(
        "answers",
        [reward_training.ACCURACY,
         MetricInfo(name="frac_right", title="Share taken", panel="Accuracy", help="What guessing alone would know.")],
        [held_out_only("auc", "Held-out AUC", "Chance that an answer that was taken scores above one that was not.")]),
        MetricInfo(name="propensity/mean", title="Mean propensity", panel="Data", help="Of the step's answers."),
        MetricInfo(name="propensity/min", title="Least propensity", panel="Data")],
)


def compose(config: Config, setting: Setting) -> Composition:
    """One trained role with a scalar head. Raises ConfigFault when answers may be longer than the model's context."""
    return reward_training.composition(config, setting, Parts(
        render=partial(render, config, setting), prepare=Weighed(config).give,
        loss=partial(judged_answers.loss, config), measure=judged_answers.held_out_measures, report=judged_answers.report,
        declares=declaration("outcome"), best=("eval/auc", "up")))


def render(config: Config, setting: Setting, left_out: LeftOut, record: Record, row: int) -> list[Sample]:
    """The answers of a row with scalars `label`, `weight` and `propensity`. Raises DataFault."""
    chance = propensity(config, record, row)
    return [replace(sample, scalars=sample.scalars | {"propensity": chance})
            for sample in judged_answers.render(config, setting, left_out, record, row)]


def propensity(config: Config, record: Record, row: int) -> float:
    """The chance that the row's answer was shown, 1 where the row does not say. Raises DataFault for what is none."""
    found = record.extra.get(config.propensity_column, 1.0)
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 < found <= 1:
        raise DataFault(f"Row {row + 1}: the column {config.propensity_column} holds no chance above 0 and up to 1.",
                        "Correct the row, or name another column in propensity_column.")
    return float(found)


@dataclass
class Weighed:
    """Inverse propensities of mean 1 over the training data, times the weights that balance labels."""

    config: Config
    mean: float = 0.0

    def __post_init__(self) -> None:
        self.balanced = judged_answers.Balanced(self.config.balance)

    def give(self, turn: Turn, samples: list[Sample]) -> list[Sample]:
        """The samples with scalar `weight`; tells `propensity/…`."""
        if not self.mean:
            inverse = [self._inverse(sample) for sample in turn.data["train"].all()]
            self.mean = sum(inverse) / len(inverse)
        chances = reward_training.scalar(samples, "propensity")
        turn.tally.put("propensity/mean", chances.mean())
        turn.tally.put("propensity/min", chances.min())
        return [replace(sample, scalars=sample.scalars | {"weight": sample.scalars["weight"] * self._inverse(sample) / self.mean})
                for sample in self.balanced.give(turn, samples)]

    def _inverse(self, sample: Sample) -> float:
        return 1 / max(sample.scalars["propensity"], self.config.least_propensity)

"""Bradley-Terry reward model: one number for a whole answer, fitted so that preferred answers score higher.

The backbone with a linear head [d,1] without activation, read at the last token that is not padding; the loss is
`reward_models.bradley_terry` averaged over pairs. Survey §3.1. The final model is a sequence classifier with one label, so
AutoModelForSequenceClassification loads it and gives the same scores.

At the edge: a pair that cannot be told apart is left out (see `pairs`); dropout is off unless LoRA's is set.
"""

from functools import partial
from itertools import islice

from torch import Tensor

from workers.contract.catalogue import DataNeed, MetricInfo, ModelNeed, Paper, Preset
from workers.contract.products import RewardReport
from workers.contract.records import Record, RecordKind
from workers.contract.run_spec import ModelKind
from workers.engine.card import card
from workers.engine.composition import Composition, Setting, Turn
from workers.engine.data import pairs
from workers.engine.data.rendering import Truncation
from workers.engine.families import reward_training
from workers.engine.reports import reward_report
from workers.engine.reports.reward_report import ScoredPair
from workers.engine.reward_models import answer_scores, bradley_terry, score_all
from workers.engine.sample import Batch, Counts, batch_of
from workers.engine.training.tally import Tally
from workers.engine.training.training_config import HELD_OUT_COUNT
from workers.engine.training.training_config import setting as field


class Config(pairs.SoftPairConfig):
    truncation_mode: Truncation = field(
        "drop", "Too long pairs", "Leave the pair out, cut the ends of the answers, or cut the beginning of the prompt.",
        order=42)
    center_rewards_coefficient: float = field(
        0.0, "Centring", "Weight of (r_w + r_l)², which keeps the scores around zero; 0.01 is usual, 0 turns it off.",
        group="basic", order=44, ge=0, le=100)
    label_smoothing: float = field(
        0.0, "Label smoothing", "Share of the preferences taken to be the wrong way round.", order=45, ge=0, lt=0.5)
    margin_weight: float = field(
        1.0, "Margin weight", "How much of each pair's stated margin the scores must differ by; 0 ignores margins.",
        order=46, ge=0, le=1000)
    report_limit: int = field(
        2000, "Rows of the report", "Rows of the held-out split (the training split where there is none) that the report at "
        "the end is made of.", order=73, unit="rows", ge=1, le=1_000_000)


METRICS = [
    MetricInfo(name="loss", title="Loss", panel="Loss", better="down", help="Mean over pairs."),
    MetricInfo(name="accuracy", title="Accuracy", panel="Accuracy", better="up",
               help="Share of pairs whose chosen answer scores higher."),
    MetricInfo(name="margin", title="Margin", panel="Reward", better="up", help="Mean of r(chosen) − r(rejected)."),
    MetricInfo(name="mean_reward", title="Mean reward", panel="Reward"),
    MetricInfo(name="min_reward", title="Lowest reward", panel="Reward"),
    MetricInfo(name="max_reward", title="Highest reward", panel="Reward"),
    MetricInfo(name="eval/loss", title="Held-out loss", panel="Loss", better="down"),
    MetricInfo(name="eval/accuracy", title="Held-out accuracy", panel="Accuracy", better="up", share_of="eval/samples"),
    HELD_OUT_COUNT,
    MetricInfo(name="eval/margin", title="Held-out margin", panel="Reward", better="up"),
    MetricInfo(name="eval/mean_reward", title="Held-out mean reward", panel="Reward"),
    MetricInfo(name="eval/min_reward", title="Held-out lowest reward", panel="Reward"),
    MetricInfo(name="eval/max_reward", title="Held-out highest reward", panel="Reward"),
    *pairs.METRICS,
]

CARD = card(
    "rm-bt", Config, title="Bradley-Terry reward model", family="Reward modelling",
    papers=[Paper(title="Training language models to follow instructions with human feedback", authors="Ouyang et al.",
                  year=2022, link="https://arxiv.org/abs/2203.02155"),
            Paper(title="Llama 2: Open Foundation and Fine-Tuned Chat Models", authors="Touvron et al.", year=2023,
                  link="https://arxiv.org/abs/2307.09288")],
    summary="Learns one number for an answer from pairs of which people preferred one: the preferred answer must score "
            "higher. The model that results is a reward term for other runs; its report says how far to trust it.",
    formula=r"\mathcal{L} = -\frac1P\sum_{p}\left[\log\sigma(r_w - r_l - m_p) - c\,(r_w + r_l)^2\right]",
    confidence="code", left_out="Rankings of more than two answers: they are `rm-pl`, all pairs of them too.",
    data=[DataNeed(role="train", kinds=[RecordKind.PREFERENCE], help="Prompts with a chosen and a rejected answer."),
          DataNeed(role="eval", kinds=[RecordKind.PREFERENCE], required=False,
                   help="Held-out pairs for accuracy and for the report.")],
    models=[ModelNeed(role="reward", kinds=[ModelKind.CAUSAL, ModelKind.REWARD],
                      help="The model that is trained: a language model gets a fresh head, a reward model keeps its own.")],
    presets=[
        Preset(name="default", title="Whole model", description="All weights, learning rate by the model's size."),
        Preset(name="centred", title="Centred", description="Scores stay around zero, which PPO and mixtures of terms like.",
               config={"center_rewards_coefficient": 0.01}),
        Preset(name="soft-labels", title="Soft labels (RLAIF)", description="For pairs with a judge's chance that the chosen "
               "answer is better.", config={"soft_label_column": "chosen_chance", "margin_weight": 0.0}),
        reward_training.LORA,
        Preset(name="demo", title="Demo", description="The right sum before a wrong one, with the tiny model.",
               config={"learning_rate": 1e-3, "per_device_train_batch_size": 32, "max_length": 64, "max_steps": 150,
                       "eval_steps": 25, "eval_limit": 256}),
    ],
    metrics=METRICS,
)


def compose(config: Config, setting: Setting) -> Composition:
    """One trained role with a scalar head; held-out accuracy when there is a split for it, and the report at the end.

    Raises ConfigFault when pairs may be longer than the model's context.
    """
    return reward_training.of_pairs(config, setting, loss=partial(loss, config), measure=partial(held_out_measures, config),
                                    report=partial(report, config, setting))


def loss(config: Config, turn: Turn, batch: Batch, counts: Counts) -> Tensor:
    """The micro-batch's part of the mean over the step's pairs."""
    scores = answer_scores(turn.models["reward"], batch, turn.tokenizer.pad_token_id)
    tell_scores(turn.tally, scores)
    return pair_losses(config, scores, batch).sum() / counts.groups


def pair_losses(config: Config, scores: Tensor, batch: Batch) -> Tensor:
    """One loss a pair [P] from per-sample scores [2P], and the margins and soft labels of the batch."""
    chosen, rejected = pairs.sides(scores)
    return bradley_terry.terms(chosen, rejected, margin=config.margin_weight * pairs.sides(batch.scalars["margin"])[0],
                               label_smoothing=pairs.smoothing(batch, config.label_smoothing),
                               centring=config.center_rewards_coefficient)


def tell_scores(tally: Tally, scores: Tensor) -> None:
    """`accuracy`, `margin` and the mean, lowest and highest reward of a micro-batch's scores [2P]."""
    chosen, rejected = pairs.sides(scores)
    tally.mean("accuracy", (chosen > rejected).float())
    tally.mean("margin", chosen - rejected)
    tally.mean("mean_reward", scores)
    tally.lowest("min_reward", scores)
    tally.highest("max_reward", scores)


def held_out_measures(config: Config, turn: Turn) -> dict[str, float]:
    """The training metrics and the loss over the first `eval_limit` pairs of the split, as `eval/…`."""
    samples = list(islice(turn.data["eval"].all(), 2 * config.eval_limit))
    if not samples:
        return {}
    scores = score_all(turn.models["reward"], samples, turn.tokenizer.pad_token_id)
    tally = Tally()
    tell_scores(tally, scores)
    tally.put("samples", len(samples) // 2)
    tally.mean("loss", pair_losses(config, scores, batch_of(samples)))
    return {f"eval/{name}": value for name, value in tally.values().items()}


def report(config: Config, setting: Setting, turn: Turn) -> RewardReport:
    """The report on the held-out split, or on the training split where the run has none."""
    role = "eval" if "eval" in turn.data else "train"
    samples = list(islice(turn.data[role].all(), 2 * config.report_limit))
    scores = score_all(turn.models["reward"], samples, turn.tokenizer.pad_token_id).tolist()
    scored = [ScoredPair(scores[at], scores[at + 1], int(samples[at].mask.sum()), int(samples[at + 1].mask.sum()),
                         samples[at].record or Record()) for at in range(0, len(samples), 2)]
    return reward_report.report(setting.spec.datasets[role].split, scored, held_out=role == "eval")

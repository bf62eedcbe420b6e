"""Reward-aware preference optimisation: how much better an answer is decides how far it is lifted (arXiv 2406.11704).

DPO with `preference.rpo` (see `direct_preference`): the policy's preference is drawn to that of an outside reward, read from a
row's `margin`, or from `score_chosen` − `score_rejected`. A row without either ends the run with its number. Survey, `rpo`.

At the edge: a gap of 0 draws both answers to the same reward; a negative one prefers the rejected answer.
"""

from workers.contract.catalogue import Paper
from workers.engine.card import card
from workers.engine.composition import Composition, Setting
from workers.engine.data import pair_facts
from workers.engine.families import direct_card, direct_config
from workers.engine.families import direct_preference as direct
from workers.engine.training.training_config import setting as field


class Config(direct_config.ReferencedConfig):
    eta: float = field(1.0, "η", "Scale of the outside reward: the gap in reward times η is the gap aimed at.", group="basic",
                       order=44, gt=0, le=1000)
    rpo_alpha: float = field(
        1e-5, "Likelihood term α", "Weight of the chosen answers' negative log-likelihood, added to the loss; Nemotron takes "
        "1e-5 to 1e-3.", order=93, ge=0, le=1000)


CARD = card(
    "rpo", Config, title="Reward-aware preference optimisation", family="Preference optimisation",
    papers=[Paper(title="Nemotron-4 340B Technical Report", authors="NVIDIA", year=2024,
                  link="https://arxiv.org/abs/2406.11704")],
    summary="DPO for pairs that say how much better one answer is: the policy learns the size of the difference, so that a close "
            "call is not pushed as far as a clear one.",
    formula=r"\mathcal{L} = p\log\frac pq + (1-p)\log\frac{1-p}{1-q} + \alpha\,\mathrm{NLL}(y_w),\quad "
            r"p = \sigma\!\left(\eta\,(r_w - r_l)\right),\; q = \sigma(\beta\Delta)",
    confidence="knowledge", left_out="Other distances than the backward KL.",
    data=direct_card.DATA, models=[direct_card.POLICY, direct_card.REFERENCE],
    presets=direct_card.presets("All weights; a frozen copy is the reference.",
                           "A small adapter; the model without it is the reference."),
    metrics=direct_card.REFERENCED_METRICS,
)


def compose(config: Config, setting: Setting) -> Composition:
    """Raises ConfigFault for settings, pairs or a reference that do not fit."""
    return direct.compose(config, setting, direct.Objective(
        "rpo", lambda beta: direct.referenced_options(config, beta, eta=config.eta), nll=config.rpo_alpha,
        facts=pair_facts.reward_gap))

"""SimPO: the mean log-prob of a token is the reward, and the chosen answer must win by a margin (arXiv 2405.14734).

`preference.sigmoid` without a reference, on means over tokens, with margin γ (see `direct_preference`). Survey, `simpo`.

At the edge: as DPO. Nothing but the learning rate holds the policy where it began.
"""

from workers.contract.catalogue import Paper
from workers.engine.card import card
from workers.engine.composition import Composition, Setting
from workers.engine.families import direct_card, direct_config
from workers.engine.families import direct_preference as direct
from workers.engine.preference import Options
from workers.engine.training.training_config import setting as field


class Config(direct_config.DirectConfig):
    beta: float = field(2.0, "β", "Scale of the mean log-probs.", group="basic", order=43, live=True, gt=0, le=100)
    simpo_gamma: float = field(1.0, "Margin γ", "By how much β times the means must differ before a pair counts as won.",
                               group="basic", order=44, ge=0, le=100)
    label_smoothing: float = field(0.0, "Label smoothing", "Share of the preferences taken to be the wrong way round.", order=45,
                                   ge=0, lt=0.5)
    token_weighting: direct_config.TokenWeighting = field(
        "length_mean", "Token weights", "SimPO's means over tokens; sums give CPO without its likelihood term.", order=90)


CARD = card(
    "simpo", Config, title="Simple preference optimisation", family="Preference optimisation",
    papers=[Paper(title="SimPO: Simple Preference Optimization with a Reference-Free Reward", authors="Meng et al.", year=2024,
                  link="https://arxiv.org/abs/2405.14734")],
    summary="Needs no reference model: an answer's reward is its mean log-probability, which is what greedy decoding follows, "
            "and length brings nothing.",
    formula=r"\mathcal{L} = -\log\sigma\!\left(\frac{\beta}{|y_w|}\log\pi_\theta(y_w\mid x)"
            r" - \frac{\beta}{|y_l|}\log\pi_\theta(y_l\mid x) - \gamma\right)",
    confidence="code", data=direct_card.DATA, models=[direct_card.POLICY],
    presets=direct_card.presets("All weights.", "A small adapter."),
    metrics=[*direct_card.METRICS, *direct_card.WEIGHT_METRICS],
)


def compose(config: Config, setting: Setting) -> Composition:
    """Raises ConfigFault for settings or pairs that do not fit."""
    return direct.compose(config, setting, direct.Objective(
        "sigmoid", lambda beta: Options(beta, config.label_smoothing, gamma=config.simpo_gamma), referenced=False), at_7b=1e-6)

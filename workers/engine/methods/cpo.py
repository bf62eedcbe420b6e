"""CPO: contrastive preference optimisation, DPO without a reference (arXiv 2401.08417).

The preference term compares the policy's own log-probs, and the chosen answers' negative log-likelihood holds the policy where
good answers are (see `direct_preference`). `loss_type` simpo adds SimPO's means and margin: CPO-SimPO. Survey, `cpo`.

At the edge: as DPO. With α = 0 nothing keeps the chosen answers likely.
"""

from typing import Literal

from workers.contract.catalogue import Paper, Preset
from workers.engine.card import card
from workers.engine.composition import Composition, Setting
from workers.engine.families import direct_card, direct_config
from workers.engine.families import direct_preference as direct
from workers.engine.preference import Options
from workers.engine.training.training_config import setting as field


class Config(direct_config.DirectConfig):
    beta: float = field(0.1, "β", "Scale of the log-probs in the preference term.", group="basic", order=43, live=True, gt=0,
                        le=100)
    loss_type: Literal["sigmoid", "hinge", "ipo", "simpo"] = field(
        "sigmoid", "Loss", "The logistic loss, the hinge, IPO's square on means, or SimPO: means and a margin.", group="basic",
        order=44)
    cpo_alpha: float = field(1.0, "Likelihood term α", "Weight of the chosen answers' negative log-likelihood.", group="basic",
                             order=45, ge=0, le=1000)
    label_smoothing: float = field(
        0.0, "Label smoothing", "Share of the preferences taken to be the wrong way round. Read by sigmoid and simpo.", order=46,
        ge=0, lt=0.5)
    simpo_gamma: float = field(0.5, "SimPO γ", "Margin that simpo wants between the answers.", order=47, ge=0, le=100)


CARD = card(
    "cpo", Config, title="Contrastive preference optimisation", family="Preference optimisation",
    papers=[Paper(title="Contrastive Preference Optimization: Pushing the Boundaries of LLM Performance in Machine "
                        "Translation", authors="Xu et al.", year=2024, link="https://arxiv.org/abs/2401.08417")],
    summary="DPO without a reference model: half the memory and time, the chosen answers' likelihood standing in for "
            "the reference.",
    formula=r"\mathcal{L} = -\log\sigma\!\left(\beta\log\pi_\theta(y_w\mid x) - \beta\log\pi_\theta(y_l\mid x)\right)"
            r" - \alpha\,\tfrac1{|y_w|}\log\pi_\theta(y_w\mid x)",
    confidence="code", left_out="AlphaPO's transformed rewards.", data=direct_card.DATA, models=[direct_card.POLICY],
    presets=[
        *direct_card.presets("All weights.", "A small adapter."),
        Preset(name="cpo-simpo", title="CPO-SimPO", description="SimPO's preference term with the likelihood term.",
               config={"loss_type": "simpo", "beta": 2.0, "simpo_gamma": 1.0}),
    ],
    metrics=[*direct_card.METRICS, *direct_card.NLL_METRICS, *direct_card.WEIGHT_METRICS],
)


def compose(config: Config, setting: Setting) -> Composition:
    """Raises ConfigFault for settings or pairs that do not fit."""
    means = config.loss_type == "simpo"
    chosen = config.model_copy(update={"token_weighting": "length_mean"}) if means else config
    return direct.compose(chosen, setting, direct.Objective(
        "sigmoid" if means else config.loss_type,
        lambda beta: Options(beta, config.label_smoothing, gamma=config.simpo_gamma if means else 0.0),
        referenced=False, nll=config.cpo_alpha), at_7b=1e-6)

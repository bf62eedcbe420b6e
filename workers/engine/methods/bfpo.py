"""Bi-factorial preference optimisation: help and safety in one supervised loss (arXiv 2408.15313).

DPO with `preference.bfpo` (see `direct_preference`): which answer of a pair is safe says how far, and which way, the pair is
drawn. Labels are the row's columns `chosen_safe` and `rejected_safe`. Survey §5.12, `bfpo`.

At the edge: an unsafe answer chosen over a safe one is unlearned. Two safe answers are IPO on sums.
"""

from workers.contract.catalogue import Paper
from workers.engine.card import card
from workers.engine.composition import Composition, Setting
from workers.engine.data import pair_facts
from workers.engine.families import direct_card, direct_config
from workers.engine.families import direct_preference as direct
from workers.engine.training.training_config import setting as field


class Config(direct_config.ReferencedConfig):
    safety_alpha: float = field(
        0.5, "α", "Subtracted from every target: at ½ two unsafe answers are as far apart as two safe ones.", group="basic",
        order=44, ge=0, le=1)


CARD = card(
    "bfpo", Config, title="Bi-factorial preference optimisation", family="Preference optimisation",
    papers=[Paper(title="Bi-Factorial Preference Optimization: Balancing Safety-Helpfulness in Language Models",
                  authors="Zhang et al.", year=2024, link="https://arxiv.org/abs/2408.15313")],
    summary="Learns what is helpful from the order of a pair and what is safe from labels on its answers; where they disagree, "
            "safety decides.",
    formula=r"\mathcal{L} = \left(\Delta - \frac{\tfrac32 I_w - \tfrac12 I_l - \alpha}{\beta}\right)^2,\quad "
            r"I = 1 \text{ for a safe answer}",
    confidence="code", left_out="The buffered replay of general data, which is a choice of data.",
    data=direct_card.DATA, models=[direct_card.POLICY, direct_card.REFERENCE],
    presets=direct_card.presets("All weights; a frozen copy is the reference.",
                           "A small adapter; the model without it is the reference."),
    metrics=direct_card.REFERENCED_METRICS,
)


def compose(config: Config, setting: Setting) -> Composition:
    """Raises ConfigFault for settings, pairs or a reference that do not fit."""
    return direct.compose(config, setting, direct.Objective(
        "bfpo", lambda beta: direct.referenced_options(config, beta, safety_shift=config.safety_alpha), nll=config.rpo_alpha,
        facts=pair_facts.safety))

"""IPO: the preference difference is drawn to a set distance, so that sure labels stop pulling (arXiv 2310.12036).

DPO with `preference.ipo` (see `direct_preference`). Log-ratios are means over tokens, as the authors confirmed to TRL; token
weights other than `uniform` and `length_mean`, which are one thing here, divide their sum by the tokens. Survey §3.2.6, `ipo`.

At the edge: as DPO.
"""

from workers.contract.catalogue import Paper
from workers.engine.card import card
from workers.engine.composition import Composition, Setting
from workers.engine.families import direct_card, direct_config
from workers.engine.families import direct_preference as direct


class Config(direct_config.ReferencedConfig):
    pass


CARD = card(
    "ipo", Config, title="Identity preference optimisation", family="Preference optimisation",
    papers=[Paper(title="A General Theoretical Paradigm to Understand Learning from Human Preferences",
                  authors="Azar et al.", year=2023, link="https://arxiv.org/abs/2310.12036")],
    summary="DPO for labels that are surer than they should be: the chosen answer is lifted above the other by a set distance "
            "and no further.",
    formula=r"\mathcal{L} = \left(\frac{h_w}{|y_w|} - \frac{h_l}{|y_l|} - \frac1{2\beta}\right)^2,\quad "
            r"h = \log\frac{\pi_\theta(y\mid x)}{\pi_{ref}(y\mid x)}",
    confidence="code", data=direct_card.DATA, models=[direct_card.POLICY, direct_card.REFERENCE],
    presets=direct_card.presets("All weights; a frozen copy is the reference.",
                           "A small adapter; the model without it is the reference."),
    metrics=direct_card.REFERENCED_METRICS,
)


def compose(config: Config, setting: Setting) -> Composition:
    """Raises ConfigFault for settings, pairs or a reference that do not fit."""
    return direct.compose(config, setting, direct.Objective(
        "ipo", lambda beta: direct.referenced_options(config, beta), nll=config.rpo_alpha))

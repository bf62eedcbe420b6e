"""Dr. GRPO: GRPO done right (arXiv 2503.20783): no division by the group's deviation, none by an answer's own length.

Both divisions bias GRPO: the first towards prompts that are nearly always or nearly never answered rightly, the second
towards long wrong answers. Here the loss is divided by a constant, the longest answer allowed.
"""

from workers.contract.catalogue import Paper, Preset
from workers.engine.card import card
from workers.engine.composition import Composition, Setting
from workers.engine.families import online
from workers.engine.families.online_config import DATA, DEMO, METRICS, POLICY, AdvantageName, OnlineConfig, ReductionName
from workers.engine.training.training_config import again


class Config(OnlineConfig):
    advantage: AdvantageName = again(OnlineConfig, "advantage", "group_centred")
    reduction: ReductionName = again(OnlineConfig, "reduction", "const")


CARD = card(
    "dr-grpo", Config, title="GRPO done right (Dr. GRPO)", family="Policy optimisation",
    papers=[Paper(title="Understanding R1-Zero-Like Training: A Critical Perspective", authors="Liu et al.", year=2025,
                  link="https://arxiv.org/abs/2503.20783")],
    summary="GRPO without its two biases: rewards are only centred within their group, and every token weighs the same in "
            "answers of any length. Keeps wrong answers from growing longer.",
    formula=r"\mathcal{L} = -\frac1{G\,L_{max}}\sum_{i=1}^{G}\sum_t \min\!\left(\rho_{i,t}A_i,\;"
            r"\mathrm{clip}(\rho_{i,t},1-\varepsilon,1+\varepsilon)A_i\right),\quad A_i = R_i-\mathrm{mean}(R)",
    confidence="code", data=DATA, models=[POLICY], needs_reward=True, metrics=METRICS,
    presets=[
        Preset(name="default", title="Default", description="The paper's loss, on policy, without a KL term.", config={}),
        DEMO,
    ],
)


def compose(config: Config, setting: Setting) -> Composition:
    """Raises ConfigFault when there is no reward, a term misses its column, or the settings contradict each other."""
    return online.composition(config, setting)

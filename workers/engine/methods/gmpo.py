"""GMPO: geometric-mean policy optimisation (arXiv 2507.20673): the mean of an answer's token ratios is geometric.

Each token is clipped by itself, in log space and widely; a single extreme ratio moves a geometric mean little, so that the
policy may explore further than under GRPO and stays steadier. On policy its gradient is that of GRPO.

Advantages of single tokens are not the paper's: each token's own sign says on which side it is clipped, and the row's loss is
their mean times the ratio.
"""

from workers.contract.catalogue import Paper, Preset
from workers.engine.card import card
from workers.engine.composition import Composition, Setting
from workers.engine.families import online
from workers.engine.families.online_config import (
    DATA,
    DEMO,
    METRICS,
    POLICY,
    LevelName,
    OnlineConfig,
    PolicyLossName,
    ReductionName,
)
from workers.engine.training.training_config import again


class Config(OnlineConfig):
    policy_loss: PolicyLossName = again(OnlineConfig, "policy_loss", "gmpo")
    importance_sampling_level: LevelName = again(OnlineConfig, "importance_sampling_level", "sequence")
    reduction: ReductionName = again(OnlineConfig, "reduction", "seq_mean_token_mean")
    epsilon: float = again(
        OnlineConfig, "epsilon", 0.4, "How far the logarithm of a token's ratio may move to either side before it is cut.")
    updates_per_rollout: int = again(
        OnlineConfig, "updates_per_rollout", 4, "Optimizer steps into which a pass is cut; the ratio moves within them.")


CARD = card(
    "gmpo", Config, title="Geometric-mean policy optimisation", family="Policy optimisation",
    papers=[Paper(title="Geometric-Mean Policy Optimization", authors="Zhao et al.", year=2025,
                  link="https://arxiv.org/abs/2507.20673")],
    summary="GRPO with the geometric mean of an answer's token ratios, which outliers hardly move, and a wide clip range: more "
            "exploration at the same steadiness.",
    formula=r"\mathcal{L} = -\frac1G\sum_{i=1}^{G}A_i\exp\!\Big(\frac1{|y_i|}\sum_t c_{i,t}\Big),\quad "
            r"c_{i,t} = \begin{cases}\min(\log\rho_{i,t},\varepsilon) & A_i\ge0\\ "
            r"\max(\log\rho_{i,t},-\varepsilon) & A_i<0\end{cases}",
    confidence="code", data=DATA, models=[POLICY], needs_reward=True, metrics=METRICS,
    presets=[
        Preset(name="default", title="Default", description="The paper's clip range, four updates on each set of answers.",
               config={}),
        DEMO,
    ],
)


def compose(config: Config, setting: Setting) -> Composition:
    """Raises ConfigFault when there is no reward, a term misses its column, or the settings contradict each other."""
    return online.composition(config, setting)

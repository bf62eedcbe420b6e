"""GSPO: group sequence policy optimisation (arXiv 2507.18071): one ratio for each answer, the geometric mean of its tokens'.

An answer is clipped as a whole, so that the unit of the ratio is the unit of the reward; ratios stay so near 1 that the clip
range is a thousand times narrower than GRPO's. The gradient reaches every token of an answer that is not clipped alike.
"""

from workers.contract.catalogue import Paper, Preset
from workers.engine.card import card
from workers.engine.composition import Composition, Setting
from workers.engine.families import online
from workers.engine.families.online_config import DATA, DEMO, METRICS, POLICY, LevelName, OnlineConfig, ReductionName
from workers.engine.training.training_config import again


class Config(OnlineConfig):
    importance_sampling_level: LevelName = again(OnlineConfig, "importance_sampling_level", "sequence")
    reduction: ReductionName = again(OnlineConfig, "reduction", "seq_mean_token_mean")
    epsilon: float = again(OnlineConfig, "epsilon", 3e-4)
    epsilon_high: float | None = again(OnlineConfig, "epsilon_high", 4e-4, "How far the ratio may rise above 1; empty is ε.")
    updates_per_rollout: int = again(
        OnlineConfig, "updates_per_rollout", 4, "Optimizer steps into which a pass is cut; the ratio moves within them.")


CARD = card(
    "gspo", Config, title="Group sequence policy optimisation", family="Policy optimisation",
    papers=[Paper(title="Group Sequence Policy Optimization", authors="Zheng et al.", year=2025,
                  link="https://arxiv.org/abs/2507.18071")],
    summary="GRPO with one importance ratio for each answer in place of one for each token: steadier with long answers and with "
            "mixture-of-experts models, where single tokens' ratios are noisy.",
    formula=r"\mathcal{L} = -\frac1G\sum_{i=1}^{G}"
            r"\min\!\left(s_iA_i,\;\mathrm{clip}(s_i,1-\varepsilon,1+\varepsilon_{high})A_i\right),"
            r"\quad s_i = \exp\!\Big(\frac1{|y_i|}\sum_t\log\frac{\pi_\theta(y_{i,t})}{\pi_{old}(y_{i,t})}\Big)",
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

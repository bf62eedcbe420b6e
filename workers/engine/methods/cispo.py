"""CISPO: clipped importance sampling policy optimisation (MiniMax-M1, arXiv 2506.13585).

REINFORCE on whole groups in which the ratio is a capped weight without gradient. No token's gradient is ever dropped: rare
words that turn a thought, whose ratios leave the clip range first, go on teaching through many updates on one set of answers.
"""

from workers.contract.catalogue import Paper, Preset
from workers.engine.card import card
from workers.engine.composition import Composition, Setting
from workers.engine.families import online
from workers.engine.families.online_config import DATA, DEMO, METRICS, POLICY, OnlineConfig, PolicyLossName
from workers.engine.training.training_config import again


class Config(OnlineConfig):
    policy_loss: PolicyLossName = again(OnlineConfig, "policy_loss", "cispo")
    updates_per_rollout: int = again(
        OnlineConfig, "updates_per_rollout", 4, "Optimizer steps into which a pass is cut; the ratio moves within them.")


CARD = card(
    "cispo", Config, title="Clipped importance sampling (CISPO)", family="Policy optimisation",
    papers=[Paper(title="MiniMax-M1: Scaling Test-Time Compute Efficiently with Lightning Attention", authors="MiniMax",
                  year=2025, link="https://arxiv.org/abs/2506.13585")],
    summary="GRPO in which the importance ratio only weighs a token, up to a cap, instead of cutting its gradient off: all "
            "tokens of an answer keep teaching through several updates.",
    formula=r"\mathcal{L} = -\frac1{\sum_i|y_i|}\sum_{i=1}^{G}\sum_t "
            r"\mathrm{sg}\!\left[\min(\rho_{i,t},c)\right]A_i\log\pi_\theta(y_{i,t})",
    confidence="code", data=DATA, models=[POLICY], needs_reward=True, metrics=METRICS,
    presets=[
        Preset(name="default", title="Default", description="Weights up to 5, four updates on each set of answers.", config={}),
        DEMO,
    ],
)


def compose(config: Config, setting: Setting) -> Composition:
    """Raises ConfigFault when there is no reward, a term misses its column, or the settings contradict each other."""
    return online.composition(config, setting)

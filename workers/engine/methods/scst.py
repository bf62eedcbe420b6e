"""Self-critical sequence training (arXiv 1612.00563): REINFORCE whose baseline is the metric of the greedy answer.

The policy is its own critic: a drawn answer is made likelier by how much its metric is above that of what the policy would
write at test time. ReMax is the same with a KL in the reward.

At the edge: an answer that earned what the greedy one did teaches nothing; one without a reward, or whose greedy answer has
none, is not trained on.
"""

from typing import ClassVar

from workers.contract.catalogue import Paper, Preset
from workers.engine.card import card
from workers.engine.composition import Composition, Setting
from workers.engine.families import baselines, online
from workers.engine.families.online_config import DATA, METRICS, POLICY, OnlineConfig
from workers.engine.families.policy_gradient import PolicyGradientConfig, demo
from workers.engine.training.training_config import again, setting


class Config(PolicyGradientConfig):
    advantage: ClassVar[str] = "greedy_centred"  # type: ignore[misc]

    prompts_per_step: int = again(OnlineConfig, "prompts_per_step", 64)
    num_generations: int = setting(
        4, "Answers per prompt", "Answers drawn for each prompt, beside the greedy one.", group="basic", order=16,
        unit="answers", ge=1, le=1024)


CARD = card(
    "scst", Config, title="Self-critical sequence training", family="Policy optimisation",
    papers=[Paper(title="Self-Critical Sequence Training for Image Captioning", authors="Rennie et al.", year=2016,
                  link="https://arxiv.org/abs/1612.00563")],
    summary="Optimises the metric itself, such as BLEU or exact match: drawn answers that beat the policy's own greedy answer "
            "become likelier, those that fall behind it less likely.",
    formula=r"\mathcal{L} = -\frac1B\sum_{i=1}^{B}\left(r(y_i)-r(\hat y_i)\right)\sum_t\log\pi_\theta(y_{i,t}|x_i,y_{i,<t}),"
            r"\quad \hat y_{i,t} = \arg\max_v\pi_\theta(v|x_i,\hat y_{i,<t})",
    confidence="paper", data=DATA, models=[POLICY], needs_reward=True,
    metrics=METRICS + [info for info in baselines.METRICS if info.name != "baseline"],
    presets=[Preset(name="default", title="Default", description="The paper's loss, without a KL.", config={}), demo()],
)


def compose(config: Config, setting: Setting) -> Composition:
    """Raises ConfigFault when there is no reward, a term misses its column, or the settings contradict each other."""
    return online.composition(config, setting)

"""ReMax: REINFORCE with the greedy answer's reward as baseline (arXiv 2310.10505).

One answer is drawn to each prompt and one is written greedily; the drawn one is made likelier by how much more it earned. The
baseline costs a second answer and saves the critic. With a KL in the reward, tokens have the penalties that come after them.

At the edge: an answer that earned what the greedy one did teaches nothing; one without a reward, or whose greedy answer has
none, is not trained on.
"""

from typing import ClassVar, Literal

from workers.contract.catalogue import Paper, Preset
from workers.engine.card import card
from workers.engine.composition import Composition, Setting
from workers.engine.families import baselines, online
from workers.engine.families.online_config import DATA, METRICS, POLICY, OnlineConfig
from workers.engine.families.policy_gradient import PolicyGradientConfig, demo
from workers.engine.training.training_config import again, setting


class Config(PolicyGradientConfig):
    advantage: ClassVar[str] = "greedy_centred"  # type: ignore[misc]
    gamma: ClassVar[float] = 1.0

    prompts_per_step: int = again(OnlineConfig, "prompts_per_step", 128)
    num_generations: int = setting(
        1, "Answers per prompt", "Answers drawn for each prompt, beside the greedy one.", group="basic", order=16,
        unit="answers", ge=1, le=1024)
    beta: float = again(OnlineConfig, "beta", 0.05)
    kl_in: Literal["loss", "reward"] = again(OnlineConfig, "kl_in", "reward")


CARD = card(
    "remax", Config, title="ReMax", family="Policy optimisation",
    papers=[Paper(title="ReMax: A Simple, Effective, and Efficient Reinforcement Learning Method for Aligning Large Language "
                        "Models", authors="Li et al.", year=2023, link="https://arxiv.org/abs/2310.10505")],
    summary="Measures each drawn answer against the policy's own greedy answer to the same prompt. As unbiased as REINFORCE, "
            "much less noisy, and without PPO's critic.",
    formula=r"\mathcal{L} = -\frac1B\sum_{i=1}^{B}\sum_t \Big(\sum_{s\ge t}r_{i,s} - R(\hat y_i)\Big)\log\pi_\theta(y_{i,t}|x_i,"
            r"y_{i,<t}),\quad \hat y_{i,t} = \arg\max_v\pi_\theta(v|x_i,\hat y_{i,<t})",
    confidence="code", data=DATA, models=[POLICY], needs_reward=True,
    metrics=METRICS + [info for info in baselines.METRICS if info.name != "baseline"],
    presets=[
        Preset(name="default", title="Default", description="One answer to each prompt, KL in the reward.", config={}),
        Preset(name="lora", title="LoRA", description="Trains an adapter; the reference is the same model without it.",
               config={"use_peft": True, "lora_r": 16, "lora_alpha": 32}),
        demo(),
    ],
)


def compose(config: Config, setting: Setting) -> Composition:
    """Raises ConfigFault when there is no reward, a term misses its column, or the settings contradict each other."""
    return online.composition(config, setting)

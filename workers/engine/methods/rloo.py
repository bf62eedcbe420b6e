"""RLOO: REINFORCE with a leave-one-out baseline on whole answers (arXiv 2402.14740).

Each of a prompt's G answers is one action. Its reward, less β times the log-ratio of the whole answer to the reference, is
measured against the mean of the other G − 1, which makes the baseline unbiased without a value model. On the first update
the gradient is REINFORCE's, A·∇log π(y); with more updates on one set of answers the ratio is clipped as PPO's, of whole
answers (TRL) or of tokens (verl, OpenRLHF).

At the edge: equal rewards, and an answer that could not be scored, have advantage 0; the unscored one takes no part in the
baseline of the others; when every answer is cut and cut answers are left out, the step changes nothing.
"""

from typing import Literal

from workers.contract.catalogue import Paper, Preset
from workers.engine.card import card
from workers.engine.composition import Composition, Setting
from workers.engine.families import online
from workers.engine.families.online_config import (
    DATA,
    DEMO,
    METRICS,
    POLICY,
    AdvantageName,
    LevelName,
    OnlineConfig,
    ReductionName,
)
from workers.engine.training.training_config import again


class Config(OnlineConfig):
    num_generations: int = again(
        OnlineConfig, "num_generations", 4, "Answers drawn for each prompt: each is measured against the mean of the others.")
    beta: float = again(OnlineConfig, "beta", 0.05)
    advantage: AdvantageName = again(OnlineConfig, "advantage", "leave_one_out")
    importance_sampling_level: LevelName = again(
        OnlineConfig, "importance_sampling_level", "answer",
        "One ratio per answer, which is one action in the paper; or one per token (verl, OpenRLHF).")
    reduction: ReductionName = again(
        OnlineConfig, "reduction", "seq_mean_token_sum", "The mean over answers of what each one's tokens add: an answer is one "
        "action.")
    kl_in: Literal["loss", "reward"] = again(
        OnlineConfig, "kl_in", "reward", "Taken from the answer's reward, as in the paper, or added to the loss.")


CARD = card(
    "rloo", Config, title="REINFORCE leave-one-out", family="Policy optimisation",
    papers=[Paper(title="Back to Basics: Revisiting REINFORCE Style Optimization for Learning from Human Feedback in LLMs",
                  authors="Ahmadian et al.", year=2024, link="https://arxiv.org/abs/2402.14740")],
    summary="Draws a few answers to each prompt and makes those likelier whose reward, less the KL to the starting model, is "
            "above the mean of the others. Unbiased, without a value model, and steady with two to four answers.",
    formula=r"\nabla\mathcal{J} = \frac1G\sum_{i=1}^{G}\Big[R_i-\frac1{G-1}\sum_{j\ne i}R_j\Big]\nabla\log\pi_\theta(y_i|x),"
            r"\quad R_i = r(x,y_i)-\beta\log\frac{\pi_\theta(y_i|x)}{\pi_{ref}(y_i|x)}",
    confidence="code", data=DATA, models=[POLICY], needs_reward=True, metrics=METRICS,
    presets=[
        Preset(name="default", title="Default", description="The paper's loss, on policy, with the KL in the reward.", config={}),
        Preset(name="lora", title="LoRA", description="Trains an adapter; the reference is the same model without it.",
               config={"use_peft": True, "lora_r": 16, "lora_alpha": 32}),
        DEMO,
    ],
)


def compose(config: Config, setting: Setting) -> Composition:
    """Raises ConfigFault when there is no reward, a term misses its column, or the settings contradict each other."""
    return online.composition(config, setting)

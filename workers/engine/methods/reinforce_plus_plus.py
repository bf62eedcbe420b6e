"""REINFORCE++: PPO without a critic, its advantages normalised over the whole batch (arXiv 2501.03262).

The reward stands on the last token, less β times the log-ratio to the reference on each; rewards to go are whitened over all
tokens of the step, so that no prompt has a baseline of its own. The form `-baseline` first takes the mean of a prompt's
answers from each, for rewards that differ between prompts, and puts the KL into the loss.

At the edge: an answer without a reward has advantage 0 and takes no part in the statistics; of one token there is nothing to
whiten; equal rewards without a KL teach nothing.
"""

from typing import Literal

from workers.contract.catalogue import Paper, Preset
from workers.engine.card import card
from workers.engine.composition import Composition, Setting
from workers.engine.families import online
from workers.engine.families.online_config import DATA, METRICS, POLICY, AdvantageName, OnlineConfig
from workers.engine.families.policy_gradient import demo
from workers.engine.training.training_config import again, setting


class Config(OnlineConfig):
    advantage: AdvantageName = setting(
        "whitened", "Advantage", "whitened is REINFORCE++; group_centred_whitened its -baseline form.", order=107)
    prompts_per_step: int = again(OnlineConfig, "prompts_per_step", 128)
    num_generations: int = setting(
        1, "Answers per prompt", "Answers drawn for each prompt; one is enough without a group's baseline.",
        group="basic", order=16, unit="answers", ge=1, le=1024)
    beta: float = again(OnlineConfig, "beta", 0.01)
    kl_in: Literal["loss", "reward"] = again(OnlineConfig, "kl_in", "reward")
    gamma: float = setting(1.0, "Discount γ", "What a reward one token later is worth.", order=130, ge=0, le=1)


BASELINE = {"advantage": "group_centred_whitened", "num_generations": 8, "prompts_per_step": 16, "kl_in": "loss",
            "kl_estimator": "k2"}

CARD = card(
    "reinforce-plus-plus", Config, title="REINFORCE++", family="Policy optimisation",
    papers=[Paper(title="REINFORCE++: A Simple and Efficient Approach for Aligning Large Language Models", authors="Hu et al.",
                  year=2025, link="https://arxiv.org/abs/2501.03262")],
    summary="PPO's clip and per-token KL without its critic: advantages are whitened over the whole batch, which keeps one "
            "prompt's easy rewards from counting as skill. One answer to each prompt is enough.",
    formula=r"\mathcal{L} = -\mathbb{E}_t\!\left[\min\!\left(\rho_tA_t,\,"
            r"\mathrm{clip}(\rho_t,1-\varepsilon,1+\varepsilon)A_t\right)\right],\quad "
            r"A_t = \frac{G_t-\mathrm{mean}(G)}{\mathrm{std}(G)},\quad "
            r"G_t = R - \beta\sum_{s\ge t}\log\frac{\pi_\theta(y_s)}{\pi_{ref}(y_s)}",
    confidence="code", data=DATA, models=[POLICY], needs_reward=True, metrics=METRICS,
    presets=[
        Preset(name="default", title="Default", description="One answer to each prompt, KL in the reward.", config={}),
        Preset(name="baseline", title="REINFORCE++-baseline", description="The mean of a prompt's answers taken from each; KL in "
               "the loss.", config=BASELINE),
        demo(),
    ],
)


def compose(config: Config, setting: Setting) -> Composition:
    """Raises ConfigFault when there is no reward, a term misses its column, or the settings contradict each other."""
    return online.composition(config, setting)

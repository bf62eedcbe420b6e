"""REINFORCE: the policy gradient with a baseline (Williams 1992), for whole answers.

Each answer's tokens are made likelier by what came after them, G_t = Σ_{s≥t} γ^{s−t}·r_s, less a baseline that the answer has
no part in, or little. The baseline is the advantage chosen: none (`to_go`), the step's mean (`batch_centred`), earlier steps'
mean (`moving_average`), the mean of the prompt's answers (`group_centred`) or of its other answers (`leave_one_out`), the
same weighted by length (`length_weighted`, OPO), the greedy answer's reward (`greedy_centred`), or what a critic expects in
the state before each token (`state_value`), which is then trained beside the policy.

At the edge: an answer without a reward has advantage 0 and takes no part in others' baselines; equal rewards teach nothing
where the baseline is a mean of the step's; when every answer is cut and cut answers are left out, the step changes nothing.
"""

from functools import partial

import torch
from torch import Tensor

from workers.contract.catalogue import Paper, Preset
from workers.engine.card import card
from workers.engine.composition import Composition, Setting, Turn
from workers.engine.families import actor_critic, baselines, online, surrogate
from workers.engine.families.actor_critic import CRITIC, CRITIC_METRICS, CriticConfig
from workers.engine.families.online_config import DATA, METRICS, POLICY, AdvantageName, OnlineConfig
from workers.engine.families.policy_gradient import PolicyGradientConfig, demo
from workers.engine.rollout import comparison
from workers.engine.sample import Batch, Counts, Sample, batch_of
from workers.engine.training.training_config import again, setting

VALUES = comparison.Extra(("values",), actor_critic.give_values)


class Config(PolicyGradientConfig, CriticConfig):
    advantage: AdvantageName = setting(
        "batch_centred", "Advantage", "The baseline: none is to_go; state_value trains a critic; greedy_centred writes one more "
        "answer to each prompt; group_centred, leave_one_out and length_weighted want several answers to a prompt.", order=107)
    prompts_per_step: int = again(OnlineConfig, "prompts_per_step", 64)
    num_generations: int = setting(
        4, "Answers per prompt", "Answers drawn for each prompt; one is enough where the baseline is not their own mean.",
        group="basic", order=16, unit="answers", ge=1, le=1024)


CARD = card(
    "reinforce", Config, title="REINFORCE with a baseline", family="Policy optimisation",
    papers=[Paper(title="Simple Statistical Gradient-Following Algorithms for Connectionist Reinforcement Learning",
                  authors="Williams", year=1992, link="https://doi.org/10.1007/BF00992696"),
            Paper(title="On-Policy RL with Optimal Reward Baseline", authors="Hao et al.", year=2025,
                  link="https://arxiv.org/abs/2505.23585")],
    summary="The policy gradient itself: each answer is made likelier by its reward less a baseline, in one step on each set of "
            "answers. Any baseline, from none to a trained critic; every other method here refines this one.",
    formula=r"\mathcal{L} = -\frac1B\sum_{i=1}^{B}\sum_t \left(G_{i,t}-b_i\right)\log\pi_\theta(y_{i,t}|x,y_{i,<t}),\quad "
            r"G_t = \sum_{s\ge t}\gamma^{s-t}r_s",
    confidence="code", data=DATA, models=[POLICY, CRITIC], needs_reward=True,
    metrics=METRICS + baselines.METRICS + CRITIC_METRICS,
    presets=[
        Preset(name="default", title="Default", description="The step's mean as baseline, no KL.", config={}),
        Preset(name="opo", title="Optimal baseline (OPO)", description="The mean of a prompt's answers weighted by length.",
               config={"advantage": "length_weighted", "num_generations": 8, "prompts_per_step": 32}),
        Preset(name="critic", title="Learned baseline", description="A critic says what each beginning of an answer is worth.",
               config={"advantage": "state_value", "num_generations": 1, "prompts_per_step": 128}),
        demo(),
    ],
)


def compose(config: Config, setting: Setting) -> Composition:
    """Raises ConfigFault when there is no reward, a term misses its column, or the settings contradict each other."""
    if config.advantage != "state_value":
        return online.composition(config, setting)
    comparison.check_comparison(config, (VALUES,))
    return online.composition(config, setting, compare=partial(compare, config), loss=partial(loss, config),
                              more=(actor_critic.critic_role(config, setting),),
                              live={"critic_learning_rate": actor_critic.critic_rate(config, setting)})


def compare(config: Config, turn: Turn, samples: list[Sample]) -> None:
    """Gives every sample the critic's values, advantages above them, and the rewards to go that the critic is fitted to."""
    comparison.compare_answers(config, (VALUES,), turn, samples)
    batch = batch_of(samples)
    gained = batch.channel("advantages") + batch.channel("values")
    actor_critic.hand_out_returns(turn.tally, batch, torch.where(batch.mask, gained, 0.0))


def loss(config: Config, turn: Turn, batch: Batch, counts: Counts) -> Tensor:
    """One micro-batch's −(G − V)·log π, and c_v times the critic's square loss."""
    return surrogate.surrogate_loss(config, turn, batch, counts) + actor_critic.value_loss(config, turn, batch, counts)

"""A2C: advantage actor-critic, one update on each set of answers (A3C, arXiv 1602.01783; TD(λ), Sutton 1988).

The critic says what each state is worth; a token is made likelier by how much better it made things than the critic expected:
over n steps, or over all of them with a weight of λ (generalised advantages). The critic is fitted to the same returns, or,
as they are classically written, along eligibility traces: each error is handed back to the states before it. Both move it
alike (see `critic.traces`). One step on fresh answers needs no ratio and no clip; asynchronous actors, the third A of A3C, are
rollouts drawn ahead of the update.

At the edge: an answer without a reward is not trained on, by neither; equal rewards still teach the critic; when every answer
is cut and cut answers are left out, the step changes nothing.
"""

from functools import partial
from typing import Literal

from torch import Tensor

from workers.contract.catalogue import Paper, Preset
from workers.engine.card import card
from workers.engine.composition import Composition, Setting, Turn
from workers.engine.critic import gae, n_step, state_values, traces
from workers.engine.families import actor_critic, surrogate
from workers.engine.families.actor_critic import ACTOR_CRITIC_METRICS, CRITIC, ActorCriticConfig
from workers.engine.families.online_config import DATA, POLICY, OnlineConfig, ReductionName
from workers.engine.families.policy_gradient import PolicyGradientConfig
from workers.engine.sample import Batch, Counts
from workers.engine.training.reducers import Reduction, reduce
from workers.engine.training.training_config import again, setting


class Config(ActorCriticConfig, PolicyGradientConfig):
    reduction: ReductionName = again(OnlineConfig, "reduction", "token_mean")
    entropy_coef: float = again(OnlineConfig, "entropy_coef", 0.01)
    vf_coef: float = again(ActorCriticConfig, "vf_coef", 0.5)
    whiten_advantages: bool = again(ActorCriticConfig, "whiten_advantages", False)
    n_steps: int = setting(
        0, "Steps before the critic's word", "Rewards that count before the critic's value does; 0 weighs all of them by λ.",
        order=132, unit="tokens", ge=0, le=131_072)
    critic_update: Literal["returns", "traces"] = setting(
        "returns", "The critic learns by", "Its square distance to the returns, or TD errors along eligibility traces: the same "
        "direction. Traces decay by γλ.", order=134)


CARD = card(
    "a2c-a3c", Config, title="Advantage actor-critic", family="Policy optimisation",
    papers=[Paper(title="Asynchronous Methods for Deep Reinforcement Learning", authors="Mnih et al.", year=2016,
                  link="https://arxiv.org/abs/1602.01783"),
            Paper(title="Learning to Predict by the Methods of Temporal Differences", authors="Sutton", year=1988,
                  link="https://doi.org/10.1007/BF00115009")],
    summary="A critic learns what each beginning of an answer is worth, and the policy moves once towards what turned out better "
            "than expected. PPO without its passes and its clip; TD(λ), n steps or eligibility traces.",
    formula=r"\mathcal{L} = -\mathbb{E}_t\!\left[A_t\log\pi_\theta(y_t)\right] + \tfrac{c_v}2\mathbb{E}_t\!\left[(V_t-R_t)^2"
            r"\right] - c_e\mathbb{E}_t\!\left[H_t\right],\quad R_t = \sum_{i<n}\gamma^ir_{t+i}+\gamma^nV_{t+n},\;"
            r"\text{or}\; R_t = V_t+\sum_{l\ge0}(\gamma\lambda)^l\delta_{t+l}",
    confidence="code", left_out="A natural gradient: see TRPO.", data=DATA, models=[POLICY, CRITIC], needs_reward=True,
    metrics=ACTOR_CRITIC_METRICS,
    presets=[
        Preset(name="default", title="Default", description="One update on each set of answers, KL in the reward.", config={}),
        Preset(name="td", title="One step (TD)", description="The critic's word after one token.", config={"n_steps": 1}),
        Preset(name="traces", title="Eligibility traces", description="The critic learns along traces that decay by λ.",
               config={"critic_update": "traces", "lam": 0.9}),
        Preset(name="demo", title="Demo", description="Two-digit sums with the tiny model, a few minutes on two cores.",
               config={"learning_rate": 5e-5, "critic_learning_rate": 5e-4, "prompts_per_step": 128, "num_generations": 8,
                       "max_completion_length": 8, "per_device_train_batch_size": 1024, "max_steps": 60, "beta": 0.01,
                       "lr_scheduler_type": "constant", "warmup_ratio": 0.0, "eval_steps": 10, "eval_limit": 256,
                       "eval_max_new_tokens": 8, "entropy_coef": 0.0}),
    ],
)


def compose(config: Config, setting: Setting) -> Composition:
    """Raises ConfigFault when there is no reward, a term misses its column, or the settings contradict each other."""
    return actor_critic.composition(config, setting, estimate=partial(estimate, config), loss=partial(loss, config))


def estimate(config: Config, token_rewards: Tensor, values: Tensor, mask: Tensor) -> gae.Estimate:
    """Advantages and returns [B,T] of n steps, or of all with a weight of λ."""
    if config.n_steps:
        return n_step.estimate(token_rewards, values, mask, gamma=config.gamma, steps=config.n_steps)
    return gae.estimate(token_rewards, values, mask, gamma=config.gamma, lam=config.lam)


def loss(config: Config, turn: Turn, batch: Batch, counts: Counts) -> Tensor:
    """One micro-batch's −A·log π less the entropy bonus, and the critic's loss, averaged over the update's tokens."""
    policy = surrogate.surrogate(config, turn, batch, counts, told="loss/policy_avg").loss
    if config.critic_update == "returns":
        return policy + actor_critic.value_loss(config, turn, batch, counts)
    return policy + trace_loss(config, turn, batch, counts)


def trace_loss(config: Config, turn: Turn, batch: Batch, counts: Counts) -> Tensor:
    """c_v times −δ_t·E_t averaged over the update's tokens; tells the square distance to the returns, as it is comparable."""
    values = state_values(turn.models["critic"], batch)
    errors = gae.estimate(batch.channel("token_rewards"), batch.channel("values"), batch.mask, gamma=config.gamma, lam=0)
    square = (values.detach() - batch.channel("returns")).square() / 2
    surrogate.tell_loss(turn.tally, "loss/value_avg", reduce(square, batch.mask, counts, Reduction.TOKEN_MEAN), counts)
    terms = traces.terms(values, errors.advantages, batch.mask, gamma=config.gamma, lam=config.lam)
    return config.vf_coef * reduce(terms, batch.mask, counts, Reduction.TOKEN_MEAN)

"""What methods with a critic share: its fields, its role, values before the comparison, advantages from them, its loss.

The critic is a second model with a scalar head (see `critic`), trained beside the policy with its own optimizer, gradient
norm and learning rate. `compare` asks it what each state is worth and makes advantages and returns of that; `value_loss` fits
it to the returns. Legend: B answers of a step or of a micro-batch, T tokens of the longest.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import ClassVar, Literal

from torch import Tensor

from workers.contract.catalogue import MetricInfo, ModelNeed
from workers.contract.run_spec import ModelKind
from workers.engine.advantages import whiten
from workers.engine.composition import Composition, Loss, Role, Setting, Turn
from workers.engine.credit import returns
from workers.engine.critic import all_state_values, clipped_value, explained_variance, gae, state_values
from workers.engine.families import online
from workers.engine.families.online_config import METRICS, OnlineConfig
from workers.engine.families.surrogate import tell_loss
from workers.engine.rollout import comparison
from workers.engine.sample import Batch, Counts, Sample, batch_of
from workers.engine.training.reducers import Reduction, reduce
from workers.engine.training.tally import Tally
from workers.engine.training.training_config import Auto, again, scaled_learning_rate, setting

Estimate = Callable[[Tensor, Tensor, Tensor], gae.Estimate]
"""(token rewards, values, mask), all [B,T], to advantages and returns."""


class CriticConfig(OnlineConfig):
    critic_learning_rate: float = setting(
        0.0, "Critic's learning rate", "How far each step moves the critic's weights; 0 chooses by the model's size.",
        group="basic", order=11, live=True, auto=Auto(0, "auto", "Chosen by the model's size."), ge=0, le=1)
    critic_use_peft: bool = setting(
        True, "Adapter for the critic", "With an adapter on, the critic trains one and its head; off trains all its weights.",
        order=66)
    gamma: float = setting(1.0, "Discount γ", "What a reward one token later is worth.", order=130, ge=0, le=1)
    vf_coef: float = setting(
        0.1, "Value loss weight", "Weight of the critic's loss in the whole; the critic has its own optimizer and norm limit.",
        order=135, gt=0, le=1000)


class ActorCriticConfig(CriticConfig):
    # Advantages come from the critic.
    advantage: ClassVar[str] = "gae"  # type: ignore[misc]

    prompts_per_step: int = again(OnlineConfig, "prompts_per_step", 128)
    num_generations: int = setting(
        1, "Answers per prompt", "Answers drawn for each prompt; the critic makes a comparison within them needless.",
        group="basic", order=16, unit="answers", ge=1, le=1024)
    beta: float = again(OnlineConfig, "beta", 0.05)
    kl_in: Literal["loss", "reward"] = again(
        OnlineConfig, "kl_in", "reward", "Taken from each token's reward as log π − log π_ref, or added to the loss.")
    lam: float = setting(
        0.95, "GAE λ", "1 trusts the rewards that came, 0 the critic's next value.", order=131, ge=0, le=1)
    whiten_advantages: bool = setting(
        True, "Whiten advantages", "Mean 0 and deviation 1 over all tokens of the step.", order=132)
    whiten_rewards: bool = setting(
        False, "Whiten rewards", "Deviation 1 over all token rewards of the step; their mean stays.", order=133)
    missing_eos_penalty: float = setting(
        0.0, "Penalty for a cut answer", "Taken from the reward of an answer that did not end by itself.", order=136, ge=0,
        le=1e6)


NOT_TOLD = {"reward_std", "frac_reward_zero_std", "policy_loss"}
"""Curves of methods that compare within groups, and the name TRL's PPO has another for."""

CRITIC_METRICS = [
    MetricInfo(name="loss/value_avg", title="Value loss", panel="Loss", better="down"),
    MetricInfo(name="critic/vf_explained_var", title="Explained variance", panel="Critic", better="up",
               help="1 − Var(R − V) / Var(R): 1 knows every return beforehand, 0 no more than their mean."),
    MetricInfo(name="critic/values/mean", title="Mean value", panel="Critic"),
    MetricInfo(name="critic/returns/mean", title="Mean return", panel="Critic"),
    MetricInfo(name="critic/learning_rate", title="Critic's learning rate", panel="Critic"),
    MetricInfo(name="critic/grad_norm", title="Critic's gradient norm", panel="Critic"),
]
ACTOR_CRITIC_METRICS = [info for info in METRICS if info.name not in NOT_TOLD] + [
    MetricInfo(name="objective/rlhf_reward", title="Reward less KL", panel="Reward", better="up",
               help="Mean over answers of the reward with every penalty."),
    MetricInfo(name="objective/non_score_reward", title="KL's part of the reward", panel="Reward"),
    MetricInfo(name="objective/entropy", title="Entropy of a whole answer", panel="Policy", unit="nats",
               help="Mean over answers of −log π(y), as they were drawn."),
    MetricInfo(name="loss/policy_avg", title="Policy loss", panel="Loss"),
    *CRITIC_METRICS,
    MetricInfo(name="val/num_eos_tokens", title="Answers ended", panel="Answers", unit="answers"),
]
CRITIC = ModelNeed(
    role="critic", kinds=[ModelKind.CAUSAL, ModelKind.REWARD], required=False,
    help="Where the critic starts: best the reward model, or a model with the policy's tokenizer. Empty: the policy.")


def composition(config: ActorCriticConfig, setting: Setting, *, estimate: Estimate, loss: Loss) -> Composition:
    """The method around its way to advantages and its loss, with a critic. Raises ConfigFault as `online.composition` does."""
    return online.composition(config, setting, compare=partial(compare, config, estimate), loss=loss,
                              more=(critic_role(config, setting),),
                              live={"critic_learning_rate": critic_rate(config, setting)})


def critic_role(config: CriticConfig, setting: Setting) -> Role:
    """The critic: its own model where the spec names one, else the policy's weights with a fresh head."""
    return Role("critic", trained=True, head="scalar", weights="critic" if "critic" in setting.spec.models else "policy",
                learning_rate="critic_learning_rate", adapter=config.critic_use_peft)


def critic_rate(config: CriticConfig, setting: Setting) -> float:
    """The critic's learning rate: as set, else by the model's size, ten times the policy's."""
    adapted = config.use_peft and config.critic_use_peft
    return config.critic_learning_rate or scaled_learning_rate(
        setting.parameters, at_7b=1e-5, highest=5e-3 if adapted else 5e-4, adapted=adapted)


def give_values(turn: Turn, samples: list[Sample]) -> None:
    """Leaves every sample the critic's `values`. One without a reward is masked out: it would teach the critic nothing true."""
    for sample in samples:
        sample.mask &= sample.reward is not None
    for sample, found in zip(samples, all_state_values(turn.models["critic"], samples), strict=True):
        sample.channels["values"] = found


def compare(config: ActorCriticConfig, estimate: Estimate, turn: Turn, samples: list[Sample]) -> None:
    """Gives every sample its values, token rewards, advantages and returns; one without a reward is masked out."""
    give_values(turn, samples)
    batch = batch_of(samples)
    scores = batch.rewards - config.missing_eos_penalty * batch.rewards.new_tensor([sample.truncated for sample in samples])
    token_rewards = comparison.penalised(config, turn, replace(batch, rewards=scores))
    tell_objective(turn.tally, batch, scores, token_rewards)
    if config.whiten_rewards:
        token_rewards = whiten(token_rewards, batch.mask, centre=False)
    found = estimate(token_rewards, batch.channel("values"), batch.mask)
    advantages = whiten(found.advantages, batch.mask) if config.whiten_advantages else found.advantages
    comparison.hand_out(samples, token_rewards, advantages)
    hand_out_returns(turn.tally, batch, found.returns)


def hand_out_returns(tally: Tally, batch: Batch, returns: Tensor) -> None:
    """Leaves each sample of the batch its row of `returns` [B,T], and tells how well the critic foresaw them."""
    for index, sample in enumerate(batch.samples):
        sample.channels["returns"] = returns[index, : len(sample)]
    tell_values(tally, batch.channel("values"), returns, batch.mask)


def value_loss(config: CriticConfig, turn: Turn, batch: Batch, counts: Counts, *, cliprange: float | None = None) -> Tensor:
    """c_v times the square loss of one micro-batch, averaged over the update's tokens; clipped where `cliprange` says how far."""
    found = clipped_value.terms(state_values(turn.models["critic"], batch), batch.channel("values"), batch.channel("returns"),
                                cliprange=cliprange)
    value = reduce(found.terms, batch.mask, counts, Reduction.TOKEN_MEAN)
    tell_loss(turn.tally, "loss/value_avg", value, counts)
    if cliprange is not None:
        turn.tally.mean("val/clipfrac_avg", found.clipped.float(), batch.mask)
    return config.vf_coef * value


def tell_objective(tally: Tally, batch: Batch, scores: Tensor, token_rewards: Tensor) -> None:
    """`objective/…` and `val/num_eos_tokens`, over the answers that have a reward."""
    scored = scores.isfinite()
    if bool(scored.any()):
        whole = returns(token_rewards, batch.mask)
        tally.put("objective/rlhf_reward", whole[scored].mean())
        tally.put("objective/non_score_reward", (whole - scores)[scored].mean())
        tally.put("objective/entropy", -returns(batch.channel("old_logprobs"), batch.mask)[scored].mean())
    tally.put("val/num_eos_tokens", sum(not sample.truncated for sample in batch.samples))


def tell_values(tally: Tally, values: Tensor, returns: Tensor, mask: Tensor) -> None:
    """`critic/…`: how well the critic foresaw the returns, before it learns from them."""
    tally.mean("critic/values/mean", values, mask)
    tally.mean("critic/returns/mean", returns, mask)
    explained = explained_variance(values, returns, mask)
    if bool(explained.isfinite()):
        tally.put("critic/vf_explained_var", explained)

"""PPO: proximal policy optimisation with a critic and generalised advantages (arXiv 1707.06347, 1506.02438, 2203.02155).

Each step answers are drawn and scored; the reward stands on the last token, less β times the log-ratio to the reference on
each token; the critic says what the state before each token is worth; GAE makes advantages and returns of both. Policy and
critic are then fitted on the same mini-batches for some passes, each with its own optimizer, gradient norm and learning
rate: the policy by the clipped surrogate, the critic by the clipped square loss. Both average over all tokens.

At the edge: an answer without a reward is not trained on, by neither; equal rewards still teach the critic, and the policy
wherever the critic expected something else; a group of one is as good as any other; when every answer is cut and cut answers
are left out, the step changes nothing.
"""

from dataclasses import replace
from functools import partial
from typing import ClassVar, Literal

from torch import Tensor

from workers.contract.catalogue import MetricInfo, ModelNeed, Paper, Preset
from workers.contract.run_spec import ModelKind
from workers.engine import comparison, online, surrogate
from workers.engine.advantages import whiten
from workers.engine.card import card
from workers.engine.composition import Composition, Role, Setting, Turn
from workers.engine.credit import returns
from workers.engine.critic import all_state_values, clipped_value, explained_variance, gae, state_values
from workers.engine.online_config import DATA, METRICS, POLICY, OnlineConfig
from workers.engine.reducers import Reduction, reduce
from workers.engine.sample import Batch, Counts, Sample, batch_of
from workers.engine.tally import Tally
from workers.engine.training_config import Auto, scaled_learning_rate, setting


class Config(OnlineConfig):
    # Advantages are GAE's, from the critic.
    advantage: ClassVar[str] = "gae"  # type: ignore[misc]

    critic_learning_rate: float = setting(
        0.0, "Critic's learning rate", "How far each step moves the critic's weights; 0 chooses by the model's size.",
        group="basic", order=11, live=True, auto=Auto(0, "auto", "Chosen by the model's size."), ge=0, le=1)
    prompts_per_step: int = setting(
        128, "Prompts per step", "Different prompts answered in each step.", group="basic", order=15, unit="prompts",
        ge=1, le=65_536)
    num_generations: int = setting(
        1, "Answers per prompt", "Answers drawn for each prompt; the critic makes a comparison within them needless.",
        group="basic", order=16, unit="answers", ge=1, le=1024)
    beta: float = setting(
        0.05, "KL coefficient β", "Weight of the divergence to the starting model. 0 does not run the reference at all.",
        group="basic", order=18, live=True, ge=0, le=100)
    critic_use_peft: bool = setting(
        True, "LoRA for the critic", "Where LoRA is on, the critic trains an adapter and its head; off trains all its weights.",
        order=66)
    kl_in: Literal["loss", "reward"] = setting(
        "reward", "KL placed in", "Taken from each token's reward as log π − log π_ref, or added to the loss.", order=112)
    num_iterations: int = setting(
        4, "Passes over the answers", "Times each set of answers is trained on (PPO epochs).", order=119, ge=1, le=64)
    updates_per_rollout: int = setting(
        1, "Updates per pass", "Mini-batches into which a pass is cut; groups stay whole.", order=120, ge=1, le=1024)
    gamma: float = setting(1.0, "Discount γ", "What a reward one token later is worth.", order=130, ge=0, le=1)
    lam: float = setting(
        0.95, "GAE λ", "1 trusts the rewards that came, 0 the critic's next value.", order=131, ge=0, le=1)
    whiten_advantages: bool = setting(
        True, "Whiten advantages", "Mean 0 and deviation 1 over all tokens of the step.", order=132)
    whiten_rewards: bool = setting(
        False, "Whiten rewards", "Deviation 1 over all token rewards of the step; their mean stays.", order=133)
    cliprange_value: float | None = setting(
        0.2, "Value clip range", "How far a value may move from where it stood before its gradient is cut; empty never cuts.",
        order=134, gt=0, le=1e6)
    vf_coef: float = setting(
        0.1, "Value loss weight", "Weight of the critic's loss in the whole; the critic has its own optimizer and norm limit.",
        order=135, gt=0, le=1000)
    missing_eos_penalty: float = setting(
        0.0, "Penalty for a cut answer", "Taken from the reward of an answer that did not end by itself.", order=136, ge=0,
        le=1e6)


NOT_TOLD = {"reward_std", "frac_reward_zero_std", "policy_loss"}
"""Curves of methods that compare within groups, and the name TRL's PPO has another for."""

OWN_METRICS = [
    MetricInfo(name="objective/rlhf_reward", title="Reward less KL", panel="Reward", better="up",
               help="Mean over answers of the reward with every penalty."),
    MetricInfo(name="objective/non_score_reward", title="KL's part of the reward", panel="Reward"),
    MetricInfo(name="objective/entropy", title="Entropy of a whole answer", panel="Policy", unit="nats",
               help="Mean over answers of −log π(y), as they were drawn."),
    MetricInfo(name="policy/approxkl_avg", title="Moved within the step", panel="Policy", unit="nats/token",
               help="½ mean (log π − log π_old)² over the updates."),
    MetricInfo(name="val/ratio", title="Mean ratio", panel="Policy", help="π / π_old over the updates; near 1."),
    MetricInfo(name="loss/policy_avg", title="Policy loss", panel="Loss"),
    MetricInfo(name="loss/value_avg", title="Value loss", panel="Loss", better="down"),
    MetricInfo(name="critic/vf_explained_var", title="Explained variance", panel="Critic", better="up",
               help="1 − Var(R − V) / Var(R): 1 knows every return beforehand, 0 no more than their mean."),
    MetricInfo(name="critic/values/mean", title="Mean value", panel="Critic"),
    MetricInfo(name="critic/returns/mean", title="Mean return", panel="Critic"),
    MetricInfo(name="val/clipfrac_avg", title="Values clipped", panel="Critic", better="down"),
    MetricInfo(name="critic/learning_rate", title="Critic's learning rate", panel="Critic"),
    MetricInfo(name="critic/grad_norm", title="Critic's gradient norm", panel="Critic"),
    MetricInfo(name="val/num_eos_tokens", title="Answers ended", panel="Answers", unit="answers"),
]

CARD = card(
    "ppo", Config, title="Proximal policy optimisation", family="Policy optimisation",
    papers=[Paper(title="Proximal Policy Optimization Algorithms", authors="Schulman et al.", year=2017,
                  link="https://arxiv.org/abs/1707.06347"),
            Paper(title="High-Dimensional Continuous Control Using Generalized Advantage Estimation",
                  authors="Schulman et al.", year=2015, link="https://arxiv.org/abs/1506.02438"),
            Paper(title="Training Language Models to Follow Instructions with Human Feedback", authors="Ouyang et al.",
                  year=2022, link="https://arxiv.org/abs/2203.02155")],
    summary="Draws answers, scores them, and lets a second model, the critic, learn what each beginning of an answer is worth: "
            "each token is then judged by how much better it made things. The classic of RLHF; needs the critic's memory.",
    formula=r"\mathcal{L} = -\mathbb{E}_t\!\left[\min\!\left(\rho_tA_t,\,"
            r"\mathrm{clip}(\rho_t,1-\varepsilon,1+\varepsilon)A_t\right)\right] "
            r"+ \tfrac{c_v}2\mathbb{E}_t\!\left[(V_t-R_t)^2\right],\quad "
            r"A_t=\sum_{l\ge0}(\gamma\lambda)^l\delta_{t+l},\;\delta_t=r_t+\gamma V_{t+1}-V_t",
    confidence="code", left_out="Entropy bonus; a critic that shares the policy's trunk; adaptive β.",
    data=DATA,
    models=[POLICY, ModelNeed(
        role="critic", kinds=[ModelKind.CAUSAL, ModelKind.REWARD], required=False,
        help="Where the critic starts: best the reward model, or a model with the policy's tokenizer. Empty: the policy.")],
    needs_reward=True, metrics=[info for info in METRICS if info.name not in NOT_TOLD] + OWN_METRICS,
    presets=[
        Preset(name="default", title="Default", description="Four passes over each set of answers, KL in the reward.", config={}),
        Preset(name="lora", title="LoRA", description="Policy and critic train adapters; the reference is the policy without it.",
               config={"use_peft": True, "lora_r": 16, "lora_alpha": 32}),
        Preset(name="demo", title="Demo", description="Two-digit sums with the tiny model, a few minutes on two cores.",
               config={"learning_rate": 5e-5, "critic_learning_rate": 5e-4, "prompts_per_step": 128, "num_generations": 4,
                       "max_completion_length": 8, "per_device_train_batch_size": 512, "max_steps": 50, "num_iterations": 2,
                       "updates_per_rollout": 2, "lr_scheduler_type": "constant", "warmup_ratio": 0.0,
                       "eval_steps": 10, "eval_limit": 256, "eval_max_new_tokens": 8, "beta": 0.01}),
    ],
)


def compose(config: Config, setting: Setting) -> Composition:
    """Raises ConfigFault when there is no reward, a term misses its column, or the settings contradict each other."""
    adapted = config.use_peft and config.critic_use_peft
    rate = config.critic_learning_rate or scaled_learning_rate(
        setting.parameters, at_7b=1e-5, highest=5e-3 if adapted else 5e-4, adapted=adapted)
    critic = Role("critic", trained=True, head="scalar", weights="critic" if "critic" in setting.spec.models else "policy",
                  learning_rate="critic_learning_rate", adapter=config.critic_use_peft)
    return online.composition(config, setting, compare=partial(compare, config), loss=partial(loss, config), more=(critic,),
                              live={"critic_learning_rate": rate})


def compare(config: Config, turn: Turn, samples: list[Sample]) -> None:
    """Gives every sample its values, token rewards, advantages and returns; one without a reward is masked out."""
    for sample in samples:
        sample.mask &= sample.reward is not None
    for sample, found in zip(samples, all_state_values(turn.models["critic"], samples), strict=True):
        sample.channels["values"] = found
    batch = batch_of(samples)
    scores = batch.rewards - config.missing_eos_penalty * batch.rewards.new_tensor([sample.truncated for sample in samples])
    token_rewards = comparison.penalised(config, turn, replace(batch, rewards=scores))
    tell_objective(turn.tally, batch, scores, token_rewards)
    if config.whiten_rewards:
        token_rewards = whiten(token_rewards, batch.mask, centre=False)
    values = batch.channel("values")
    estimate = gae.estimate(token_rewards, values, batch.mask, gamma=config.gamma, lam=config.lam)
    tell_values(turn.tally, values, estimate.returns, batch.mask)
    advantages = whiten(estimate.advantages, batch.mask) if config.whiten_advantages else estimate.advantages
    comparison.hand_out(samples, token_rewards, advantages)
    for index, sample in enumerate(samples):
        sample.channels["returns"] = estimate.returns[index, : len(sample)]


def loss(config: Config, turn: Turn, batch: Batch, counts: Counts) -> Tensor:
    """One micro-batch's clipped surrogate and c_v times its clipped value loss, both averaged over the update's tokens."""
    policy = surrogate.surrogate(config, turn, batch, counts, told="loss/policy_avg")
    turn.tally.mean("policy/approxkl_avg", policy.ratio.log().square() / 2, batch.mask)
    turn.tally.mean("val/ratio", policy.ratio, batch.mask)
    found = clipped_value.terms(state_values(turn.models["critic"], batch), batch.channel("values"), batch.channel("returns"),
                                cliprange=config.cliprange_value)
    value = reduce(found.terms, batch.mask, counts, Reduction.TOKEN_MEAN)
    surrogate.tell_loss(turn.tally, "loss/value_avg", value, counts)
    turn.tally.mean("val/clipfrac_avg", found.clipped.float(), batch.mask)
    return policy.loss + config.vf_coef * value


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

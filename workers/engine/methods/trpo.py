"""TRPO: trust region policy optimisation (arXiv 1502.05477), on the answers of a language model.

Each step answers are drawn, scored and judged by the critic as in PPO. Then, instead of optimizer steps on a clipped loss, one
natural step is taken: the gradient g of the surrogate mean_t ρ_t·A_t, the direction s = F⁻¹g by conjugate gradient with products
F·v from differentiating the KL to the old policy twice, the length that a quadratic model of that KL allows, and a search back
along it until the measured KL keeps within δ and the surrogate has risen; else nothing moves. The critic is fitted by
regression afterwards. The learning rate is not a setting: δ is.

The KL is over the whole vocabulary, on the first `fisher_tokens` tokens of answers spread over the step; g and the surrogate
see all of them. Under LoRA only the adapter has to be inverted for, which is what makes this practical for a large model.
Processes share this work and add up g, F·v, the KL and the surrogate, so that each takes the same step.

At the edge: an answer without a reward is not trained on, by neither; where nothing is trained, or g is 0, no step is taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, Literal

import torch
from torch import Tensor

from workers.contract.catalogue import MetricInfo, Paper, Preset
from workers.engine.card import card
from workers.engine.composition import Apply, Composition, Fit, Setting, Turn
from workers.engine.critic import gae
from workers.engine.families import actor_critic
from workers.engine.families.actor_critic import ACTOR_CRITIC_METRICS, CRITIC, ActorCriticConfig
from workers.engine.families.online_config import DATA, POLICY, ReductionName
from workers.engine.families.policy_gradient import PolicyGradientConfig
from workers.engine.faults import ConfigFault, NotFiniteFault
from workers.engine.modeling.models import pieces_of
from workers.engine.regularisers import k3
from workers.engine.sample import Batch, Counts, Sample, Scores, batch_of
from workers.engine.step_rules import conjugate_gradient, fisher
from workers.engine.step_rules.trust_region import Tried, full_step, search
from workers.engine.training import distributed
from workers.engine.training.training_config import again, setting


class Config(ActorCriticConfig, PolicyGradientConfig):
    # The step's length comes from δ.
    learning_rate: ClassVar[float] = 0.0  # type: ignore[misc]
    # One surrogate, averaged over all tokens.
    reduction: ClassVar[ReductionName] = "token_mean"  # type: ignore[misc]
    entropy_coef: ClassVar[float] = 0.0  # type: ignore[misc]
    use_adaptive_entropy: ClassVar[bool] = False  # type: ignore[misc]
    top_entropy_quantile: ClassVar[float] = 1.0  # type: ignore[misc]
    kl_in: ClassVar[Literal["reward"]] = "reward"  # type: ignore[misc]
    kl_estimator: ClassVar[Literal["k1"]] = "k1"  # type: ignore[misc]
    # The search compares the policy with itself as it was when the step began.
    rollouts_behind: ClassVar[Literal[0]] = 0  # type: ignore[misc]
    importance_correction: ClassVar[Literal["none"]] = "none"  # type: ignore[misc]
    importance_cap: ClassVar[float] = 3.0  # type: ignore[misc]
    vf_coef: ClassVar[float] = 1.0  # type: ignore[misc]

    lam: float = again(ActorCriticConfig, "lam", 0.97)
    max_kl: float = setting(
        0.01, "Trust region δ", "Largest mean KL between the policy before and after a step.", group="basic", order=10,
        unit="nats/token", live=True, gt=0, le=10)
    damping: float = setting(
        0.1, "Damping", "Added to the Fisher matrix's diagonal: steadies directions along which the policy hardly changes.",
        order=113, ge=0, le=100)
    cg_iterations: int = setting(
        10, "Conjugate gradient iterations", "Products with the Fisher matrix spent on the direction.", order=114, ge=1, le=1000)
    cg_tolerance: float = setting(
        1e-10, "Conjugate gradient tolerance", "Squared residual at which the direction is good enough.", order=115, ge=0, le=1)
    backtracks: int = setting(
        10, "Backtracking tries", "Lengths tried before the step is given up.", order=116, ge=1, le=100)
    backtrack_ratio: float = setting(
        0.8, "Backtracking ratio", "What each try keeps of the last one's length.", order=117, gt=0, lt=1)
    fisher_tokens: int = setting(
        2048, "Tokens of the KL", "Tokens over which the KL and its curvature are taken; their distributions are held whole.",
        order=118, unit="tokens", ge=1, le=1_000_000)
    value_iterations: int = setting(
        10, "Passes of the critic", "Passes over each set of answers; the original takes 80 with a small network.", order=119,
        ge=1, le=1000)


NOT_TOLD = ("loss/policy_avg", "learning_rate", "grad_norm", "clip_ratio/", "sampling/", "entropy_coef")
CARD = card(
    "trpo", Config, title="Trust region policy optimisation", family="Policy optimisation",
    papers=[Paper(title="Trust Region Policy Optimization", authors="Schulman et al.", year=2015,
                  link="https://arxiv.org/abs/1502.05477")],
    summary="Takes the step that raises the reward most within a fixed KL of the present policy: the natural gradient by "
            "conjugate gradient, checked by a line search. What PPO's clip stands in for; best with LoRA.",
    formula=r"\max_\theta\ \mathbb{E}_t\!\left[\rho_tA_t\right]\ \text{s.t.}\ \mathbb{E}_t\!\left[\mathrm{KL}(\pi_{old}\|"
            r"\pi_\theta)\right]\le\delta,\quad \Delta\theta = \sqrt{\frac{2\delta}{s^\top Fs}}\,s,\; s = F^{-1}g",
    confidence="paper", left_out="Sharded weights: each process holds all of the policy.", data=DATA, models=[POLICY, CRITIC],
    needs_reward=True,
    metrics=[info for info in ACTOR_CRITIC_METRICS if not info.name.startswith(NOT_TOLD)] + [
        MetricInfo(name="trpo/kl", title="KL of the step", panel="Trust region", unit="nats/token"),
        MetricInfo(name="trpo/surrogate_gain", title="Gain of the surrogate", panel="Trust region", better="up"),
        MetricInfo(name="trpo/backtracks", title="Times the step was shortened", panel="Trust region", better="down"),
        MetricInfo(name="trpo/step_norm", title="Length of the step", panel="Trust region"),
        MetricInfo(name="trpo/cg_residual", title="Residual of the direction", panel="Trust region", better="down"),
        MetricInfo(name="trpo/grad_norm", title="Gradient norm", panel="Trust region"),
    ],
    presets=[
        Preset(name="default", title="Default", description="The paper's trust region; KL in the reward.", config={}),
        Preset(name="lora", title="LoRA", description="The step is taken in the adapter's parameters alone.",
               config={"use_peft": True, "lora_r": 8, "lora_alpha": 16}),
        Preset(name="demo", title="Demo", description="Two-digit sums with the tiny model, about three minutes on two cores.",
               config={"critic_learning_rate": 5e-4, "prompts_per_step": 32, "num_generations": 8, "max_completion_length": 8,
                       "per_device_train_batch_size": 512, "max_steps": 40, "beta": 0.0, "max_kl": 0.02, "fisher_tokens": 128,
                       "cg_iterations": 5, "value_iterations": 4, "lr_scheduler_type": "constant", "warmup_ratio": 0.0,
                       "eval_steps": 10, "eval_limit": 256, "eval_max_new_tokens": 8}),
    ],
)


def compose(config: Config, setting: Setting) -> Composition:
    """Raises ConfigFault when there is no reward, a term misses its column, or the settings contradict each other."""
    if setting.spec.resources.shard:
        raise ConfigFault("TRPO differentiates the policy twice, which weights cut over processes do not allow.",
                          "Turn sharding off; LoRA keeps what each process holds small.")
    estimate = partial(gae.estimate, gamma=config.gamma, lam=config.lam)
    whole = actor_critic.composition(config, setting, estimate=estimate, loss=partial(fit_critic, config))
    critic = Fit("critic", ("critic",), partial(fit_critic, config), epochs=config.value_iterations,
                 micro_samples=config.per_device_train_batch_size, keep_groups=True)
    live = {name: value for name, value in whole.live.items() if name != "learning_rate"} | {"max_kl": config.max_kl}
    steps = (Apply("trust_region", partial(improve, config)), critic)
    cycle = tuple(step for phase in whole.cycle for step in (steps if isinstance(phase, Fit) else (phase,)))
    return replace(whole, cycle=cycle, live=live,
                   roles=tuple(replace(role, learning_rate="critic_learning_rate") for role in whole.roles))


def fit_critic(config: Config, turn: Turn, batch: Batch, counts: Counts) -> Tensor:
    """The critic's square loss of one micro-batch."""
    return actor_critic.value_loss(config, turn, batch, counts)


def improve(config: Config, turn: Turn) -> None:
    """Moves the policy by one trust region step, or not at all. Raises NotFiniteFault."""
    samples = [sample for sample in turn.stores["batch"] if bool(sample.mask.any())]
    if not samples:
        return
    region = Region(config, turn, samples)
    if turn.wants_rollouts:
        rows = region.policy.score_all(turn.stores["batch"], temperature=region.temperature)
        for sample, row in zip(turn.stores["batch"], rows, strict=True):
            sample.channels["policy_logprobs"] = row
    gradient = region.gradient()
    if not bool(gradient.isfinite().all()):
        raise NotFiniteFault(f"The surrogate's gradient is not finite at step {turn.step}.", "Look at the step's rewards.")
    found = conjugate_gradient.solve(region.curved, gradient, iterations=config.cg_iterations, tolerance=config.cg_tolerance)
    step = full_step(found.solution, region.curved(found.solution), delta=turn.live["max_kl"])
    start = fisher.flat(region.parameters, region.parameters).detach().clone()
    before = region.surrogate()

    def attempt(fraction: float) -> Tried:
        fisher.place(start + fraction * step, region.parameters)
        return Tried(gain=region.surrogate() - before, kl=region.kl()) if fraction else Tried(0.0, 0.0)

    taken = search(attempt, delta=turn.live["max_kl"], shrink=config.backtrack_ratio, tries=config.backtracks)
    told = {"kl": taken.tried.kl, "surrogate_gain": taken.tried.gain, "backtracks": taken.backtracks,
            "cg_residual": found.residual, "step_norm": taken.fraction * float(step.norm()), "grad_norm": float(gradient.norm())}
    for name, value in told.items():
        turn.tally.put(f"trpo/{name}", value)


@dataclass
class Region:
    """A step's answers as the trust region sees them; all of `samples` have trained tokens.

    Every process holds all of them and computes its share of the pieces. Parameters are those that train, in the module's
    order; vectors [n] are all of them one after another.
    """

    config: Config
    turn: Turn
    samples: Sequence[Sample]

    def __post_init__(self) -> None:
        self.policy = self.turn.models["policy"]
        self.temperature = self.turn.live["temperature"]
        self.parameters = [parameter for parameter in self.policy.module.parameters() if parameter.requires_grad]
        self.few = spread(self.samples, self.config.fisher_tokens)
        self.tokens, self.few_tokens = trained(self.samples), trained(self.few)
        self.start: list[Tensor] = []
        with torch.no_grad():
            self.old = [self.distributions(piece) for piece in self.pieces(self.few)]

    def pieces(self, samples: Sequence[Sample]) -> list[Batch]:
        """This process's share of the samples, in micro-batches."""
        size = self.config.per_device_train_batch_size
        whole = pieces_of(samples, micro_samples=size, keep_groups=True)
        return [batch_of(piece, self.policy.device) for piece in whole[distributed.share(len(whole))]]

    def distributions(self, batch: Batch) -> Tensor:
        return self.policy.distributions(batch, temperature=self.temperature)

    def gradient(self) -> Tensor:
        """g [n] of mean_t ρ_t·A_t, which at ρ = 1 is that of mean_t A_t·log π_t. Tells `entropy`, and `kl` to the reference."""
        found = torch.zeros(sum(parameter.numel() for parameter in self.parameters), device=self.policy.device)
        seen = torch.zeros(2, dtype=torch.float64)
        for batch in self.pieces(self.samples):
            scores = self.policy.score(batch, temperature=self.temperature, entropy=True)
            self.start.append(scores.logprobs.detach())
            seen += summed(batch, scores)
            part = torch.where(batch.mask, batch.channel("advantages") * scores.logprobs, 0.0).sum() / self.tokens
            found += fisher.flat(torch.autograd.grad(part, self.parameters, allow_unused=True), self.parameters)
        told = distributed.add_up(seen) / self.tokens
        self.turn.tally.put("entropy", told[0])
        if "ref_logprobs" in self.samples[0].channels:
            self.turn.tally.put("kl", told[1])
        return distributed.add_up(found)

    def curved(self, vector: Tensor) -> Tensor:
        """(F + damping)·v [n]."""
        found = torch.zeros_like(vector)
        for batch in self.pieces(self.few):
            found += fisher.product(self.distributions(batch), self.parameters, vector)
        return distributed.add_up(found) / self.few_tokens + self.config.damping * vector

    @torch.no_grad()
    def kl(self) -> float:
        """Mean KL(π_old‖π_θ) per token of the present parameters."""
        found = torch.zeros((), device=self.policy.device)
        for old, batch in zip(self.old, self.pieces(self.few), strict=True):
            found += fisher.mean_kl(old, self.distributions(batch))
        return float(distributed.add_up(found)) / self.few_tokens

    @torch.no_grad()
    def surrogate(self) -> float:
        """mean_t ρ_t·A_t of the present parameters, with the policy that `gradient` saw as the old one."""
        found = torch.zeros((), dtype=torch.float64)
        for start, batch in zip(self.start, self.pieces(self.samples), strict=True):
            logs = self.policy.score(batch, temperature=self.temperature).logprobs
            ratio = torch.where(batch.mask, logs - start, 0.0).exp()
            found += torch.where(batch.mask, ratio * batch.channel("advantages"), 0.0).sum().double().cpu()
        return float(distributed.add_up(found)) / self.tokens


def summed(batch: Batch, scores: Scores) -> Tensor:
    """Entropy and k3 to the reference [2], summed over the trained tokens; 0 for one that there is none of."""
    reference = batch.channels.get("ref_logprobs")
    nothing = torch.zeros_like(scores.logprobs)
    kl = nothing if reference is None else k3.divergence(scores.logprobs.detach(), reference)
    entropy = nothing if scores.entropy is None else scores.entropy.detach()
    return torch.stack([torch.where(batch.mask, each, 0.0).sum().double().cpu() for each in (entropy, kl)])


def trained(samples: Sequence[Sample]) -> int:
    """Trained tokens of the samples."""
    return sum(int(sample.mask.sum()) for sample in samples)


def spread(samples: Sequence[Sample], tokens: int) -> list[Sample]:
    """Samples spread evenly over all of them that have about so many trained tokens together, at least one."""
    stride = max(1, -(-trained(samples) // tokens))
    return list(samples[::stride])

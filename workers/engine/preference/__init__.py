"""Preference losses: scores of answers → a contrast between them → a link, one loss a pair (or an answer).

Every member has

    contrast(answers: Answers, options: Options) -> Tensor     what is compared: [P] for pairs, [P,2] where both sides are
                                                               judged each by itself, [N] where each answer stands alone
    link(contrast: Tensor, options: Options) -> Tensor         how a contrast becomes a loss, one a pair or an answer

and the skeleton multiplies the link by the pairs' (or answers') weights; whoever calls divides by their number. With
h(y) = log π(y|x) − log π_ref(y|x), weighted sums over the answer's tokens (see `token_weights`), c = βh_w, r = βh_l:

| member | contrast | link |
|---|---|---|
| sigmoid (DPO, cDPO, CPO, SimPO) | h_w − h_l | −(1−ε)·log σ(βΔ−γ) − ε·log σ(γ−βΔ) |
| sigmoid_norm | h_w/T_w − h_l/T_l | as sigmoid |
| robust | h_w − h_l | [−(1−ε)·log σ(βΔ) + ε·log σ(−βΔ)] / (1−2ε) |
| hinge (SLiC) | h_w − h_l | max(0, 1 − βΔ) |
| ipo | h_w/T_w − h_l/T_l | (Δ − 1/(2β))² |
| exo_pair | h_w − h_l | KL(σ(βΔ) ‖ 1−ε) |
| discopop | h_w − h_l | −(1−m)·log σ(βΔ) + m·e^{−βΔ}, m = σ(βΔ/τ) |
| rpo | h_w − h_l | KL(σ(η·gap) ‖ σ(βΔ)) |
| bfpo | h_w − h_l | (Δ − target/β)², the target from safety labels |
| aot, aot_unpaired | differences of sorted values | as sigmoid |
| nca_pair | h_w, h_l | −log σ(c) − ½log σ(−c) − ½log σ(−r) |
| bco_pair | h_w − δ, h_l − δ | −log σ(c) − log σ(−r) |
| sppo_hard | h_w, h_l | (h_w − 1/(2β))² + (h_l + 1/(2β))² |
| apo_zero, apo_down | h_w, h_l | 1 − σ(c) + σ(r); σ(c) + 1 − σ(c−r) |
| odds_ratio (ORPO) | difference of log-odds | −β·log σ(Δ) |
| kto | ±(h − z) | 1 − σ(βΔ) |

The losses of a difference may take another divergence than the reverse KL (see `_scores`); those that judge an answer by
itself may not, because a divergence fixes rewards only up to a constant for each prompt.

Legend: N answers, P pairs, T tokens of an answer. To add one, add a file.
"""

from dataclasses import dataclass
from typing import Protocol, cast

import torch
from torch import Tensor

from workers.engine import members
from workers.engine.data.pairs import sides
from workers.engine.preference._scores import Divergence, score
from workers.engine.sample import Batch
from workers.engine.token_weights import Weighting


@dataclass(frozen=True)
class Answers:
    """Scores of N answers, float32 [N]; of pairs the chosen side comes first (see `pairs.sides`).

    policy, reference: weighted sums of log-probs over an answer's tokens, gradients in `policy` alone; lengths: what divides
    such a sum into a mean (its tokens; 1 where the weights make a mean already); desirable: 1 for an answer to be learned, 0
    for one to be unlearned; baseline: what every answer is compared with; weights: of the losses, one a pair or an answer, or
    one for all. gap: how much better the chosen side is by an outside reward, [P]; safe: 1 for a safe answer, [N].
    """

    policy: Tensor
    reference: Tensor
    lengths: Tensor
    desirable: Tensor
    baseline: Tensor | float = 0.0
    weights: Tensor | float = 1.0
    gap: Tensor | float = 0.0
    safe: Tensor | None = None

    @property
    def log_ratio(self) -> Tensor:
        """h [N]: how much likelier the policy makes each answer than the reference does, in nats."""
        return self.policy - self.reference


@dataclass(frozen=True)
class Options:
    """What a method sets. A member reads what it needs.

    `beta` is the strength of the tie to the reference (a number, or one a pair); `label_smoothing` (ε) the share of labels
    taken to be flipped (of sigmoid and sigmoid_norm also one a pair: 1 less its soft label);
    `gamma` the margin that a pair must be clear by; `tau` DiscoPOP's temperature; `eta` the scale of
    outside rewards (`rpo`); `safety_shift` BFPO's α; `divergence` and `alpha` what h is replaced by (see `_scores`).
    """

    beta: Tensor | float
    label_smoothing: Tensor | float = 0.0
    gamma: float = 0.0
    tau: float = 0.05
    eta: float = 1.0
    safety_shift: float = 0.5
    divergence: Divergence = "reverse_kl"
    alpha: float = 0.5


class Member(Protocol):
    def contrast(self, answers: Answers, options: Options) -> Tensor: ...

    def link(self, contrast: Tensor, options: Options) -> Tensor: ...


def terms(name: str, answers: Answers, options: Options) -> Tensor:
    """The losses of the member `name`, one a pair or an answer. Raises LookupError."""
    member = cast(Member, members.load(__name__, name))
    return answers.weights * member.link(member.contrast(answers, options), options)


def pair_difference(answers: Answers, options: Options) -> Tensor:
    """Δ = h_w − h_l of every pair [P], h replaced by the divergence's score."""
    chosen, rejected = sides(score(options.divergence, answers.log_ratio, options.alpha))
    return chosen - rejected


def mean_difference(answers: Answers, options: Options) -> Tensor:
    """h_w/T_w − h_l/T_l of every pair [P], h replaced by the divergence's score."""
    whole = score(options.divergence, answers.log_ratio, options.alpha)
    chosen, rejected = sides(whole / answers.lengths.clamp(min=1))
    return chosen - rejected


def both_sides(answers: Answers, options: Options) -> Tensor:
    """(h_w, h_l) of every pair [P,2]."""
    return torch.stack(sides(answers.log_ratio), dim=-1)


def answers_of(logprobs: Tensor, batch: Batch, weighting: Weighting | None = None, *, baseline: Tensor | float = 0.0,
               weights: Tensor | float = 1.0) -> Answers:
    """The scores of a batch from the policy's `logprobs` [N,T] and its channel `ref_logprobs` (0 where it has none).

    Sums over the trained tokens, or the weighted ones of `weighting`.
    """
    reference = batch.channels.get("ref_logprobs", torch.zeros_like(logprobs))
    held = Weighting(batch.mask.to(logprobs.dtype), batch.mask.sum(-1)) if weighting is None else weighting
    policy, reference = (torch.where(batch.mask, each * held.tokens, 0.0).sum(-1) for each in (logprobs, reference))
    desirable = batch.scalars["label"] if "label" in batch.scalars else torch.ones_like(policy)
    gap = sides(batch.scalars["margin"])[0] if "margin" in batch.scalars else 0.0
    return Answers(policy, reference, held.lengths, desirable, baseline, weights, gap, batch.scalars.get("safe"))

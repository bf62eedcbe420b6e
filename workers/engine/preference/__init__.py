"""Preference losses: scores of answers → a contrast between them → a link, one loss a pair (or an answer).

Every member has

    contrast(answers: Answers, options: Options) -> Tensor     what is compared: [P] for pairs, [N] where each stands alone
    link(contrast: Tensor, options: Options) -> Tensor         how a contrast becomes a loss, elementwise

and the skeleton multiplies the link by the pairs' (or answers') weights; whoever calls divides by their number. With
h(y) = log π(y|x) − log π_ref(y|x), sums over the answer's tokens:

| member | contrast | link |
|---|---|---|
| sigmoid (DPO, cDPO) | h_w − h_l | −(1−ε)·log σ(βΔ) − ε·log σ(−βΔ) |
| hinge (SLiC) | h_w − h_l | max(0, 1 − βΔ) |
| ipo | h_w/T_w − h_l/T_l | (Δ − 1/(2β))² |
| kto | ±(h − z) | 1 − σ(βΔ) |

Legend: N answers, P pairs, T tokens of an answer. To add one, add a file.
"""

from dataclasses import dataclass
from typing import Protocol, cast

import torch
from torch import Tensor

from workers.engine import members
from workers.engine.pairs import sides
from workers.engine.sample import Batch


@dataclass(frozen=True)
class Answers:
    """Scores of N answers, float32 [N]; of pairs the chosen side comes first (see `pairs.sides`).

    policy, reference: sums of log-probs over an answer's tokens, gradients in `policy` alone; lengths: those tokens;
    desirable: 1 for an answer to be learned, 0 for one to be unlearned; baseline: what every answer is compared with;
    weights: of the losses, one a pair or an answer, or one for all.
    """

    policy: Tensor
    reference: Tensor
    lengths: Tensor
    desirable: Tensor
    baseline: Tensor | float = 0.0
    weights: Tensor | float = 1.0

    @property
    def log_ratio(self) -> Tensor:
        """h [N]: how much likelier the policy makes each answer than the reference does, in nats."""
        return self.policy - self.reference


@dataclass(frozen=True)
class Options:
    """`beta` is the strength of the tie to the reference (a number, or one a pair), `label_smoothing` the share of labels
    taken to be flipped."""

    beta: Tensor | float
    label_smoothing: float = 0.0


class Member(Protocol):
    def contrast(self, answers: Answers, options: Options) -> Tensor: ...

    def link(self, contrast: Tensor, options: Options) -> Tensor: ...


def terms(name: str, answers: Answers, options: Options) -> Tensor:
    """The losses of the member `name`, one a pair or an answer. Raises LookupError."""
    member = cast(Member, members.load(__name__, name))
    return answers.weights * member.link(member.contrast(answers, options), options)


def pair_difference(answers: Answers, options: Options) -> Tensor:
    """h_w − h_l of every pair [P]."""
    chosen, rejected = sides(answers.log_ratio)
    return chosen - rejected


def answers_of(logprobs: Tensor, batch: Batch, **more: Tensor | float) -> Answers:
    """The scores of a batch from the policy's `logprobs` [B,T] and its channel `ref_logprobs`, summed where it is trained."""
    policy, reference = (torch.where(batch.mask, each, 0.0).sum(-1) for each in (logprobs, batch.channel("ref_logprobs")))
    desirable = batch.scalars["label"] if "label" in batch.scalars else torch.ones_like(policy)
    return Answers(policy, reference, batch.mask.sum(-1), desirable, **more)

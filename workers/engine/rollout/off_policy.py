"""What an answer counts that another policy wrote than the one that is trained: truncated importance weights.

Two gaps lie between the policy that wrote and the one that learns: the sampler's arithmetic is not the trainer's, and the
policy has moved since, when answers are a step behind. Both are in w = π_then/π_sampler, with π_then the policy as the step
begins; the policy loss takes its own ratio π/π_then from there (decoupled PPO, arXiv 2110.00641). Names and the default cap
are TRL's. Where sampler and trainer agree and nothing is behind w is 1, up to rounding.

Legend: B answers, T tokens.
"""

from typing import Literal

import torch
from torch import Tensor

from workers.engine.families.online_config import OnlineConfig
from workers.engine.policy_losses import PolicyTerms
from workers.engine.sample import Batch
from workers.engine.training.tally import Tally

Correction = Literal["none", "token_truncate", "token_mask", "sequence_truncate", "sequence_mask"]


def correction_of(config: OnlineConfig) -> Correction:
    """The config's, with `auto` resolved: each token's truncated weight where answers are a step behind."""
    if config.importance_correction == "auto":
        return "token_truncate" if config.rollouts_behind else "none"
    return config.importance_correction


def once(config: OnlineConfig) -> bool:
    """Whether a set of answers is trained on in a single update, at whose time π is π_then."""
    return config.num_iterations * config.updates_per_rollout == 1


def proximal_needed(config: OnlineConfig) -> bool:
    """Whether π_then has to be known beside the sampler's log-probs."""
    return correction_of(config) != "none" and not once(config)


def old_logprobs(config: OnlineConfig, batch: Batch, policy_logprobs: Tensor) -> Tensor:
    """What the policy loss takes its ratio to [B,T].

    With one update on the answers of the policy that wrote them the ratio is 1 by construction: these are the present
    log-probs without gradient. Otherwise the sampler's, or with a correction those of π_then.
    """
    corrected = correction_of(config) != "none"
    if once(config) and (corrected or not config.rollouts_behind):
        return policy_logprobs.detach()
    return batch.channel("proximal_logprobs" if corrected else "old_logprobs")


def weights(then: Tensor, sampler: Tensor, mask: Tensor, *, how: Correction, cap: float) -> Tensor:
    """w [B,T] without gradient, of log-probs [B,T]: per token, or per answer by the sum of its logarithms.

    `…_truncate` bounds w by `cap`; `…_mask` makes it 0 above. 1 for `none`, and off the mask.
    """
    gap = torch.where(mask.bool(), then.detach() - sampler, 0.0)
    if how == "none":
        return torch.ones_like(gap)
    if how.startswith("sequence"):
        gap = gap.sum(-1, keepdim=True).expand_as(gap)
    ratio = gap.exp()
    found = ratio.clamp(max=cap) if how.endswith("truncate") else torch.where(ratio > cap, 0.0, ratio)
    return torch.where(mask.bool(), found, 1.0)


def corrected(config: OnlineConfig, tally: Tally, batch: Batch, old: Tensor, found: PolicyTerms) -> Tensor:
    """The loss's terms times w. Tells `sampling/…` where there is a correction."""
    how = correction_of(config)
    if how == "none":
        return found.terms
    weight = weights(old, batch.channel("old_logprobs"), batch.mask, how=how, cap=config.importance_cap)
    tally.mean("sampling/importance_sampling_ratio/mean", weight, batch.mask)
    tally.highest("sampling/importance_sampling_ratio/max", torch.where(batch.mask, weight, 0.0))
    tally.mean("sampling/sampling_logp_difference/mean", (old - batch.channel("old_logprobs")).abs(), batch.mask)
    return found.terms * weight

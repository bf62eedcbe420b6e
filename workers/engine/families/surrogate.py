"""The loss of methods that learn from their own answers: policy loss, reduction and KL term by the config's names.

Legend: B answers of a micro-batch, T tokens of the longest.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from workers.engine import divergences
from workers.engine.composition import Turn
from workers.engine.families.entropy_control import bonus, high_entropy
from workers.engine.families.online_config import FULL, OnlineConfig
from workers.engine.faults import ConfigFault
from workers.engine.policy_losses import PolicyOptions, PolicyTerms, levels, policy_loss
from workers.engine.regularisers import divergence
from workers.engine.rollout import off_policy
from workers.engine.sample import Batch, Counts
from workers.engine.training.reducers import Reduction, reduce
from workers.engine.training.tally import Tally


def check_loss(config: OnlineConfig) -> None:
    """Raises ConfigFault where the config's policy loss cannot take its ratio at the level chosen."""
    known = levels(config.policy_loss)
    if config.importance_sampling_level not in known:
        fault = ConfigFault(f"policy_loss {config.policy_loss} takes its ratio per {' or '.join(known)}, not per "
                            f"{config.importance_sampling_level}.",
                            f"Set importance_sampling_level to {known[0]}, or choose another policy_loss.")
        fault.field = "importance_sampling_level"
        raise fault


@dataclass(frozen=True)
class Surrogate:
    """`loss` is a scalar with gradient, KL term and entropy bonus in it where they belong.

    `ratio` and the policy's `logprobs` [B,T] are without gradient.
    """

    loss: Tensor
    ratio: Tensor
    logprobs: Tensor


def surrogate_loss(config: OnlineConfig, turn: Turn, batch: Batch, counts: Counts) -> Tensor:
    """The loss of methods that train a policy alone."""
    return surrogate(config, turn, batch, counts).loss


def options_of(config: OnlineConfig) -> PolicyOptions:
    """What the config tells its policy loss."""
    return PolicyOptions(epsilon=config.epsilon, epsilon_high=config.epsilon_high, delta=config.delta,
                         level=config.importance_sampling_level, weight_cap=config.weight_cap)


def surrogate(config: OnlineConfig, turn: Turn, batch: Batch, counts: Counts, *, told: str = "policy_loss") -> Surrogate:
    """The reduced policy loss of one micro-batch, with β·KL added where it is placed in the loss, less the entropy bonus.

    The policy loss weighs off what another policy wrote (`off_policy`) and keeps to the tokens chosen by their entropy; the
    KL holds on all. The bonus is the mean over tokens whatever the reduction. Tells the surrogate alone as `told`, and `kl`,
    `entropy` and `clip_ratio/…`.
    """
    temperature, reference = turn.live["temperature"], "ref_logprobs" in batch.channels
    against = (divergences.against(turn.models["reference"], batch, name="reverse_kl", temperature=temperature)
               if reference and config.kl_estimator == FULL else None)
    scores = turn.models["policy"].score(batch, temperature=temperature, entropy=True, against=against)
    assert scores.entropy is not None
    old = off_policy.old_logprobs(config, batch, scores.logprobs)
    found = policy_loss(config.policy_loss)(scores.logprobs, old, batch.channel("advantages"), batch.mask, options_of(config))
    trained = high_entropy(scores.entropy, batch.mask, config.top_entropy_quantile)
    terms = torch.where(trained, off_policy.corrected(config, turn.tally, batch, old, found), 0.0)
    counts, reduction = replace(counts, length=config.max_completion_length), Reduction(config.reduction)
    loss = reduce(terms, batch.mask, counts, reduction)
    tell_loss(turn.tally, told, loss, counts)
    kept = {"policy_logprobs": scores.logprobs, "ratio": found.ratio, "entropy": scores.entropy}
    if reference:
        kl = (divergence(config.kl_estimator)(scores.logprobs, batch.channel("ref_logprobs")) if scores.compared is None
              else scores.compared.divergence)
        turn.tally.mean("kl", kl, batch.mask)
        kept["kl"] = kl
        if config.kl_in == "loss":
            loss = loss + turn.live.get("beta", 0.0) * reduce(kl, batch.mask, counts, reduction)
    if (weight := turn.live.get("entropy_coef", config.entropy_coef)) > 0:
        loss = loss - weight * bonus(scores.entropy, trained, counts.tokens)
    turn.tally.mean("entropy", scores.entropy, trained)
    tell_clipping(turn.tally, found, batch.mask)
    if turn.wants_rollouts:
        keep(batch, kept)
    return Surrogate(loss, found.ratio, scores.logprobs.detach())


def keep(batch: Batch, found: dict[str, Tensor]) -> None:
    """Leaves the per-token numbers of the last pass on its samples (all of them: a batch wants equal channels)."""
    for name, values in found.items():
        rows = values.detach().cpu()
        for index, sample in enumerate(batch.samples):
            sample.channels[name] = rows[index, : len(sample)]


def tell_loss(tally: Tally, name: str, part: Tensor, counts: Counts) -> None:
    """Adds a micro-batch's `part` of an update's loss to the mean over updates, however many pieces each of them has."""
    tally.mean(name, counts.pieces * part, 1 / counts.pieces)


def tell_clipping(tally: Tally, found: PolicyTerms, mask: Tensor) -> None:
    """`clip_ratio/…`: shares of the tokens whose gradient the clip cut; extremes are over micro-batches."""
    low, high = found.low_clipped.float(), found.high_clipped.float()
    tally.mean("clip_ratio/low_mean", low, mask)
    tally.mean("clip_ratio/high_mean", high, mask)
    tally.mean("clip_ratio/region_mean", low + high, mask)
    tokens = mask.sum().clamp(min=1)
    tally.lowest("clip_ratio/low_min", low.sum() / tokens)
    tally.highest("clip_ratio/high_max", high.sum() / tokens)

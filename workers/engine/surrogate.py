"""The loss of methods that learn from their own answers: policy loss, reduction and KL term by the config's names.

Legend: B answers of a micro-batch, T tokens of the longest.
"""

from dataclasses import dataclass, replace

from torch import Tensor

from workers.engine.composition import Turn
from workers.engine.faults import ConfigFault
from workers.engine.online_config import OnlineConfig
from workers.engine.policy_losses import PolicyOptions, PolicyTerms, levels, policy_loss
from workers.engine.reducers import Reduction, reduce
from workers.engine.regularisers import divergence
from workers.engine.sample import Batch, Counts
from workers.engine.tally import Tally


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
    """`loss` is a scalar with gradient, KL term and entropy bonus in it where they belong; `ratio` [B,T] is without."""

    loss: Tensor
    ratio: Tensor


def surrogate_loss(config: OnlineConfig, turn: Turn, batch: Batch, counts: Counts) -> Tensor:
    """The loss of methods that train a policy alone."""
    return surrogate(config, turn, batch, counts).loss


def options_of(config: OnlineConfig) -> PolicyOptions:
    """What the config tells its policy loss."""
    return PolicyOptions(epsilon=config.epsilon, epsilon_high=config.epsilon_high, delta=config.delta,
                         level=config.importance_sampling_level, weight_cap=config.weight_cap)


def surrogate(config: OnlineConfig, turn: Turn, batch: Batch, counts: Counts, *, told: str = "policy_loss") -> Surrogate:
    """The reduced policy loss of one micro-batch, with β·KL added where it is placed in the loss, less the entropy bonus.

    With one update on each set of answers the policy is the one that sampled: the ratio is 1 by construction, and the
    old log-probs are the present ones without gradient. Otherwise they are those of sampling time. Tells the surrogate
    alone as `told`, and `kl`, `entropy` and `clip_ratio/…`.
    """
    scores = turn.models["policy"].score(batch, temperature=turn.live["temperature"], entropy=True)
    on_policy = config.num_iterations * config.updates_per_rollout == 1
    old = scores.logprobs.detach() if on_policy else batch.channel("old_logprobs")
    found = policy_loss(config.policy_loss)(scores.logprobs, old, batch.channel("advantages"), batch.mask, options_of(config))
    reduction = Reduction(config.reduction)
    terms, kept = found.terms, {"policy_logprobs": scores.logprobs, "ratio": found.ratio}
    beta = turn.live.get("beta", 0.0)
    if "ref_logprobs" in batch.channels:
        kl = divergence(config.kl_estimator)(scores.logprobs, batch.channel("ref_logprobs"))
        turn.tally.mean("kl", kl, batch.mask)
        kept["kl"] = kl
        if config.kl_in == "loss":
            terms = terms + beta * kl
    if scores.entropy is not None:
        turn.tally.mean("entropy", scores.entropy, batch.mask)
        if config.entropy_coef > 0:
            terms = terms - config.entropy_coef * scores.entropy
        kept["entropy"] = scores.entropy
    tell_clipping(turn.tally, found, batch.mask)
    if turn.wants_rollouts:
        keep(batch, kept)
    counts = replace(counts, length=config.max_completion_length)
    tell_loss(turn.tally, told, reduce(found.terms, batch.mask, counts, reduction), counts)
    return Surrogate(reduce(terms, batch.mask, counts, reduction), found.ratio)


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

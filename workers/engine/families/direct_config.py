"""The fields of preference losses, and which of them a loss can use."""

from typing import Literal

from workers.engine.data.pairs import PairConfig, SoftPairConfig
from workers.engine.data.perplexity import Judged
from workers.engine.faults import ConfigFault
from workers.engine.preference._scores import Divergence
from workers.engine.training.training_config import setting

SORTING = frozenset({"aot", "aot_unpaired"})
"""Losses that compare a batch as a whole."""
DIVERGING = frozenset({"sigmoid", "sigmoid_norm", "hinge", "ipo", "exo_pair", "robust", "discopop", "rpo", "bfpo"})
"""Losses of differences between scores, which may be any divergence's."""
SMOOTHING = frozenset({"sigmoid", "sigmoid_norm", "robust", "exo_pair", "aot", "aot_unpaired"})
"""Losses that read the label smoothing."""
SOFT = frozenset({"sigmoid", "sigmoid_norm"})
"""Losses that take a soft label for every pair."""

TokenWeighting = Literal["uniform", "length_mean", "ld"]


class DirectConfig(PairConfig):
    """The fields of every preference loss."""

    beta: float = setting(
        0.1, "β", "How strongly the policy is tied to the reference: smaller lets it go further.", group="basic", order=43,
        live=True, gt=0, le=100)
    token_weighting: TokenWeighting = setting(
        "uniform", "Token weights", "An answer's score is the sum over its tokens, their mean, or a sum in which what the longer "
        "answer has more counts less (LD-DPO).", order=90)
    ld_alpha: float = setting(
        0.5, "LD α", "Under `ld`: weight of the tokens beyond the shorter answer's length; 1 is DPO.", order=91,
        when={"token_weighting": ["ld"]}, ge=0, le=1)
    use_weighting: bool = setting(
        False, "WPO weights", "Weigh each pair by how likely the policy itself would write both answers; one more forward pass.",
        order=92)


class TiedConfig(DirectConfig):
    """Adds what only a loss with a reference has."""

    rpo_alpha: float = setting(
        0.0, "Likelihood term α", "Weight of the chosen answers' negative log-likelihood, added to the loss; holds their "
        "probability up.", order=93, ge=0, le=1000)
    f_divergence_type: Divergence = setting(
        "reverse_kl", "Divergence", "What ties the policy to the reference. For losses of differences only.", order=94)
    f_alpha_divergence_coef: float = setting(
        0.5, "Divergence α", "Order of the α-divergence; 1 is the reverse KL.", order=95,
        when={"f_divergence_type": ["alpha_divergence"]}, ge=0, le=10)


class MovingConfig(TiedConfig):
    """Adds a reference that follows the policy."""

    sync_ref_model: bool = setting(
        False, "Moving reference", "Let the reference follow the policy (TR-DPO); whole-model training only. Checkpoints then "
        "keep the reference too.", order=96)
    ref_model_mixup_alpha: float = setting(
        0.6, "Reference mixture α", "The policy's share in each synchronisation; 1 replaces the reference.", order=97,
        when={"sync_ref_model": [True]}, gt=0, le=1)
    ref_model_sync_steps: int = setting(
        512, "Synchronise every", "Steps between synchronisations.", order=98,
        when={"sync_ref_model": [True]}, unit="steps", ge=1, le=10_000_000)


class ReferencedConfig(MovingConfig):
    """Adds what only stored pairs have."""

    perplexity_percentile: float | None = setting(
        None, "Perplexity filter", "Drop pairs less likely than this percentile of the reference's own answers; 95 is usual. "
        "Empty keeps all.", order=99, gt=0, le=100)
    perplexity_of: Judged = setting(
        "both", "Filter looks at", "Either answer of a pair, or the chosen one alone.", order=99)


def check_settings(config: DirectConfig, loss: str) -> None:
    """Raises ConfigFault for settings that the loss cannot work with."""
    if loss in SORTING and config.use_weighting:
        raise ConfigFault(f"{loss} sorts the batch, so that a pair's WPO weight would land on another pair.",
                          "Turn use_weighting off, or choose another loss_type.")
    if isinstance(config, TiedConfig) and config.f_divergence_type != "reverse_kl" and loss not in DIVERGING:
        raise ConfigFault(f"{loss} judges answers by themselves, where {config.f_divergence_type} leaves a constant open.",
                          f"Set f_divergence_type to reverse_kl, or loss_type to one of {', '.join(sorted(DIVERGING))}.")
    if isinstance(config, SoftPairConfig) and config.soft_label_column and loss not in SOFT:
        raise ConfigFault(f"{loss} takes no soft labels.",
                          f"Leave soft_label_column empty, or set loss_type to {' or '.join(sorted(SOFT))}.")
    if isinstance(config, MovingConfig) and config.sync_ref_model and config.use_peft:
        raise ConfigFault("A reference that shares its weights with the policy cannot follow it.",
                          "Turn sync_ref_model off, or train the whole model.")

"""Steering β towards a target divergence: fields and phase for methods with a reference (see `step_rules.adaptive_kl`)."""

from dataclasses import replace
from functools import partial
from typing import Literal

import torch
from torch import Tensor

from workers.engine.composition import Apply, Composition, Fit, Turn
from workers.engine.families.online_config import OnlineConfig
from workers.engine.regularisers import k1 as log_ratio
from workers.engine.sample import Batch, batch_of
from workers.engine.step_rules.adaptive_kl import adapted
from workers.engine.training.training_config import setting


class KlControlConfig(OnlineConfig):
    kl_target: float | None = setting(
        None, "Target KL", "Moves β after each step so that the KL to the starting model comes to this; empty leaves β alone.",
        order=137, gt=0, le=1e6)
    kl_horizon: int = setting(
        10_000, "KL horizon", "Answers over which β changes by a fifth when the KL is far off its target.", order=138,
        unit="answers", ge=1, le=1_000_000_000)
    kl_unit: Literal["answer", "token"] = setting(
        "answer", "Target KL is of", "A whole answer, as in the original controller (targets such as 6), or the mean token "
        "(verl, targets such as 0.1).", order=139)


def controlled(config: KlControlConfig, composition: Composition) -> Composition:
    """The composition with β told and, where the config names a target, steered after each update.

    β is a live field, which checkpoints keep and a person may still change.
    """
    at = max(index for index, phase in enumerate(composition.cycle) if isinstance(phase, Fit)) + 1
    phase = Apply("kl_control", partial(steer, config))
    return replace(composition, cycle=(*composition.cycle[:at], phase, *composition.cycle[at:]))


def steer(config: KlControlConfig, turn: Turn) -> None:
    """Tells β as `kl_coef` and, where there is a target, moves it by the step's mean KL, as its answers were drawn.

    β 0 stays 0.
    """
    samples = turn.stores["batch"]
    turn.tally.put("kl_coef", turn.live.get("beta", 0.0))
    if config.kl_target is not None and samples and "ref_logprobs" in samples[0].channels:
        kl = float(measured(batch_of(samples), config.kl_unit))
        turn.live["beta"] = adapted(turn.live["beta"], kl, target=config.kl_target, samples=len(samples),
                                    horizon=config.kl_horizon)


def measured(batch: Batch, unit: Literal["answer", "token"]) -> Tensor:
    """Mean over the trained answers of Σ_t log π − log π_ref, or its mean over their tokens; NaN where none is trained."""
    k1 = log_ratio.divergence(batch.channel("old_logprobs"), batch.channel("ref_logprobs"))
    trained = batch.mask.any(-1).sum()
    return torch.where(batch.mask, k1, 0.0).sum() / (trained if unit == "answer" else batch.mask.sum())

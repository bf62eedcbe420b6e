"""Transforms of a term's values before they are weighted: one pure function each, and gates.

Values are [B] float64, one for each answer, NaN where the term has none: NaN goes through every transform unchanged and
counts in no statistic. `groups` [B] numbers the answers' prompts.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from workers.contract.run_spec import Affine, Clip, Gate, LogSigmoid, Sigmoid, Threshold, Transform, Whiten
from workers.engine.advantages import centred, group_count, group_sum

EPSILON = 1e-8


def clip(values: Tensor, low: float | None, high: float | None) -> Tensor:
    """min(max(r, low), high); a bound that is None does not bind."""
    return values if low is None and high is None else values.clamp(min=low, max=high)


def affine(values: Tensor, factor: float, offset: float) -> Tensor:
    """factor · r + offset."""
    return factor * values + offset


def threshold(values: Tensor, at: float) -> Tensor:
    """1 where r ≥ at, else 0."""
    return torch.where(values.isnan(), values, (values >= at).to(values.dtype))


def sigmoid(values: Tensor, centre: float) -> Tensor:
    """σ(r − centre)."""
    return torch.sigmoid(values - centre)


def log_sigmoid(values: Tensor, centre: float) -> Tensor:
    """log σ(r − centre) (arXiv 2402.00742, eq. 4)."""
    return F.logsigmoid(values - centre)


def whiten(values: Tensor, groups: Tensor) -> Tensor:
    """(r − mean) / (deviation + 1e-8) within each group, Bessel-corrected; 0 for a value alone or among equals."""
    away = centred(values, groups)
    variance = group_sum(away.square(), groups) / (group_count(values, groups) - 1).clamp(min=1)
    return away / (variance.sqrt() + EPSILON)


def transformed(values: Tensor, transforms: Sequence[Transform], groups: Tensor) -> Tensor:
    """The values after every transform in order."""
    for transform in transforms:
        match transform:
            case Clip():
                values = clip(values, transform.low, transform.high)
            case Affine():
                values = affine(values, transform.factor, transform.offset)
            case Threshold():
                values = threshold(values, transform.at)
            case Sigmoid():
                values = sigmoid(values, transform.centre)
            case LogSigmoid():
                values = log_sigmoid(values, transform.centre)
            case Whiten():
                values = whiten(values, groups if transform.over == "group" else torch.zeros_like(groups))
    return values


def is_open(values: Tensor, gate: Gate) -> Tensor:
    """Where an answer passes the gate [B] bool: within its bounds, or without a value."""
    inside = torch.ones_like(values, dtype=torch.bool)
    if gate.at_least is not None:
        inside &= values >= gate.at_least
    if gate.at_most is not None:
        inside &= values <= gate.at_most
    return inside | values.isnan()

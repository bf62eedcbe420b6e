"""The reward pipeline: named terms to one reward, every term kept.

A term that does not apply to an answer is left out of its aggregate; an answer to which none applies has no reward
(NaN, advantage 0 later). A term that answers NaN or infinity is broken there: `on_nan` refuses (the run fails and says
which), drops the answer (no reward), or counts the term as 0.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor

from workers.contract.run_spec import RewardPipeline, RewardTerm
from workers.engine.faults import ConfigFault, RewardFault
from workers.engine.rewards import Reward, TermParams, kinds, needed_columns, params_of, reward_of


@dataclass(frozen=True)
class Rewards:
    """Rewards of B answers by K terms: `total` [B]; `terms` [B,K] raw values, NaN where a term does not apply."""

    total: Tensor
    terms: Tensor
    names: tuple[str, ...]

    def of(self, index: int) -> dict[str, float | None]:
        """Raw value of each term for answer `index`; None where it does not apply."""
        return {name: None if math.isnan(value) else value
                for name, value in zip(self.names, self.terms[index].tolist(), strict=True)}


@dataclass(frozen=True)
class Term:
    name: str
    weight: float
    columns: tuple[str, ...]
    params: TermParams
    reward: Reward


def term_of(given: RewardTerm) -> Term:
    """The term ready to score. Raises ConfigFault for an unknown kind or params that do not fit."""
    if given.kind not in kinds():
        raise ConfigFault(f"Reward term {given.name!r} is of kind {given.kind!r}, which this engine does not have.",
                          f"Choose one of {', '.join(kinds())}.")
    try:
        params = params_of(given.kind).model_validate(given.params)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "params"
        raise ConfigFault(f"Reward term {given.name!r}: {field}: {first['msg']}.", "Correct the term's settings.") from error
    return Term(given.name, given.weight, needed_columns(given.kind), params, reward_of(given.kind))


class Pipeline:
    """A `RewardPipeline` made ready. Raises ConfigFault when a term is unknown, misconfigured, or named twice."""

    def __init__(self, spec: RewardPipeline) -> None:
        self.aggregate, self.on_nan = spec.aggregate, spec.on_nan
        self.terms = tuple(term_of(term) for term in spec.terms)
        self.names = tuple(term.name for term in self.terms)
        if len(set(self.names)) < len(self.names):
            raise ConfigFault("Two reward terms have the same name.", "Rename one: names label the curves.")

    @property
    def columns(self) -> set[str]:
        """Columns that some term cannot do without."""
        return {column for term in self.terms for column in term.columns}

    def score(
        self, *, prompts: Sequence[str], completions: Sequence[str], completion_ids: Sequence[Sequence[int]],
        columns: Mapping[str, Sequence[Any]],
    ) -> Rewards:
        """Scores answers; all lists have one length. Raises RewardFault for a broken value under `refuse`."""
        kept = [self._values(term, prompts, completions, completion_ids, columns) for term in self.terms]
        raw = torch.tensor([[float("nan") if v is None else v for v in values] for values in kept], dtype=torch.float64).T
        applies = torch.tensor([[v is not None for v in values] for values in kept], dtype=torch.bool).T
        broken = applies & ~raw.isfinite()
        if self.on_nan == "refuse" and broken.any():
            raise self._refusal(broken, raw)
        values = torch.where(applies & broken, torch.zeros_like(raw), raw) if self.on_nan == "zero" else raw
        total = self._total(values, applies)
        dropped = broken.any(-1) & (self.on_nan == "drop")
        terms = torch.where(values.isfinite(), values, torch.full_like(values, torch.nan))
        return Rewards(torch.where(dropped, torch.full_like(total, torch.nan), total), terms, self.names)

    def _values(
        self, term: Term, prompts: Sequence[str], completions: Sequence[str], ids: Sequence[Sequence[int]],
        columns: Mapping[str, Sequence[Any]],
    ) -> list[float | None]:
        values = term.reward(term.params, prompts=prompts, completions=completions, completion_ids=ids, **columns)
        if len(values) != len(completions):
            raise RewardFault(f"Reward term {term.name!r} answered {len(values)} values for {len(completions)} answers.",
                              "Return one value, or None, for each answer.")
        return values

    def _total(self, values: Tensor, applies: Tensor) -> Tensor:
        """[B] over the terms that apply: Σ w·r, Π w·r or min w·r; NaN where none does."""
        weighted = values * torch.tensor([term.weight for term in self.terms], dtype=values.dtype)
        none = ~applies.any(-1)
        if self.aggregate == "weighted_sum":
            total = torch.where(applies, weighted, torch.zeros_like(weighted)).sum(-1)
        elif self.aggregate == "product":
            total = torch.where(applies, weighted, torch.ones_like(weighted)).prod(-1)
        else:
            total = torch.where(applies, weighted, torch.full_like(weighted, torch.inf)).amin(-1)
        return torch.where(none, torch.full_like(total, torch.nan), total)

    def _refusal(self, broken: Tensor, raw: Tensor) -> RewardFault:
        row, column = (int(part) for part in broken.nonzero()[0])
        return RewardFault(
            f"Reward term {self.names[column]!r} answered {raw[row, column].item()} for answer {row} of the batch.",
            "Mend the term, or set what to do with such values: drop the answer or count the term as 0.")

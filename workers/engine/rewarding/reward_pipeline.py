"""The reward pipeline: named terms to one reward, every term kept.

A term's raw value goes through its transforms, then is weighted into the aggregate, or opens and closes its gate. A term
that does not apply to an answer is left out of its aggregate; an answer to which none applies has no reward (NaN,
advantage 0 later). A closed gate gives `otherwise` in place of the aggregate; of several the first in order decides.

A term that answers NaN or infinity, or whose transforms do, is broken there: `on_nan` refuses (the run fails and says
which), drops the answer (no reward), or counts the term as 0, gate or not. How many answers that befell is a curve of the
term, and said in the run's log as it grows.

A term that values steps gives the answer's steps those values times its weight, beside its number; transforms and gates are
for the number alone.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor

from workers.contract.records import Text
from workers.contract.run_spec import Gate, RewardPipeline, RewardTerm, Transform
from workers.engine.data.rendering import text_of
from workers.engine.data.steps import NO_STEPS, StepValues
from workers.engine.faults import ConfigFault, Fault, RewardFault
from workers.engine.rewarding.reward_transforms import is_open, transformed
from workers.engine.rewards import Answered, Place, Reward, TermParams, card_of, kinds, params_of, preparation_of, reward_of
from workers.engine.training import distributed


@dataclass(frozen=True)
class Rewards:
    """Rewards of B answers by K terms.

    `total` [B]; `terms` [B,K] raw values, NaN where a term does not apply; `transformed` [B,K] the same after the
    transforms; `opened` [B,K] bool, False where the term is a gate that the answer did not pass; `broken` [B,K] bool, True
    where the value or what became of it was NaN or infinite. `steps` holds what the steps of each answer earned, None where
    no term knows steps; `more` what terms tell beside their numbers: the mean over the answers, by its curve's name.
    """

    total: Tensor
    terms: Tensor
    names: tuple[str, ...]
    transformed: Tensor
    opened: Tensor
    broken: Tensor
    steps: list[StepValues] | None = None
    more: Mapping[str, float] = field(default_factory=dict)

    def of(self, index: int) -> dict[str, float | None]:
        """Raw value of each term for answer `index`; None where it does not apply."""
        return _named(self.names, self.terms[index])

    def transformed_of(self, index: int) -> dict[str, float | None]:
        """Value of each term for answer `index` after its transforms; None where it does not apply."""
        return _named(self.names, self.transformed[index])


@dataclass(frozen=True)
class Term:
    """A term ready to score. One that was prepared sees conversations as messages, any other as text."""

    name: str
    weight: float
    columns: tuple[str, ...]
    params: TermParams
    reward: Reward
    transforms: tuple[Transform, ...] = ()
    gate: Gate | None = None
    prepared: bool = False


def term_of(given: RewardTerm, place: Place, *, closing: ExitStack) -> Term:
    """The term ready to score; what it holds is left to `closing`.

    Raises ConfigFault for an unknown kind, params that do not fit or a model that is missing, and what preparing raises.
    """
    if given.kind not in kinds():
        raise ConfigFault(f"Reward term {given.name!r} is of kind {given.kind!r}, which this engine does not have.",
                          f"Choose one of {', '.join(kinds())}.")
    try:
        params = params_of(given.kind).model_validate(given.params)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "params"
        raise ConfigFault(f"Reward term {given.name!r}: {where}: {first['msg']}.", "Correct the term's settings.") from error
    card = card_of(given.kind)
    _check_model(given, card.model, required=card.model_required)
    prepare = preparation_of(given.kind)
    reward = reward_of(given.kind) if prepare is None else _held(prepare(params, place), closing)
    return Term(given.name, given.weight, card.columns, params, reward, tuple(given.transforms), given.gate,
                prepared=prepare is not None)


def _check_model(given: RewardTerm, kind: str | None, *, required: bool) -> None:
    if given.model is None:
        if required:
            raise ConfigFault(f"Reward term {given.name!r} asks a model and names none.", "Choose a model for the term.")
    elif kind is None:
        raise ConfigFault(f"Reward term {given.name!r} asks no model.", "Remove the model from the term.")
    elif given.model.kind != kind:
        raise ConfigFault(f"Reward term {given.name!r} asks a {kind} model; {given.model.name or given.model.path} is a "
                          f"{given.model.kind} model.", "Choose another model for the term.")


def _held(prepared: Any, closing: ExitStack) -> Reward:
    closing.callback(prepared.close)

    def asked(params: TermParams, **given: Any) -> list[float | None]:
        found: list[float | None] = prepared(**given)
        return found

    return asked


@dataclass
class Pipeline:
    """A `RewardPipeline` made ready; whoever made it closes it.

    `device` is where models of terms stand, `seed` what terms draw from. Raises ConfigFault when a term is unknown,
    misconfigured, or named twice, or when every term is a gate; a fault of one term names it in `field`.
    """

    spec: RewardPipeline
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    seed: int = 0
    terms: tuple[Term, ...] = field(init=False)

    def __post_init__(self) -> None:
        self._broken: dict[str, int] = {}
        self._broken_told = 0
        self.aggregate, self.on_nan = self.spec.aggregate, self.spec.on_nan
        self.names = tuple(term.name for term in self.spec.terms)
        if len(set(self.names)) < len(self.names):
            raise ConfigFault("Two reward terms have the same name.", "Rename one: names label the curves.")
        if all(term.gate is not None for term in self.spec.terms):
            raise ConfigFault("Every reward term is a gate, and a gate adds nothing.", "Add a term without a gate.")
        self._closing = ExitStack()
        with ExitStack() as half_done:
            half_done.callback(self._closing.close)
            self.terms = tuple(self._ready(index, term) for index, term in enumerate(self.spec.terms))
            half_done.pop_all()

    def close(self) -> None:
        """Ends what terms hold: models, processes, connections. A second call does nothing."""
        self._closing.close()

    @property
    def columns(self) -> set[str]:
        """Columns that some term cannot do without."""
        return {column for term in self.terms for column in term.columns}

    def score(
        self, *, prompts: Sequence[Text], completions: Sequence[str], completion_ids: Sequence[Sequence[int]],
        columns: Mapping[str, Sequence[Any]], groups: Sequence[int] | None = None,
    ) -> Rewards:
        """Scores answers; all lists have one length. `groups` numbers the answers' prompts; None: equal prompts are one.

        Raises RewardFault for a broken value under `refuse`, and what terms raise.
        """
        texts = [text_of(prompt) for prompt in prompts]
        numbers = torch.tensor(_numbered(texts) if groups is None else list(groups), dtype=torch.int64)
        kept = [self._values(index, prompts if term.prepared else texts, completions, completion_ids, columns)
                for index, term in enumerate(self.terms)]
        raw = torch.tensor([[float("nan") if v is None else v for v in values] for values in kept], dtype=torch.float64).T
        applies = torch.tensor([[v is not None for v in values] for values in kept], dtype=torch.bool).T
        known = torch.where(raw.isfinite(), raw, torch.full_like(raw, torch.nan))
        moved = torch.stack([transformed(known[:, k], term.transforms, numbers) for k, term in enumerate(self.terms)], -1)
        broken = applies & ~(raw.isfinite() & moved.isfinite())
        if self.on_nan == "refuse" and broken.any():
            raise self._refusal(broken, raw, moved)
        if self.on_nan == "zero":
            known, moved = (torch.where(broken, torch.zeros_like(values), values) for values in (known, moved))
        opened = torch.stack([_opened(moved[:, k], term.gate) for k, term in enumerate(self.terms)], -1)
        total = self._gated(self._total(moved, applies), opened)
        dropped = broken.any(-1) & (self.on_nan == "drop")
        for name, count in zip(self.names, broken.sum(0).tolist(), strict=True):
            self._broken[name] = self._broken.get(name, 0) + count
        return Rewards(torch.where(dropped, torch.full_like(total, torch.nan), total), known, self.names, moved, opened, broken,
                       steps=self._steps(kept), more=self._more(kept))

    def news(self) -> str | None:
        """A sentence on broken values so far, where their number has doubled since it was last told."""
        total = sum(self._broken.values())
        if total == 0 or total < 2 * self._broken_told:
            return None
        self._broken_told = total
        counts = ", ".join(f"{name} {count}" for name, count in self._broken.items() if count)
        done = "those answers have no reward" if self.on_nan == "drop" else "each counts as 0"
        return f"Reward terms that answered no finite number so far: {counts}; {done}."

    def _steps(self, kept: Sequence[Sequence[float | None]]) -> list[StepValues] | None:
        """What each answer's steps earned by all terms that know steps; None where none does."""
        found: list[StepValues] | None = None
        for term, values in zip(self.terms, kept, strict=True):
            if isinstance(values, Answered) and values.steps is not None and term.gate is None:
                before = found or [NO_STEPS] * len(values)
                found = [old.plus(new, term.weight) for old, new in zip(before, values.steps, strict=True)]
        return found

    def _more(self, kept: Sequence[Sequence[float | None]]) -> dict[str, float]:
        """Means of what terms tell beside their numbers, as `rewards/<term>/<name>`."""
        found = {}
        for term, values in zip(self.terms, kept, strict=True):
            for name, numbers in (values.more if isinstance(values, Answered) else {}).items():
                known = [number for number in numbers if number is not None and math.isfinite(number)]
                if known:
                    found[f"rewards/{term.name}/{name}"] = sum(known) / len(known)
        return found

    def _ready(self, index: int, given: RewardTerm) -> Term:
        with _naming(index, given.name):
            return term_of(given, Place(given.model, self.device, self.seed, self.on_nan), closing=self._closing)

    def _values(
        self, index: int, prompts: Sequence[Any], completions: Sequence[str], ids: Sequence[Sequence[int]],
        columns: Mapping[str, Sequence[Any]],
    ) -> list[float | None]:
        term = self.terms[index]
        with _naming(index, term.name):
            # One process asks for all: what judges and people's functions answer may differ from one time to the next.
            values = distributed.agreed(lambda: term.reward(
                term.params, prompts=prompts, completions=completions, completion_ids=ids, **columns))
            if len(values) != len(completions):
                raise RewardFault(f"Reward term {term.name!r} answered {len(values)} values for {len(completions)} answers.",
                                  "Return one value, or None, for each answer.")
        return values

    def _total(self, values: Tensor, applies: Tensor) -> Tensor:
        """[B] over the terms that apply and are no gates: Σ w·r, Π w·r or min w·r; NaN where none does."""
        counted = applies & torch.tensor([term.gate is None for term in self.terms])
        weighted = values * torch.tensor([term.weight for term in self.terms], dtype=values.dtype)
        none = ~counted.any(-1)
        if self.aggregate == "weighted_sum":
            total = torch.where(counted, weighted, torch.zeros_like(weighted)).sum(-1)
        elif self.aggregate == "product":
            total = torch.where(counted, weighted, torch.ones_like(weighted)).prod(-1)
        else:
            total = torch.where(counted, weighted, torch.full_like(weighted, torch.inf)).amin(-1)
        return torch.where(none, torch.full_like(total, torch.nan), total)

    def _gated(self, total: Tensor, opened: Tensor) -> Tensor:
        """`total` [B], or what the first closed gate gives instead. A dropped answer stays without a reward."""
        for k in reversed(range(len(self.terms))):
            gate = self.terms[k].gate
            if gate is not None:
                total = torch.where(opened[:, k], total, torch.full_like(total, gate.otherwise))
        return total

    def _refusal(self, broken: Tensor, raw: Tensor, moved: Tensor) -> RewardFault:
        row, column = (int(part) for part in broken.nonzero()[0])
        value = raw[row, column].item()
        became = "" if not math.isfinite(value) else f", and its transforms made {moved[row, column].item()} of it,"
        fault = RewardFault(
            f"Reward term {self.names[column]!r} answered {value}{became} for answer {row} of the batch.",
            "Mend the term, or set what to do with such values: drop the answer or count the term as 0.")
        fault.field = f"reward.terms.{column}"
        return fault


def measures(pipeline: Pipeline, rewards: Rewards) -> dict[str, float]:
    """Curves of the terms: `rewards/<term>/mean` and `/std` of the raw values; `/transformed`, their mean after the
    transforms, where there are any; `/open`, the share of answers that passed, of a gate; `/broken`, the share whose value
    was no finite number, where there were such; and what terms tell of themselves. What has no value is left out.
    """
    found = dict(rewards.more)
    for k, term in enumerate(pipeline.terms):
        values = rewards.terms[:, k]
        values = values[values.isfinite()]
        if len(values):
            found[f"rewards/{term.name}/mean"] = float(values.mean())
            found[f"rewards/{term.name}/std"] = float(values.std()) if len(values) > 1 else 0.0
        moved = rewards.transformed[:, k]
        if term.transforms and bool(moved.isfinite().any()):
            found[f"rewards/{term.name}/transformed"] = float(moved[moved.isfinite()].mean())
        if bool(rewards.broken[:, k].any()):
            found[f"rewards/{term.name}/broken"] = float(rewards.broken[:, k].double().mean())
        if term.gate is not None:
            found[f"rewards/{term.name}/open"] = float(rewards.opened[:, k].double().mean())
    return found


@contextmanager
def _naming(index: int, name: str) -> Iterator[None]:
    """Gives a fault of a term its place in the form and, where it does not say it, the term's name."""
    try:
        yield
    except Fault as fault:
        if repr(name) not in fault.message:
            fault.message = f"Reward term {name!r}: {fault.message}"
            fault.args = (fault.message,)
        fault.field = f"reward.terms.{index}"
        raise


def _opened(values: Tensor, gate: Gate | None) -> Tensor:
    return torch.ones_like(values, dtype=torch.bool) if gate is None else is_open(values, gate)


def _numbered(texts: Sequence[str]) -> list[int]:
    """For each text the number of the first one that equals it."""
    first: dict[str, int] = {}
    return [first.setdefault(text, len(first)) for text in texts]


def _named(names: Sequence[str], values: Tensor) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else value for name, value in zip(names, values.tolist(), strict=True)}

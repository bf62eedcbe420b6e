"""Samples, batches and rollouts: the tensors every part speaks.

Legend: B samples of a batch, T tokens, C tokens of one completion.

One alignment everywhere: a per-token tensor has the length of `ids`, and its entry t speaks about token `ids[t]`
(so `logprobs[t]` is log p(ids[t] | ids[<t])). Entry 0 has no prediction: `mask[0]` is always False, and log-probs
hold 0 there. Masks are True exactly on trained tokens; prompt, padding, tool output and other turns are False.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from workers.contract.records import Record


@dataclass(slots=True)
class Sample:
    """One token sequence and what is known about it.

    `channels` are per-token float32 [T] by name: `old_logprobs` (of the policy that sampled), `ref_logprobs`,
    `values`, `token_rewards`, `advantages`, `returns`, `weights`, `entropy`, …
    `scalars` are per-sample numbers by name: `margin`, `label`, `weight`, `temperature`, …
    `group` is shared by the samples of one prompt, pair or ranking; `row` is the data set's row (-1: none).
    `reward` is the pipeline's value, `terms` each term's raw value (None: does not apply).
    """

    ids: Tensor
    mask: Tensor
    prompt_length: int = 0
    row: int = -1
    group: int = -1
    channels: dict[str, Tensor] = field(default_factory=dict)
    scalars: dict[str, float] = field(default_factory=dict)
    reward: float | None = None
    terms: dict[str, float | None] = field(default_factory=dict)
    record: Record | None = None
    text: str = ""
    truncated: bool = False

    def __len__(self) -> int:
        return int(self.ids.shape[0])

    def with_channel(self, name: str, values: Tensor) -> "Sample":
        """A copy that holds [T] `values` under `name`."""
        return replace(self, channels={**self.channels, name: values})


@dataclass(slots=True)
class Batch:
    """Samples side by side, right-padded: ids [B,T] int64, mask [B,T] bool, lengths [B] int64, groups [B] int64.

    The padding is only in these small tensors; the model never computes on it (see `flat_attention`).
    `channels` are [B,T] float32, 0 in the padding; `scalars` [B] float32; rewards [B] float32, NaN where unknown.
    """

    ids: Tensor
    mask: Tensor
    lengths: Tensor
    groups: Tensor
    rewards: Tensor
    channels: dict[str, Tensor]
    scalars: dict[str, Tensor]
    samples: Sequence[Sample]

    @property
    def size(self) -> int:
        return int(self.ids.shape[0])

    def rows(self, part: slice) -> "Batch":
        """Some of its rows, as wide as it is; itself for all of them."""
        if len(range(*part.indices(self.size))) == self.size:
            return self
        return Batch(
            ids=self.ids[part], mask=self.mask[part], lengths=self.lengths[part], groups=self.groups[part],
            rewards=self.rewards[part], channels={name: values[part] for name, values in self.channels.items()},
            scalars={name: values[part] for name, values in self.scalars.items()}, samples=self.samples[part])

    def channel(self, name: str) -> Tensor:
        """The [B,T] channel `name`. Raises KeyError that says which channels there are."""
        if name not in self.channels:
            raise KeyError(f"This batch has no channel {name!r}; it has {sorted(self.channels)}.")
        return self.channels[name]


@dataclass(frozen=True, slots=True)
class Counts:
    """Denominators of one update, over all its micro-batches and processes: what every reducer divides by.

    Computed before the update is cut into micro-batches, so that any cut gives the same gradient. `tokens` is Σ mask,
    `sequences` the number of samples, `groups` the number of distinct groups, `pieces` the number of micro-batches,
    `length` the fixed length of the `const` reduction (a method sets it with `dataclasses.replace`); `scalars` the sum of each
    of the samples' scalars; `weights`, for each channel whose name begins with `weights`, its sum over the trained tokens.
    """

    tokens: float
    sequences: float
    pieces: int = 1
    length: int = 1
    groups: float = 0.0
    scalars: Mapping[str, float] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Against:
    """What a trained model's distributions are compared with at N positions: a frozen model's `hidden` [N,D] and head
    `weight` [V,D], by the member `name` of `divergences` with its `beta`.

    `temperature` divides the logits of both before the softmax; the divergence is not multiplied by its square.
    """

    hidden: Tensor
    weight: Tensor
    name: str
    temperature: float = 1.0
    beta: float = 0.5


@dataclass(frozen=True, slots=True)
class Comparison:
    """A trained model's next-token distributions beside a frozen one's, all of one shape.

    divergence: in nats; teacher_entropy: of the frozen model at temperature 1, in nats, without a gradient;
    agreement: True where both think the same token likeliest.
    """

    divergence: Tensor
    teacher_entropy: Tensor
    agreement: Tensor


@dataclass(slots=True)
class Scores:
    """What the log-prob service answers, all [B,T] float32 and 0 wherever `scored` is False.

    logprobs: log p(ids[t] | before) at the temperature asked; entropy: of the next-token distribution at t, in nats,
    None unless asked; correct: True where the likeliest token is ids[t]; compared: with a frozen model, None unless asked.
    """

    logprobs: Tensor
    entropy: Tensor | None
    correct: Tensor
    scored: Tensor
    compared: Comparison | None = None


@dataclass(slots=True)
class Rollout:
    """One sampled answer: prompt_ids [P], completion_ids [C], logprobs [C] of the sampled tokens at sampling time.

    `ended` is True when the end token was drawn (it is part of the completion), False when the length limit cut it.
    """

    prompt_ids: Tensor
    completion_ids: Tensor
    logprobs: Tensor
    ended: bool

    def sample(self, **fields: Any) -> Sample:
        """A training sample: completion tokens masked in, behaviour log-probs as channel `old_logprobs`."""
        ids = torch.cat([self.prompt_ids, self.completion_ids])
        mask = torch.zeros(len(ids), dtype=torch.bool)
        mask[len(self.prompt_ids):] = True
        old = torch.zeros(len(ids), dtype=torch.float32)
        old[len(self.prompt_ids):] = self.logprobs
        return Sample(ids=ids, mask=mask, prompt_length=len(self.prompt_ids), channels={"old_logprobs": old},
                      truncated=not self.ended, **fields)


def batch_of(samples: Sequence[Sample], device: torch.device | str = "cpu") -> Batch:
    """Samples as one batch on `device`. A channel or scalar must be on all samples or on none (KeyError)."""
    lengths = torch.tensor([len(sample) for sample in samples])
    width = int(lengths.max()) if len(samples) else 0
    return Batch(
        ids=_padded([sample.ids for sample in samples], width, torch.int64).to(device),
        mask=_padded([sample.mask for sample in samples], width, torch.bool).to(device),
        lengths=lengths.to(device),
        groups=torch.tensor([sample.group for sample in samples]).to(device),
        rewards=torch.tensor([float("nan") if s.reward is None else s.reward for s in samples]).to(device),
        channels={name: _padded([s.channels[name] for s in samples], width, torch.float32).to(device)
                  for name in _names(sample.channels for sample in samples)},
        scalars={name: torch.tensor([s.scalars[name] for s in samples], dtype=torch.float32).to(device)
                 for name in _names(sample.scalars for sample in samples)},
        samples=samples,
    )


def counts_of(samples: Sequence[Sample], pieces: int = 1) -> Counts:
    """Trained tokens, samples, distinct groups (a sample without one counts alone), and sums of scalars and of weights."""
    tokens = sum(int(sample.mask.sum()) for sample in samples)
    groups = {sample.group for sample in samples if sample.group >= 0}
    alone = sum(sample.group < 0 for sample in samples)
    sums = {name: sum(sample.scalars.get(name, 0.0) for sample in samples)
            for name in _names(sample.scalars for sample in samples)}
    names = [name for name in (samples[0].channels if samples else ()) if name.startswith("weights")]
    weights = {name: sum(float(sample.channels[name][sample.mask].sum()) for sample in samples) for name in names}
    return Counts(tokens=tokens, sequences=len(samples), pieces=pieces, groups=len(groups) + alone, scalars=sums, weights=weights)


def _names(dicts: Any) -> list[str]:
    return sorted({name for held in dicts for name in held})


def _padded(rows: Sequence[Tensor], width: int, dtype: torch.dtype) -> Tensor:
    out = torch.zeros(len(rows), width, dtype=dtype)
    for index, row in enumerate(rows):
        out[index, : len(row)] = row
    return out

"""The reference of methods that learn from stored answers: which model it is, and its log-probs, computed once.

A stored answer's log-probs under a frozen model never change. They are kept by the content of the sequence, for as long as
the run lasts, checkpoints included: a run that was cut would else compute some of them in other company, which changes
their last bits. Where the worker has a place for it, they outlast the run (see `reference_cache`).
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from workers.engine.composition import ModelView, Role, Setting
from workers.engine.faults import ConfigFault
from workers.engine.modeling.loading import declared_context
from workers.engine.modeling.reference_cache import ReferenceCache
from workers.engine.sample import Sample


def reference_role(setting: Setting, max_length: int) -> Role:
    """The run's own reference where it names one, else the model it starts from.

    Raises ConfigFault for a reference that reads fewer tokens at once than the run's samples may have.
    """
    ref = setting.spec.models.get("reference")
    if ref is None:
        return Role("reference", share="policy")
    if declared_context(ref.path) < max_length:
        raise ConfigFault(f"max_length {max_length} is beyond the reference model's context of "
                          f"{declared_context(ref.path)} tokens.", "Lower max_length, or choose no reference.")
    return Role("reference", weights="reference")


class ReferenceLogProbs:
    """A reference's log-probs of trained tokens by content; a `composition.Stateful`.

    With a `cache` what an earlier run found is taken from there, and what this one has found is left there at each checkpoint.
    """

    def __init__(self, cache: ReferenceCache | None = None) -> None:
        self._held: dict[bytes, Tensor] = {}
        self._cache = cache
        self._looked, self._new = cache is None, False

    def give(self, model: ModelView, samples: Sequence[Sample]) -> list[Sample]:
        """The samples with channel `ref_logprobs` [T], 0 where nothing is trained; only unknown ones are computed."""
        self._look()
        keys = [_key(sample) for sample in samples]
        unknown = {key: sample for key, sample in zip(keys, samples, strict=True) if key not in self._held}
        for (key, sample), found in zip(unknown.items(), model.score_all(list(unknown.values())), strict=True):
            self._held[key] = found[sample.mask]
            self._new = True
        return [sample.with_channel("ref_logprobs", torch.zeros(len(sample)).masked_scatter(sample.mask, self._held[key]))
                for key, sample in zip(keys, samples, strict=True)]

    def forget(self) -> None:
        """For a reference that has changed: everything is computed anew."""
        self._held, self._cache, self._looked = {}, None, True

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        values = list(self._held.values())
        tensors = {
            "keys": torch.frombuffer(bytearray(b"".join(self._held)), dtype=torch.int64) if values else torch.empty(0).long(),
            "lengths": torch.tensor([len(each) for each in values], dtype=torch.int64),
            "values": torch.cat(values) if values else torch.empty(0)}
        if self._cache is not None and self._new:
            self._cache.store(tensors)
            self._new = False
        return tensors, {}

    def restore(self, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
        keys = tensors["keys"].view(-1, KEY_BYTES // 8).numpy()
        parts = tensors["values"].split(tensors["lengths"].tolist())
        self._held |= {key.tobytes(): part for key, part in zip(keys, parts, strict=True)}

    def _look(self) -> None:
        """Takes what is in the cache, once."""
        if self._looked or self._cache is None:
            return
        self._looked = True
        if (found := self._cache.load()) is not None:
            ours = self._held
            self.restore(found, {})
            self._held |= ours


KEY_BYTES = 16


def _key(sample: Sample) -> bytes:
    digest = hashlib.blake2b(sample.ids.numpy().tobytes(), digest_size=KEY_BYTES)
    digest.update(sample.mask.numpy().tobytes())
    return digest.digest()

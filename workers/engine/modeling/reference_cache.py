"""Reference log-probs that outlast a run: what one run computed, the next that reads the same answers takes from disk.

A sum over floats depends, in its last bits, on what is computed beside it. So a file belongs to one model, one data set and all
settings that decide which answers are computed in which company: a run that finds its file goes on exactly as one that finds
none. Settings of the loss are not among them, so that sweeps over β or the learning rate share a file.

The folder is named by LODESTAR_REFERENCE_CACHE; without it nothing is kept. Files are written whole under another name, then
renamed; one that does not read back as it was written counts as none. When all files together pass `MOST_BYTES` those used
longest ago are removed.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from workers.contract.run_spec import RunSpec
from workers.engine.training import distributed

VARIABLE = "LODESTAR_REFERENCE_CACHE"
MOST_BYTES = 4 << 30
FREE = frozenset({
    "adam_beta2", "beta", "bco_running_mean", "critic_learning_rate", "critic_use_peft", "critic_warmup_steps", "debias",
    "desirable_weight", "discopop_tau", "eta", "eval_max_new_tokens", "f_alpha_divergence_coef", "f_divergence_type",
    "kl_alpha", "label_smoothing", "ld_alpha", "learning_rate", "logging_steps", "lr_scheduler_type", "max_grad_norm",
    "max_steps", "num_train_epochs", "objective", "on_not_finite", "rpo_alpha", "safety_alpha", "save_steps",
    "save_total_limit", "token_weighting", "undesirable_weight", "use_weighting", "warmup_ratio", "weight_decay"})
"""Settings that change neither which answers are read nor what is computed beside them."""


class ReferenceCache:
    """One file: tensors by name, with a digest over them."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> dict[str, Tensor] | None:
        """What was stored, the same for all processes; None where nothing is, or nothing whole."""
        return distributed.agreed(self._read)

    def _read(self) -> dict[str, Tensor] | None:
        try:
            with safe_open(self._path, framework="pt") as file:
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
                said = (file.metadata() or {}).get("digest")
            os.utime(self._path)
        except (OSError, SafetensorError):
            return None
        return tensors if said == _digest(tensors) else None

    def store(self, tensors: Mapping[str, Tensor]) -> None:
        """Keeps the tensors for later runs. A disk that refuses costs them time and this run nothing."""
        if distributed.rank() != 0:
            return
        beside = self._path.with_name(f".{self._path.name}.{secrets.token_hex(4)}")
        with suppress(OSError, SafetensorError):
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                save_file(dict(tensors), beside, metadata={"digest": _digest(tensors)})
                beside.replace(self._path)
            finally:
                beside.unlink(missing_ok=True)
            _prune(self._path.parent, keep=self._path)


def cache_of(spec: RunSpec, role: str) -> ReferenceCache | None:
    """The file of the run's reference and its data set `role`, or None: without a folder, with a model or data set whose content
    is not known, or with a reference that moves."""
    folder = os.environ.get(VARIABLE, "")
    model, data = spec.models.get("reference") or spec.models.get("policy"), spec.datasets.get(role)
    if not folder or model is None or data is None or not model.weights_hash or not data.content_hash:
        return None
    if model.adapter_path is not None or spec.config.get("sync_ref_model"):
        return None
    company = {
        "weights": model.weights_hash, "data": data.content_hash, "split": data.split, "limit": data.limit, "seed": spec.seed,
        "method": spec.method, "resources": spec.resources.model_dump(mode="json"), "torch": torch.__version__, "role": role,
        "config": {name: value for name, value in sorted(spec.config.items()) if name not in FREE}}
    name = hashlib.sha256(json.dumps(company, sort_keys=True, default=str).encode()).hexdigest()
    return ReferenceCache(Path(folder) / f"{name}.safetensors")


def _digest(tensors: Mapping[str, Any]) -> str:
    found = hashlib.blake2b(digest_size=32)
    for name in sorted(tensors):
        found.update(name.encode())
        found.update(tensors[name].contiguous().numpy().tobytes())
    return found.hexdigest()


def _prune(folder: Path, *, keep: Path) -> None:
    files = sorted(((path.stat().st_mtime, path.stat().st_size, path) for path in folder.glob("*.safetensors")), reverse=True)
    held = keep.stat().st_size
    for _, size, path in files:
        if path == keep:
            continue
        held += size
        if held > MOST_BYTES:
            path.unlink(missing_ok=True)

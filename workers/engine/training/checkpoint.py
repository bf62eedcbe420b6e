"""Checkpoints: whole or absent. Written beside their place, hashed, then renamed once; tensors as safetensors, the rest JSON.

    step-00000100/
      manifest.json              sizes and SHA-256 of every other file; written last
      <role>/                    a trained role: transformers' layout with tokenizer, or a peft adapter
      optimizer-<role>.safetensors
      state.safetensors          random generators, tensors of controllers
      state.json                 step, tokens, live values, data positions, scalars of optimizers and generators
"""

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor

from workers.engine.faults import DiskFault

RESERVE = 1.2
"""Free space asked for before a save, as a multiple of the last checkpoint's size."""


@dataclass(frozen=True)
class Saved:
    path: Path
    manifest_hash: str
    size_bytes: int


def directory_name(step: int) -> str:
    return f"step-{step:08d}"


class Writer:
    """Collects one checkpoint in a sibling temporary directory; `finish` makes it appear."""

    def __init__(self, root: Path, step: int) -> None:
        self.step = step
        self.place = root / directory_name(step)
        self.directory = root / f".{directory_name(step)}.partial"
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)

    def tensors(self, name: str, tensors: dict[str, Tensor]) -> None:
        save_file({key: tensor.detach().cpu().contiguous() for key, tensor in tensors.items()}, self.directory / name)

    def document(self, name: str, values: dict[str, Any]) -> None:
        (self.directory / name).write_text(json.dumps(values, sort_keys=True), encoding="utf-8")

    def finish(self) -> Saved:
        """Hashes and syncs every file, writes the manifest, renames, syncs the parent."""
        files = {str(path.relative_to(self.directory)): _entry(path) for path in _files(self.directory)}
        manifest = json.dumps({"version": 1, "step": self.step, "files": files}, indent=1, sort_keys=True).encode()
        _write_synced(self.directory / "manifest.json", manifest)
        for folder in [path for path in self.directory.rglob("*") if path.is_dir()] + [self.directory]:
            _sync(folder)
        shutil.rmtree(self.place, ignore_errors=True)
        self.directory.rename(self.place)
        _sync(self.place.parent)
        size = sum(entry["size_bytes"] for entry in files.values()) + len(manifest)
        return Saved(self.place, hashlib.sha256(manifest).hexdigest(), size)

    def abandon(self) -> None:
        """Removes what was written so far, so that a full disk has room for the words that say so."""
        shutil.rmtree(self.directory, ignore_errors=True)


def reserve(root: Path, size_bytes: int) -> None:
    """Raises DiskFault when the disk below `root` has not room for a checkpoint of about this size."""
    free = shutil.disk_usage(root).free
    needed = RESERVE * size_bytes
    if free < needed:
        raise DiskFault(f"The disk has {_megabytes(free)} free and the next checkpoint needs {_megabytes(needed)}.",
                        "Free space below the state directory, or keep fewer checkpoints, then retry the run.")


def _megabytes(size_bytes: float) -> str:
    return f"{size_bytes / 1e6:.{0 if size_bytes >= 1e7 else 2}f} MB"


def verify(place: Path) -> str:
    """The manifest's hash when every file is there with its size and hash. Raises ValueError that names what is wrong."""
    manifest = place / "manifest.json"
    if not manifest.is_file():
        raise ValueError("it has no manifest")
    data = manifest.read_bytes()
    for name, entry in json.loads(data)["files"].items():
        path = place / name
        if not path.is_file() or _entry(path, sync=False) != entry:
            raise ValueError(f"{name} is missing or not what the manifest says")
    return hashlib.sha256(data).hexdigest()


def newest(root: Path, before: Path | None = None) -> tuple[Path | None, list[str]]:
    """The newest checkpoint below `root` that verifies (not later than `before`), and why newer ones were passed over."""
    passed: list[str] = []
    for place in sorted(root.glob("step-*"), reverse=True):
        if before is not None and place.name > before.name:
            continue
        try:
            verify(place)
        except (ValueError, KeyError) as error:
            passed.append(f"{place.name}: {error}")
        else:
            return place, passed
    return None, passed


def prune(root: Path, *, keep: int, best: str | None) -> None:
    """Removes all but the newest `keep` checkpoints and the one named `best`."""
    for place in sorted(root.glob("step-*"))[:-keep]:
        if place.name != best:
            shutil.rmtree(place)


def read_document(place: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((place / name).read_text(encoding="utf-8"))
    return found


def read_tensors(place: Path, name: str) -> dict[str, Tensor]:
    return load_file(place / name)


def _files(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file())


def _entry(path: Path, *, sync: bool = True) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        if sync:
            os.fsync(file.fileno())
    return {"size_bytes": path.stat().st_size, "sha256": digest}


def _write_synced(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

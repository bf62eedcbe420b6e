"""From which checkpoint a new attempt goes on: the newest whose every hash still holds (D10)."""

import hashlib
import json
from pathlib import Path

import structlog

from runs.launches import selectors, services
from runs.launches.models import Checkpoint, Run

log = structlog.get_logger(__name__)


def find(run: Run) -> tuple[Checkpoint | None, list[Checkpoint]]:
    """The checkpoint to resume from, None for a fresh start, and those found broken on the way."""
    broken: list[Checkpoint] = []
    for checkpoint in selectors.resume_candidates(run):
        whole = is_whole(Path(checkpoint.path), checkpoint.manifest_hash)
        services.mark_checkpoint(checkpoint.id, verified=whole)
        if whole:
            return checkpoint, broken
        broken.append(checkpoint)
    return None, broken


def is_whole(directory: Path, manifest_hash: str) -> bool:
    """Whether manifest.json is the one registered and each file it names has the size and SHA-256 it says."""
    try:
        manifest = (directory / "manifest.json").read_bytes()
        if hashlib.sha256(manifest).hexdigest() != manifest_hash:
            return False
        return all(_holds(directory, name, facts) for name, facts in json.loads(manifest)["files"].items())
    except (FileNotFoundError, NotADirectoryError, KeyError, ValueError):
        return False


def _holds(directory: Path, name: str, facts: dict[str, object]) -> bool:
    path = directory / name
    if path.stat().st_size != facts["size_bytes"]:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == facts["sha256"]

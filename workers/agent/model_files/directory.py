"""Which files a model's directory has, and the ones it must not have. No file is executed or unpickled, ever."""

import json
from pathlib import Path
from typing import Any

from workers.agent.jobs import JobRefused

PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".h5", ".msgpack")
JSON_BYTES = 64 * 2**20
FILES_LIMIT = 10_000


def check_place(path: Path, roots: list[Path] | None) -> Path:
    """The directory with links resolved. `roots` None allows any. Raises JobRefused."""
    if not path.is_dir():
        raise JobRefused("no_directory", f"There is no directory {path} on this worker.", "Copy the model there first.")
    place = path.resolve()
    if roots is not None and not any(place.is_relative_to(root.resolve()) for root in roots):
        names = ", ".join(map(str, roots))
        raise JobRefused("outside_roots", f"{path} leads to {place}, outside {names}.", "Put the model below one of these.")
    return place


def files_of(place: Path, roots: list[Path] | None) -> list[Path]:
    """The files of the directory itself, by name. Raises JobRefused for pickles and for links that lead away."""
    files = sorted(entry for entry in place.iterdir() if entry.is_file())
    if len(files) > FILES_LIMIT:
        raise JobRefused("too_many_files", f"{place} has {len(files)} files.", "Give the model's own directory.")
    pickled = [file.name for file in files if file.suffix.lower() in PICKLED]
    if pickled:
        named = ", ".join(pickled[:5])
        raise JobRefused(
            "pickled_weights",
            f"{named} may hold pickled code, which runs when it is loaded.",
            "Save the model as safetensors (safe_serialization=True), delete these files, then register it again.",
            [{"field": name, "message": "Not a safetensors file."} for name in pickled[:20]],
        )
    for file in files:
        if roots is not None and not any(file.resolve().is_relative_to(root.resolve()) for root in roots):
            raise JobRefused("outside_roots", f"{file.name} is a link to {file.resolve()}.", "Copy the file into the directory.")
    return files


def read_json(path: Path) -> dict[str, Any]:
    """An object. Raises JobRefused naming the file."""
    if path.stat().st_size > JSON_BYTES:
        raise JobRefused("file_too_large", f"{path.name} has {path.stat().st_size} bytes.", "Give a model saved by transformers.")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise JobRefused("bad_json", f"{path.name} cannot be read: {error}.", "Save the model again.") from error
    if not isinstance(found, dict):
        raise JobRefused("bad_json", f"{path.name} is no JSON object.", "Save the model again.")
    return found


def refuse_remote_code(path: Path, document: dict[str, Any]) -> None:
    """A model that brings its own Python is refused: running it would let whoever wrote it in."""
    if document.get("auto_map") or document.get("trust_remote_code"):
        raise JobRefused(
            "remote_code",
            f"{path.name} asks to run the model's own Python code (auto_map).",
            "Use a model whose architecture transformers itself knows.",
        )

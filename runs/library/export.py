"""A model as one tar archive, streamed: what transformers and peft load, and nothing that is not the model's.

The archive's size is known before its first byte, so that a download shows how far it is and a cut one is noticed. Memory
holds one block at a time whatever the model's size.
"""

import io
import json
import tarfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

from runs.library.models import BESIDE
from runs.problems import Conflict

BLOCK_BYTES = 2**20
RECORD = tarfile.BLOCKSIZE
ENDING = 2 * RECORD
LEFT_OUT = frozenset({"optimizer.safetensors", "trainer_state.json", "training_args.bin"})
BASE, ADAPTER = "base", "adapter"
HOUSE_KINDS = frozenset({"bottleneck", "curlora"})
"""Kinds of adapters that are the engine's own."""


@dataclass(frozen=True)
class Entry:
    """One file of the archive: `content` where it is written anew, else the bytes of `path`."""

    name: str
    path: Path
    size: int
    content: bytes | None = None


def entries(name: str, path: str, adapter_path: str = "") -> list[Entry]:
    """The files of a model below a folder of its name; an adapter's base and adapter lie side by side in it.

    Raises Conflict when they are gone.
    """
    folder = folder_of(name)
    if not adapter_path:
        return _files(folder, Path(path))
    files = _files(f"{folder}/{BASE}", Path(path)) + _files(f"{folder}/{ADAPTER}", Path(adapter_path), adapter_of=f"../{BASE}")
    said = _words(Path(adapter_path)).encode()
    return [*files, Entry(f"{folder}/README.txt", Path(adapter_path), len(said), said)]


def folder_of(name: str) -> str:
    """A model's name as a file may be called anywhere: no separators, no control characters, not hidden."""
    return "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in name).strip(".-") or "model"


def archive_bytes(given: list[Entry]) -> int:
    """How long the archive is."""
    return sum(len(_header(one)) + -(-one.size // RECORD) * RECORD for one in given) + ENDING


def archive(given: list[Entry]) -> Iterator[bytes]:
    """The archive a block at a time. Raises OSError when a file changes its size or goes meanwhile."""
    for one in given:
        yield _header(one)
        written = 0
        with io.BytesIO(one.content) if one.content is not None else one.path.open("rb") as file:
            while block := file.read(min(BLOCK_BYTES, one.size - written)):
                written += len(block)
                yield block
        if written != one.size:
            raise OSError(f"{one.path} has changed while it was read.")
        yield b"\0" * (-one.size % RECORD)
    yield b"\0" * ENDING


def archive_answer(name: str, given: list[Entry]) -> StreamingHttpResponse:
    """The archive as a download, read in threads of its own so that no other request waits for the disk."""
    file = content_disposition_header(True, f"{folder_of(name)}.tar") or "attachment"
    headers = {"Content-Length": str(archive_bytes(given)), "Content-Disposition": file}
    return StreamingHttpResponse(_blocks(archive(given)), content_type="application/x-tar", headers=headers)


async def _blocks(archived: Iterator[bytes]) -> AsyncIterator[bytes]:
    def following() -> bytes:
        return next(archived, b"")

    while block := await sync_to_async(following, thread_sensitive=False)():
        yield block


def _files(folder: str, place: Path, *, adapter_of: str = "") -> list[Entry]:
    if not place.is_dir():
        raise Conflict("model_gone", f"The files at {place} are gone. Register the model again, or take another checkpoint.")
    found = []
    for file in sorted(place.iterdir()):
        if not file.is_file() or file.name.startswith(".") or file.name in LEFT_OUT:
            continue
        content = _with_base(file, adapter_of) if adapter_of and file.name == "adapter_config.json" else None
        found.append(Entry(f"{folder}/{file.name}", file, len(content) if content is not None else file.stat().st_size, content))
    return found


def _words(adapter: Path) -> str:
    """What the two folders are, and who loads them."""
    config = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
    kind = str(config.get("peft_type") or "LORA").lower()
    lines = [f"{BASE}: a model that transformers loads.", f"{ADAPTER}: an adapter of kind {kind}, trained on it."]
    if kind in HOUSE_KINDS:
        lines.append("peft alone does not know this kind: import workers.engine.modeling.house_tuners of Lodestar first, then")
    lines.append(f'peft.PeftModel.from_pretrained(base_model, "{ADAPTER}") puts it onto the base.')
    if kind in BESIDE:
        lines.append(f"It is {BESIDE[kind]} and cannot be merged into the base's weights.")
    return "\n".join(lines) + "\n"


def _with_base(file: Path, base: str) -> bytes:
    """An adapter's config that names the base beside it, not a path of our disk."""
    config = json.loads(file.read_text(encoding="utf-8"))
    return json.dumps(config | {"base_model_name_or_path": base}, indent=2).encode()


def _header(entry: Entry) -> bytes:
    info = tarfile.TarInfo(entry.name)
    info.size, info.mode = entry.size, 0o644
    return info.tobuf(tarfile.PAX_FORMAT)

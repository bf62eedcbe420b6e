"""Safetensors as bytes: headers checked against the files they describe, parameters counted, weights hashed.

Format: 8 bytes, little-endian length of the header; the header, JSON of {name: {dtype, shape, data_offsets}}; the data.
"""

import hashlib
import json
import struct
from collections import Counter
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

from workers.agent.jobs import JobRefused
from workers.agent.model_files.directory import read_json

HEADER_BYTES = 100 * 2**20
BLOCK = 4 * 2**20
BITS = {
    "F64": 64, "I64": 64, "U64": 64, "F32": 32, "I32": 32, "U32": 32, "F16": 16, "BF16": 16, "I16": 16, "U16": 16,
    "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "I8": 8, "U8": 8, "BOOL": 8, "F4": 4, "C64": 64,
}  # fmt: skip
NAMES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "F8_E4M3": "float8", "I8": "int8"}
REMEDY = "Save the model again with safetensors, or copy the file again."


class Weights(NamedTuple):
    """`dtype` is the one most parameters have; `sha256` is over the files in order of name."""

    parameters: int
    dtype: str
    size_bytes: int
    sha256: str


def read_weights(files: list[Path], progress: Callable[[float, str], None]) -> Weights:
    """All weights of a directory whose `files` these are. Raises JobRefused naming the file and what is wrong."""
    shards = _shards(files)
    counts: Counter[str] = Counter()
    for shard in shards:
        counts += _counts(shard)
    size = sum(shard.stat().st_size for shard in shards)
    dtype = counts.most_common(1)[0][0] if counts else ""
    return Weights(sum(counts.values()), NAMES.get(dtype, dtype.lower()), size, _hash(shards, size, progress))


def _shards(files: list[Path]) -> list[Path]:
    """The weight files; with an index, exactly those that it names."""
    found = [file for file in files if file.suffix == ".safetensors"]
    if not found:
        remedy = "Save the model as safetensors (safe_serialization=True)."
        raise JobRefused("no_weights", "There is no .safetensors file.", remedy)
    index = next((file for file in files if file.name.endswith(".safetensors.index.json")), None)
    if index is None:
        return found
    named = read_json(index).get("weight_map")
    if not isinstance(named, dict) or not named:
        raise JobRefused("bad_index", f"{index.name} has no weight_map.", REMEDY)
    missing = sorted(set(map(str, named.values())) - {file.name for file in found})
    if missing:
        raise JobRefused("missing_shard", f"{index.name} names {missing[0]}, which is not there.", "Copy all shards.")
    return [file for file in found if file.name in set(named.values())]


def _counts(shard: Path) -> "Counter[str]":
    """Parameters by type; every tensor's bytes must lie inside the file and fit its shape."""
    header, room = _header(shard)
    counts: Counter[str] = Counter()
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        dtype, elements, start, end = _entry(shard, name, entry)
        if not 0 <= start <= end <= room or (dtype in BITS and (end - start) * 8 != elements * BITS[dtype]):
            raise JobRefused("bad_weights", f"{shard.name}: the bytes of {name[:100]} do not fit its shape.", REMEDY)
        counts[dtype] += elements
    return counts


def _header(shard: Path) -> tuple[dict[str, Any], int]:
    """The header, and how many bytes of data stand behind it."""
    size = shard.stat().st_size
    with shard.open("rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else size
        if length > min(HEADER_BYTES, size - 8):
            raise JobRefused("bad_weights", f"{shard.name} is cut off or no safetensors file.", REMEDY)
        text = file.read(length)
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise JobRefused("bad_weights", f"{shard.name} has no readable header.", REMEDY) from error
    if not isinstance(header, dict):
        raise JobRefused("bad_weights", f"{shard.name} has no readable header.", REMEDY)
    return header, size - 8 - length


def _entry(shard: Path, name: str, entry: Any) -> tuple[str, int, int, int]:
    try:
        start, end = map(int, entry["data_offsets"])
        shape = [int(length) for length in entry["shape"]]
        dtype = str(entry["dtype"])
    except (KeyError, TypeError, ValueError) as error:
        raise JobRefused("bad_weights", f"{shard.name}: the entry of {name[:100]} cannot be read.", REMEDY) from error
    if any(length < 0 for length in shape):
        raise JobRefused("bad_weights", f"{shard.name}: the shape of {name[:100]} cannot be.", REMEDY)
    return dtype, prod(shape), start, end


def _hash(shards: list[Path], size: int, progress: Callable[[float, str], None]) -> str:
    digest, done = hashlib.sha256(), 0
    for shard in shards:
        with shard.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
                done += len(block)
                progress(done / max(size, 1), f"Hashing {shard.name}")
    return digest.hexdigest()

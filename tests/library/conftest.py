"""A desk for each test, and directories that look like models."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.datasets.desk import Desk, desk_at

CONFIG = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 64, "max_position_embeddings": 128}
TOKENIZER = {"model": {"type": "BPE", "vocab": {}, "merges": []}}
TOKENIZER_CONFIG = {"eos_token": {"content": "</s>"}, "pad_token": "<pad>", "chat_template": "{{ messages }}"}


@pytest.fixture
def desk(db: None, tmp_path: Path, settings: Any) -> Desk:
    return desk_at(tmp_path, settings)


@pytest.fixture
def make_model(desk: Desk) -> Callable[..., Path]:
    """A directory below the models' root; `files` adds to it or, with None, leaves out."""

    def make(name: str = "tiny", **files: Any) -> Path:
        place = desk.models / name
        place.mkdir(parents=True)
        given: dict[str, Any] = {
            "config.json": CONFIG,
            "tokenizer.json": TOKENIZER,
            "tokenizer_config.json": TOKENIZER_CONFIG,
            "model.safetensors": safetensors({"embed": ("BF16", [64, 8]), "norm": ("F32", [8])}),
        } | {key.replace("__", "."): value for key, value in files.items()}
        for file, content in given.items():
            if content is not None:
                (place / file).write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return place

    return make


def safetensors(tensors: dict[str, tuple[str, list[int]]]) -> bytes:
    """A file of zeros in the format."""
    widths = {"F32": 4, "BF16": 2}
    header, at = {}, 0
    for name, (dtype, shape) in tensors.items():
        size = widths[dtype]
        for length in shape:
            size *= length
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(at)

"""A model's directory as the library shows it: architecture, size, context, tokenizer, hash of the weights."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workers.agent.jobs import JobRefused
from workers.agent.model_files.directory import check_place, files_of, read_json, refuse_remote_code
from workers.agent.model_files.weights import read_weights

CONTEXT_KEYS = ("max_position_embeddings", "n_positions", "max_sequence_length", "seq_length", "n_ctx")
TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model")


def describe(path: Path, *, roots: list[Path] | None, progress: Callable[[float, str], None]) -> dict[str, Any]:
    """Columns of `LibraryModel`. `roots` None: any place. Raises JobRefused, with reason and remedy."""
    place = check_place(path, roots)
    files = files_of(place, roots)
    names = {file.name: file for file in files}
    if "config.json" not in names:
        raise _missing(place, names)
    if "adapter_config.json" in names:
        raise JobRefused(
            "adapter",
            f"{place} has an adapter_config.json beside config.json, which is put onto the model unseen whenever it is loaded.",
            "Delete adapter_config.json, or merge the adapter into its base model.",
        )
    config = read_json(names["config.json"])
    refuse_remote_code(names["config.json"], config)
    architecture = _architecture(config)
    kind = _model_kind(architecture, config)
    tokenizer = _tokenizer(names)
    weights = read_weights(files, progress)
    inner = config.get("text_config")
    text = inner if isinstance(inner, dict) else config
    return {
        "path": str(place),
        "architecture": architecture,
        "kind": kind,
        "parameters": weights.parameters,
        "context_length": _whole(next((text[key] for key in CONTEXT_KEYS if key in text), None)),
        "vocab_size": _whole(text.get("vocab_size")),
        "size_bytes": sum(file.stat().st_size for file in files),
        "dtype": weights.dtype,
        "weights_hash": weights.sha256,
        "tokenizer": tokenizer,
    }


def describe_adapter(path: Path, *, progress: Callable[[float, str], None]) -> dict[str, Any]:
    """An adapter that a run of ours trained, with the base it names; the hash covers both. Raises JobRefused."""
    place = check_place(path, None)
    files = files_of(place, None)
    config = read_json(place / "adapter_config.json")
    base = config.get("base_model_name_or_path")
    if not isinstance(base, str) or not Path(base).is_absolute():
        raise JobRefused("adapter_base", f"{place} does not say where its base model is.", "Register the run's merged model.")
    found = describe(Path(base), roots=None, progress=progress)
    weights = read_weights(files, progress)
    return found | {
        "adapter_path": str(place),
        "adapter_kind": _adapter_kind(config),
        "size_bytes": found["size_bytes"] + weights.size_bytes,
        "weights_hash": hashlib.sha256(f"{found['weights_hash']} {weights.sha256}".encode()).hexdigest(),
    }


def _adapter_kind(config: dict[str, Any]) -> str:
    """peft's type, with the two relatives that it keeps under LoRA's."""
    kind = str(config.get("peft_type") or "lora").lower()[:40]
    if kind == "lora" and config.get("use_dora"):
        return "dora"
    return "rslora" if kind == "lora" and config.get("use_rslora") else kind


def _missing(place: Path, names: dict[str, Path]) -> JobRefused:
    if "adapter_config.json" in names:
        return JobRefused("adapter", f"{place} is an adapter, not a model.", "Merge it into its base model, then register that.")
    return JobRefused("no_config", f"{place} has no config.json.", "Give a directory saved by transformers' save_pretrained.")


def _architecture(config: dict[str, Any]) -> str:
    named = config.get("architectures")
    if isinstance(named, list) and named and isinstance(named[0], str):
        return named[0][:200]
    raise JobRefused("no_architecture", "config.json names no architecture.", "Save the model with save_pretrained.")


def _model_kind(architecture: str, config: dict[str, Any]) -> str:
    """What the head answers. Raises JobRefused for a classifier of several labels that is no ensemble of reward heads."""
    if not architecture.endswith("ForSequenceClassification"):
        return "causal"
    labels = config.get("id2label")
    count = len(labels) if isinstance(labels, dict) else config.get("num_labels", 2)
    if count != 1 and not config.get("reward_objective"):
        remedy = "Register a reward model with one label, or the language model itself."
        raise JobRefused("not_one_label", f"{architecture} has {count} labels; a reward model has one.", remedy)
    return "reward"


def _tokenizer(names: dict[str, Path]) -> dict[str, Any]:
    """Kind, whether there is a chat template, the end and padding tokens."""
    if not any(name in names for name in TOKENIZER_FILES):
        raise JobRefused("no_tokenizer", "There is no tokenizer.", "Save it beside the model with save_pretrained.")
    settings = read_json(names["tokenizer_config.json"]) if "tokenizer_config.json" in names else {}
    if settings:
        refuse_remote_code(names["tokenizer_config.json"], settings)
    special = read_json(names["special_tokens_map.json"]) if "special_tokens_map.json" in names else {}
    return {
        "kind": _kind(names),
        "has_chat_template": "chat_template.jinja" in names or bool(settings.get("chat_template")),
        "pad_token": _token(settings.get("pad_token") or special.get("pad_token")),
        "eos_token": _token(settings.get("eos_token") or special.get("eos_token")),
    }


def _kind(names: dict[str, Path]) -> str:
    if "tokenizer.json" not in names:
        return "SentencePiece" if {"tokenizer.model", "spiece.model"} & names.keys() else "BPE"
    model = read_json(names["tokenizer.json"]).get("model")
    return str(model.get("type") or "BPE")[:40] if isinstance(model, dict) else "unknown"


def _token(found: Any) -> str | None:
    content = found.get("content") if isinstance(found, dict) else found
    return content[:100] if isinstance(content, str) else None


def _whole(found: Any) -> int | None:
    return found if isinstance(found, int) and 0 <= found < 2**31 else None

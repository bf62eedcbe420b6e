"""Models and tokenizers from their directories: through transformers, from safetensors only, never from the Hub."""

import json
import math
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from transformers.models.auto.modeling_auto import AutoModelForCausalLM, AutoModelForSequenceClassification
from transformers.models.auto.tokenization_auto import AutoTokenizer
from transformers.utils.quantization_config import BitsAndBytesConfig

from workers.contract.run_spec import ModelRef
from workers.engine.faults import ConfigFault, ModelFault
from workers.engine.modeling.flat_attention import NAME as FLAT


def check_there(path: Path) -> None:
    """Raises ModelFault when there is no such directory: transformers would take its path for a name on the Hub."""
    if not path.is_dir():
        raise ModelFault(f"The directory {path} is missing.", "Put the model back there, or choose another model.")


def check_directory(path: Path) -> None:
    """Raises ModelFault unless `path` is a model directory of transformers' layout with safetensors weights."""
    check_there(path)
    if not (path / "config.json").is_file():
        raise ModelFault(f"There is no model at {path}: config.json is missing.", "Register the model again.")
    if any(path.glob("*.safetensors")):
        return
    if any(file for pattern in ("*.bin", "*.pt", "*.pth", "*.ckpt") for file in path.glob(pattern)):
        raise ModelFault("The model's weights are pickled, and loading a pickle can run any code.",
                         "Convert it to safetensors: load it where you trust it, then save_pretrained(directory).")
    raise ModelFault(f"The model at {path} has no weights (*.safetensors).", "Register a model with its weights.")


def load_tokenizer(path: str) -> Any:
    """The model's tokenizer, its pad token defined (the end token when it has none). Raises ModelFault."""
    check_there(Path(path))
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise ModelFault(f"The tokenizer at {path} cannot be loaded: {error}.", "Register the model again.") from error
    if tokenizer.eos_token_id is None:
        raise ModelFault("The model's tokenizer has no end token, so an answer could never end.",
                         "Set eos_token in tokenizer_config.json.")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def check_tokens(role: str, ref: ModelRef, tokenizer: Any) -> None:
    """Raises ConfigFault unless the model in `role` reads the tokens that `tokenizer` writes, each by the same number."""
    if load_tokenizer(ref.path).get_vocab() != tokenizer.get_vocab():
        fault = ConfigFault(f"The {role} model{f' {ref.name}' if ref.name else ''} reads other tokens than the policy.",
                            f"Choose a {role} model with the policy's tokenizer: one made from the same base.")
        fault.field = "model"
        raise fault


def load_causal(path: str, *, four_bits: bool = False) -> Any:
    """The language model at `path` in float32 with flat attention; its linear layers in NF4 with `four_bits`, on the GPU.

    Raises ModelFault.
    """
    return _load(AutoModelForCausalLM, path, **_four_bits() if four_bits else {})


def _four_bits() -> dict[str, Any]:
    """QLoRA's numbers (arXiv 2305.14314): NF4 in blocks of 64, their scales in 8 bits, products in bfloat16."""
    asked = BitsAndBytesConfig(  # type: ignore[no-untyped-call]  # transformers leaves it untyped
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=torch.bfloat16,
        llm_int8_skip_modules=["lm_head", "score"])
    return {"device_map": {"": torch.cuda.current_device()}, "quantization_config": asked}


def load_scalar(path: str, *, heads: int = 1, four_bits: bool = False) -> Any:
    """The model at `path` with a head of `heads` numbers; a language model gets a fresh one, drawn from torch's generator.

    `four_bits` as for `load_causal`; the head keeps its numbers. Raises ModelFault, also for a head of another size.
    """
    said = declared_document(path)
    own = said.get("id2label")
    classifies = any(str(name).endswith("ForSequenceClassification") for name in said.get("architectures") or [])
    if classifies and isinstance(own, dict) and len(own) != heads:
        numbers = f"{len(own)} numbers for a text" if len(own) > 1 else "one number for a text"
        raise ModelFault(f"The reward model at {path} gives {numbers}, and {heads} {'is' if heads == 1 else 'are'} asked for.",
                         "An ensemble is asked by the ensemble term and goes on with as many heads as it has; elsewhere "
                         "choose a model with one number.")
    return _load(AutoModelForSequenceClassification, path, num_labels=heads, **_four_bits() if four_bits else {})


def _load(auto: Any, path: str, **more: Any) -> Any:
    check_directory(Path(path))
    try:
        return auto.from_pretrained(
            path, local_files_only=True, trust_remote_code=False, use_safetensors=True, dtype=torch.float32,
            attn_implementation=FLAT, **more)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelFault(f"The model at {path} cannot be loaded: {error}.", "Register the model again.") from error


def declared_context(path: str) -> int:
    """Positions the model at `path` knows, from its config; one that states no bound has none that matters."""
    return int(declared(path).get("max_position_embeddings") or 1 << 20)


def declared(path: str) -> dict[str, Any]:
    """What the model's config.json says of its language model. Raises ModelFault when there is no model."""
    said = declared_document(path)
    text: dict[str, Any] = said.get("text_config", said)
    return text


def declared_document(path: str) -> dict[str, Any]:
    """The model's whole config.json. Raises ModelFault when there is no model."""
    check_directory(Path(path))
    said: dict[str, Any] = json.loads((Path(path) / "config.json").read_text(encoding="utf-8"))
    return said


def stored_parameters(path: str) -> int:
    """Numbers in the model's safetensors files, read from their headers alone."""
    total = 0
    for file in sorted(Path(path).glob("*.safetensors")):
        with safe_open(file, framework="pt") as tensors:
            total += sum(math.prod(tensors.get_slice(name).get_shape()) for name in tensors.keys())  # noqa: SIM118 - not a dict
    return total

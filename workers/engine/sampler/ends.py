"""Where an answer ends."""

from typing import Any


def end_ids_of(tokenizer: Any, module: Any = None) -> list[int]:
    """The tokens that end an answer: the tokenizer's, and those of the model's generation config."""
    found = {tokenizer.eos_token_id}
    more = getattr(getattr(module, "generation_config", None), "eos_token_id", None)
    found |= set(more) if isinstance(more, list) else {more}
    return sorted(token for token in found if token is not None)

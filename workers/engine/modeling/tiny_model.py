"""A model of our own for demos and tests: about a million parameters, Llama's shape, made in seconds from a seed.

The tokenizer knows the 256 bytes and seven marks, so any text is a sequence of known tokens and a digit is always one
token. Its chat template carries generation markers, which say exactly what the assistant wrote.
"""

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from transformers.models.llama.configuration_llama import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaForCausalLM
from transformers.tokenization_utils_tokenizers import PreTrainedTokenizerFast

MARKS = ("<|pad|>", "<|begin|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>", "<|tool|>")
CHAT_TEMPLATE = (
    "{{- bos_token -}}"
    "{%- for message in messages -%}"
    "{%- if message.role == 'assistant' -%}"
    "{{- '<|assistant|>' -}}{%- generation -%}{{- message.content + eos_token -}}{%- endgeneration -%}"
    "{%- else -%}"
    "{{- '<|' + ('system' if message.role == 'developer' else message.role) + '|>' + message.content + eos_token -}}"
    "{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}"
)


def make_tokenizer(context_length: int = 2048) -> PreTrainedTokenizerFast:
    """Byte-level: token i of the first 256 is a byte, then the marks. Nothing is trained, so it is always the same."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    raw = Tokenizer(BPE(vocab={token: i for i, token in enumerate([*MARKS, *alphabet])}, merges=[]))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    raw.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=raw, pad_token="<|pad|>", bos_token="<|begin|>", eos_token="<|end|>",  # noqa: S106 - marks of a text
        extra_special_tokens=list(MARKS[3:]), model_max_length=context_length, clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def make_model(seed: int = 0, *, vocabulary: int = 264, width: int = 128, layers: int = 4, inner: int = 448,
               heads: int = 4, context_length: int = 2048) -> LlamaForCausalLM:
    """A freshly drawn Llama; the global random state is left as it was found."""
    config = LlamaConfig(
        vocab_size=vocabulary, hidden_size=width, intermediate_size=inner, num_hidden_layers=layers,
        num_attention_heads=heads, num_key_value_heads=heads, max_position_embeddings=context_length,
        tie_word_embeddings=True, pad_token_id=0, bos_token_id=1, eos_token_id=2,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LlamaForCausalLM(config)


def make_tiny(directory: Path, seed: int = 0) -> None:
    """Writes model and tokenizer to `directory` in transformers' layout."""
    directory.mkdir(parents=True, exist_ok=True)
    make_model(seed).save_pretrained(directory)
    make_tokenizer().save_pretrained(directory)

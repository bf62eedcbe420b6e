"""Models by role: loaded through transformers from safetensors only, wrapped by accelerate, scored in one flat pass."""

import importlib
import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from accelerate.accelerator import Accelerator
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn import functional as F
from transformers.models.auto.modeling_auto import AutoModelForCausalLM, AutoModelForSequenceClassification
from transformers.models.auto.tokenization_auto import AutoTokenizer

from workers.contract.run_spec import ModelKind, ModelRef
from workers.engine.composition import Role
from workers.engine.faults import ConfigFault, ModelFault
from workers.engine.flat_attention import NAME as FLAT
from workers.engine.flat_attention import Document, Layout, layout_of, layout_of_documents, position_ids
from workers.engine.logprobs import token_logprobs
from workers.engine.sample import Batch, Sample, Scores, batch_of
from workers.engine.training_config import TrainingConfig

SCORE_TOKENS = 16_384
"""Tokens of one micro-batch when nothing is kept for a backward pass."""


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


def load_causal(path: str) -> Any:
    """The language model at `path` in float32 with flat attention. Raises ModelFault."""
    return _load(AutoModelForCausalLM, path)


def load_scalar(path: str) -> Any:
    """The model at `path` with a head of one number; a language model gets a fresh one, drawn from torch's generator.

    Raises ModelFault.
    """
    return _load(AutoModelForSequenceClassification, path, num_labels=1)


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
    check_directory(Path(path))
    said: dict[str, Any] = json.loads((Path(path) / "config.json").read_text(encoding="utf-8"))
    text: dict[str, Any] = said.get("text_config", said)
    return text


def stored_parameters(path: str) -> int:
    """Numbers in the model's safetensors files, read from their headers alone."""
    total = 0
    for file in sorted(Path(path).glob("*.safetensors")):
        with safe_open(file, framework="pt") as tensors:
            total += sum(math.prod(tensors.get_slice(name).get_shape()) for name in tensors.keys())  # noqa: SIM118 - not a dict
    return total


class Scorer(nn.Module):
    """The model and its head as one module, so that accelerate sees a forward pass it can wrap."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.module = module

    def forward(  # noqa: PLR0917 - wrappers pass arguments by position
        self, ids: Tensor, positions: Tensor, layout: Layout, picked: Tensor, targets: Tensor, temperature: float, entropy: bool
    ) -> tuple[Tensor, Tensor | None, Tensor]:
        """ids and positions [N], picked [P] indexes the hidden states that predict targets [P] → three [P] tensors."""
        causal = _bare(self.module)
        hidden = causal.base_model(input_ids=ids[None], position_ids=positions[None], attention_mask=_no_mask(ids.device),
                                   use_cache=False, layout=layout).last_hidden_state[0]
        return token_logprobs(hidden.index_select(0, picked), causal.get_output_embeddings().weight, targets,
                              temperature=temperature, entropy=entropy)


class Valuer(nn.Module):
    """A sequence classifier with one label as one module: its score after each picked token."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.module = module

    def forward(self, ids: Tensor, positions: Tensor, layout: Layout, picked: Tensor) -> Tensor:
        """ids and positions [N]; picked [P] indexes tokens → their scores [P], float32."""
        classifier = _bare(self.module)
        hidden = classifier.base_model(input_ids=ids[None], position_ids=positions[None], attention_mask=_no_mask(ids.device),
                                       use_cache=False, layout=layout).last_hidden_state[0]
        scores: Tensor = classifier.score(hidden.index_select(0, picked)).squeeze(-1).float()
        return scores


class Model:
    """One role's view of a module: see `composition.ModelView`. Two views may share a module, one with its adapter off."""

    def __init__(self, scorer: Any, device: torch.device, *, trained: bool, adapter: bool = True,
                 precision: Callable[[], Any] = nullcontext) -> None:
        self.scorer = scorer
        self.trained = trained
        self._device = device
        self._adapter = adapter
        self._precision = precision

    @property
    def module(self) -> Any:
        scorer = self.scorer.module if isinstance(self.scorer, nn.parallel.DistributedDataParallel) else self.scorer
        return scorer.module

    @property
    def device(self) -> torch.device:
        return self._device

    def score(self, batch: Batch, *, temperature: float = 1.0, entropy: bool = False, where: Tensor | None = None) -> Scores:
        """See `composition.ModelView.score`. Tokens after the last scored one are not computed."""
        where = (batch.mask if where is None else where).clone()
        where[:, 0] = False
        found = Scores(
            logprobs=torch.zeros(batch.ids.shape, device=self._device),
            entropy=torch.zeros(batch.ids.shape, device=self._device) if entropy else None,
            correct=torch.zeros(batch.ids.shape, dtype=torch.bool, device=self._device), scored=where)
        if not bool(where.any()):
            return found
        training = self.trained and torch.is_grad_enabled()
        with self._as_declared(), self._precision(), torch.set_grad_enabled(training):
            _set_mode(self.module, training)
            logprobs, spread, correct = self.scorer(*_flat(batch, where), temperature, entropy)
        found.logprobs = found.logprobs.masked_scatter(where, logprobs)
        found.correct[where] = correct
        if entropy:
            found.entropy = torch.zeros_like(found.logprobs).masked_scatter(where, spread)
        return found

    def values(self, batch: Batch, *, where: Tensor | None = None) -> Tensor:
        """See `composition.ModelView.values`. Tokens after the last asked one are not computed."""
        where = batch.mask if where is None else where
        found = torch.zeros(batch.ids.shape, device=self._device)
        if not bool(where.any()):
            return found
        # A score after token t is found where a prediction of token t + 1 would be.
        wide = replace(batch, ids=F.pad(batch.ids, (0, 1)))
        ids, positions, layout, picked, _ = _flat(wide, F.pad(where, (1, 0)))
        training = self.trained and torch.is_grad_enabled()
        with self._as_declared(), self._precision(), torch.set_grad_enabled(training):
            _set_mode(self.module, training)
            return found.masked_scatter(where, self.scorer(ids, positions, layout, picked))

    def score_all(self, samples: Sequence[Sample], *, temperature: float = 1.0) -> list[Tensor]:
        """See `composition.ModelView.score_all`; results come in the order of `samples`."""
        answers: list[Tensor] = []
        with torch.no_grad():
            for piece in pieces_of(samples, micro_samples=len(samples), micro_tokens=SCORE_TOKENS):
                scores = self.score(batch_of(piece, self._device), temperature=temperature).logprobs.cpu()
                answers += [row[: len(sample)] for row, sample in zip(scores, piece, strict=True)]
        return answers

    @contextmanager
    def generating(self) -> Iterator[Any]:
        """See `composition.ModelView.generating`."""
        with self._as_declared(), torch.no_grad():
            _set_mode(self.module, False)
            yield self.module

    def _as_declared(self) -> Any:
        return nullcontext() if self._adapter else self.module.disable_adapter()


def pieces_of(samples: Sequence[Sample], *, micro_samples: int, micro_tokens: int | None = None,
              keep_groups: bool = False) -> list[list[Sample]]:
    """Cut in order into pieces of at most so many samples and tokens; a longer sample, or a kept group, stands alone."""
    pieces: list[list[Sample]] = []
    tokens = 0
    for unit in _units(samples, keep_groups):
        length = sum(len(sample) for sample in unit)
        full = pieces and (len(pieces[-1]) + len(unit) > micro_samples or
                           (micro_tokens is not None and tokens + length > micro_tokens))
        if not pieces or full:
            pieces.append([])
            tokens = 0
        pieces[-1] += unit
        tokens += length
    return pieces


def build(roles: Sequence[Role], refs: dict[str, ModelRef], config: TrainingConfig, accelerator: Accelerator, *,
          resume: Path | None, precision: Callable[[], Any]) -> dict[str, Model]:
    """Every role's model. A trained role resumes from `<resume>/<role>`; a sharing one is its partner with the adapter off.

    Raises ConfigFault for a role without a model, ModelFault for one that cannot be loaded.
    """
    models: dict[str, Model] = {}
    for role in sorted(roles, key=lambda role: role.share is not None):
        if role.share is not None and config.use_peft:
            models[role.name] = Model(models[role.share].scorer, accelerator.device, trained=False, adapter=False)
            continue
        if role.weights not in refs:
            raise ConfigFault(f"The run names no model for the role {role.weights}.", "Choose a model for it.")
        module = _load_role(role, refs[role.weights], config, resume)
        scorer = Valuer(module) if role.head == "scalar" else Scorer(module)
        module.requires_grad_(role.trained) if not adapted(role, config) else None
        prepared = accelerator.prepare(scorer) if role.trained else scorer.to(accelerator.device)
        models[role.name] = Model(prepared, accelerator.device, trained=role.trained, precision=precision)
    return models


def adapted(role: Role, config: TrainingConfig) -> bool:
    """Whether the role trains an adapter."""
    return role.trained and config.use_peft and role.adapter


def _load_role(role: Role, ref: ModelRef, config: TrainingConfig, resume: Path | None) -> Any:
    adapter = adapted(role, config)
    saved = resume / role.name if resume is not None and role.trained else None
    load = load_scalar if role.head == "scalar" else load_causal
    module = load(str(saved) if saved is not None and not adapter else ref.path)
    if role.head == "lm":
        _check_head(module)
    if ref.adapter_path is not None and (saved is None or adapter):
        check_there(Path(ref.adapter_path))
        module = _adapters().merged(module, ref.adapter_path)
    if adapter:
        module = _adapters().attach(module, config, saved)
    if role.trained and config.gradient_checkpointing:
        module.activation_checkpointing_enable(activation_checkpointing_kwargs={"use_reentrant": False})
    return module


def frozen(ref: ModelRef, device: torch.device) -> Model:
    """A model that only answers, as `ref.kind` says: log-probs and text, or scores. Raises ModelFault."""
    module = load_scalar(ref.path) if ref.kind is ModelKind.REWARD else load_causal(ref.path)
    if ref.kind is ModelKind.CAUSAL:
        _check_head(module)
    if ref.adapter_path is not None:
        check_there(Path(ref.adapter_path))
        module = _adapters().merged(module, ref.adapter_path)
    module.requires_grad_(False)
    wrapped = Valuer(module) if ref.kind is ModelKind.REWARD else Scorer(module)
    return Model(wrapped.to(device), device, trained=False)


def _adapters() -> Any:
    """peft costs seconds to import, and most runs do without it."""
    return importlib.import_module("workers.engine.adapters")


def _check_head(module: Any) -> None:
    """Raises ModelFault when the model's logits are more than its head's matrix product (soft caps, scaling)."""
    ids = torch.arange(min(4, module.config.vocab_size))[None]
    with torch.no_grad():
        whole = torch.log_softmax(module(input_ids=ids, use_cache=False).logits[0, :-1].float(), -1)
        hidden = module.base_model(input_ids=ids, use_cache=False).last_hidden_state[0, :-1]
        ours, _, _ = token_logprobs(hidden, module.get_output_embeddings().weight, ids[0, 1:])
    theirs = whole.gather(-1, ids[0, 1:, None]).squeeze(-1)
    if not torch.allclose(ours, theirs, atol=1e-4, rtol=1e-4):
        raise ModelFault(f"{type(module).__name__} changes its logits after the head, which is not supported yet.",
                         "Choose a model whose logits are its head's product.")


def _bare(module: Any) -> Any:
    """The transformers model below an adapter, whose layers still carry it."""
    return module.get_base_model() if hasattr(module, "peft_config") else module


def _set_mode(module: Any, training: bool) -> None:
    if module.training != training:
        module.train(training)


def _flat(batch: Batch, where: Tensor) -> tuple[Tensor, Tensor, Layout, Tensor, Tensor]:
    """The batch as one row up to each sample's last scored token: ids, positions, layout, picked, targets."""
    steps = torch.arange(batch.ids.shape[1], device=where.device)
    needed = (where * steps).amax(1).tolist()
    kept = [index for index, length in enumerate(needed) if length > 0]
    shared = _shared(batch, where, kept)
    if any(shared):
        return _flat_shared(batch, where, kept, needed, shared)
    lengths = [needed[index] for index in kept]
    ids = torch.cat([batch.ids[index, :length] for index, length in zip(kept, lengths, strict=True)])
    targets = batch.ids[where]
    positions, layout, starts = _shape(tuple(lengths), str(ids.device))
    row, column = where.nonzero(as_tuple=True)
    begin = torch.zeros(len(needed), dtype=torch.int64, device=ids.device)
    begin[kept] = starts
    return ids, positions, layout, begin[row] + column - 1, targets


def _shared(batch: Batch, where: Tensor, kept: Sequence[int]) -> list[int]:
    """For each kept sample, how many tokens it shares with its group: its prompt's, where all of the group agree, else 0.

    Only an unscored prompt is shared. Samples of a group stand one after another.
    """
    lengths = [0] * len(kept)
    for _, run in groupby(range(len(kept)), key=lambda place: batch.samples[kept[place]].group):
        places = list(run)
        first = kept[places[0]]
        length = batch.samples[first].prompt_length
        rows = torch.tensor([kept[place] for place in places], device=where.device)
        if (batch.samples[first].group < 0 or len(places) == 1 or length == 0 or bool(where[rows, :length].any())
                or any(batch.samples[kept[place]].prompt_length != length for place in places)
                or not bool((batch.ids[rows, :length] == batch.ids[first, :length]).all())):
            continue
        for place in places:
            lengths[place] = length
    return lengths


def _flat_shared(
    batch: Batch, where: Tensor, kept: list[int], needed: list[int], shared: list[int]
) -> tuple[Tensor, Tensor, Layout, Tensor, Tensor]:
    """`_flat` with each group's prompt in the row once, before its first sample's own tokens."""
    pieces, positions, documents = [], [], []
    at, prefix, group = 0, 0, -1
    for index, length in zip(kept, shared, strict=True):
        owner = length == 0 or batch.samples[index].group != group
        group = batch.samples[index].group if length else -1
        if owner and length:
            pieces.append(batch.ids[index, :length])
            positions.append(torch.arange(length))
            at, prefix = at + length, at
        own = needed[index] - length
        pieces.append(batch.ids[index, length: needed[index]])
        positions.append(torch.arange(length, needed[index]))
        documents.append(Document(own, at, length, prefix, owner))
        at += own
    device = where.device
    row, column = where.nonzero(as_tuple=True)
    facts = torch.zeros(len(needed), 3, dtype=torch.int64, device=device)
    facts[kept] = torch.tensor([(doc.start, doc.shared, doc.prefix) for doc in documents], device=device)
    start, length_, prefix_ = facts[row].unbind(-1)
    before = column - 1
    picked = torch.where(before < length_, prefix_ + before, start + before - length_)
    return (torch.cat(pieces), torch.cat(positions).to(device), layout_of_documents(documents, device), picked,
            batch.ids[where])


@lru_cache(maxsize=64)
def _shape(lengths: tuple[int, ...], device: str) -> tuple[Tensor, Layout, Tensor]:
    sizes = torch.tensor(lengths)
    return position_ids(lengths).to(device), layout_of(lengths, device), (sizes.cumsum(0) - sizes).to(device)


@lru_cache(maxsize=8)
def _no_mask(device: torch.device) -> Tensor:
    """A mask of four dimensions is taken as it is by transformers; flat attention then looks at the layout instead."""
    return torch.zeros(1, 1, 1, 1, dtype=torch.bool, device=device)


def _units(samples: Sequence[Sample], keep_groups: bool) -> list[list[Sample]]:
    if not keep_groups:
        return [[sample] for sample in samples]
    units: dict[tuple[str, int], list[Sample]] = {}
    for index, sample in enumerate(samples):
        units.setdefault(("group", sample.group) if sample.group >= 0 else ("alone", index), []).append(sample)
    return list(units.values())

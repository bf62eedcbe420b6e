"""Models by role: loaded, wrapped by accelerate, scored in one flat pass."""

import importlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import torch
from accelerate.accelerator import Accelerator
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from workers.contract.run_spec import ModelKind, ModelRef
from workers.engine.composition import Role
from workers.engine.divergences import compare
from workers.engine.faults import ConfigFault, ModelFault
from workers.engine.modeling import prefix
from workers.engine.modeling.compiled import Compiled
from workers.engine.modeling.flat_attention import Layout
from workers.engine.modeling.flat_rows import flat
from workers.engine.modeling.fused import fuse
from workers.engine.modeling.loading import check_there, load_causal, load_scalar
from workers.engine.modeling.logprobs import tile_logits, token_logprobs
from workers.engine.modeling.precision import full
from workers.engine.sample import Against, Batch, Comparison, Sample, Scores, batch_of
from workers.engine.training import distributed, memory, sharding
from workers.engine.training.training_config import TrainingConfig

P = TypeVar("P")

SCORE_TOKENS = 16_384
"""Tokens of one micro-batch when nothing is kept for a backward pass."""


class _Flat(nn.Module):
    """A model that reads a flat row. `compile_layers` has torch compile its layers; what fails there is told."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.module = module
        self._picks = fuse(_bare(module))
        self._run: Callable[..., Any] = lambda **inputs: _bare(module).base_model(**inputs)

    def compile_layers(self, tell: Callable[[str], None]) -> None:
        self._run, self._picks = Compiled(self._run, tell), False

    def hidden(self, ids: Tensor, positions: Tensor, layout: Layout, picked: Tensor) -> Tensor:
        """Hidden states [P,D] at the `picked` tokens [P] of a row [N]; a model's prefix stands before each document."""
        before = prefix.prefix_of(self.module)
        more: dict[str, Any] = {} if before is None else {"prefix": before}
        more |= {"picked": picked} if self._picks else {}
        positions = positions if before is None else positions + before[0][0].shape[1]
        hidden: Tensor = self._run(input_ids=ids[None], position_ids=positions[None], attention_mask=_no_mask(ids.device),
                                   use_cache=False, layout=layout, **more).last_hidden_state[0]
        return hidden if self._picks else hidden.index_select(0, picked)


class Scorer(_Flat):
    """The model and its head as one module, so that accelerate sees a forward pass it can wrap."""

    def forward(  # noqa: PLR0917 - wrappers pass arguments by position
        self, ids: Tensor, positions: Tensor, layout: Layout, picked: Tensor, targets: Tensor, temperature: float, entropy: bool,
        against: Against | None = None,
    ) -> tuple[tuple[Tensor, Tensor | None, Tensor], Comparison | None]:
        """ids and positions [N], picked [P] indexes the hidden states that predict targets [P] → [P] tensors.

        Both heads' products are in here, for a wrapper may gather the weights for the length of this call only.
        """
        hidden, weight = self.states(ids, positions, layout, picked)
        compared = None if against is None else compare(hidden, weight, against)
        return token_logprobs(hidden, weight, targets, temperature=temperature, entropy=entropy), compared

    def states(self, ids: Tensor, positions: Tensor, layout: Layout, picked: Tensor) -> tuple[Tensor, Tensor]:
        """The picked hidden states [P,D] and the head's weight [V,D]."""
        return self.hidden(ids, positions, layout, picked), _bare(self.module).get_output_embeddings().weight


class Valuer(_Flat):
    """A sequence classifier as one module: its score after each picked token, or one for each label."""

    def forward(self, ids: Tensor, positions: Tensor, layout: Layout, picked: Tensor) -> Tensor:
        """ids and positions [N]; picked [P] indexes tokens → their scores [P], or [P,E] of E > 1 labels, float32."""
        scores: Tensor = _bare(self.module).score(self.hidden(ids, positions, layout, picked)).float()
        return scores.squeeze(-1) if scores.shape[-1] == 1 else scores


class Model:
    """One role's view of a module: see `composition.ModelView`. Two views may share a module, one with its adapter off."""

    def __init__(self, scorer: Any, device: torch.device, *, trained: bool, adapter: bool = True,
                 precision: Callable[[], Any] = nullcontext, dtype: torch.dtype | None = None, sharded: bool = False) -> None:
        """`dtype` is what products are computed in, whoever asks; None is the weights' own. A `sharded` model's weights are
        cut over the processes, which have to call it together."""
        self.scorer = scorer
        self.trained = trained
        self.sharded = sharded
        self._device = device
        self._adapter = adapter
        self._precision = precision
        self._dtype = dtype

    @property
    def module(self) -> Any:
        return self.scorer.module

    @property
    def device(self) -> torch.device:
        return self._device

    def score(self, batch: Batch, *, temperature: float = 1.0, entropy: bool = False, where: Tensor | None = None,
              against: Against | None = None) -> Scores:
        """See `composition.ModelView.score`. Tokens after the last scored one are not computed."""
        where = _predicted(batch, where)
        if against is not None or self._trains():
            return self._score(batch, where, temperature=temperature, entropy=entropy, against=against)
        return _joined(self._in_parts(batch, lambda rows: self._score(
            batch.rows(rows), where[rows], temperature=temperature, entropy=entropy, against=None)))

    def _score(self, batch: Batch, where: Tensor, *, temperature: float, entropy: bool, against: Against | None) -> Scores:
        found = Scores(
            logprobs=torch.zeros(batch.ids.shape, device=self._device),
            entropy=torch.zeros(batch.ids.shape, device=self._device) if entropy else None,
            correct=torch.zeros(batch.ids.shape, dtype=torch.bool, device=self._device), scored=where)
        if not bool(where.any()):
            found.compared = None if against is None else _placed(None, where)
            found.logprobs = found.logprobs + self._nothing(batch, temperature, False)
            return found
        training = self._trains()
        with self._as_declared(), self._precision(), torch.set_grad_enabled(training):
            _set_mode(self.module, training)
            (logprobs, spread, correct), compared = self.scorer(*flat(batch, where), temperature, entropy, against)
        found.logprobs = found.logprobs.masked_scatter(where, logprobs)
        found.correct[where] = correct
        if entropy:
            found.entropy = torch.zeros_like(found.logprobs).masked_scatter(where, spread)
        found.compared = None if against is None else _placed(compared, where)
        return found

    def states(self, batch: Batch, *, where: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """See `composition.ModelView.states`."""
        where = _predicted(batch, where)
        weight = _bare(self.module).get_output_embeddings().weight
        if not bool(where.any()):
            return weight.new_empty(0, weight.shape[1]), weight
        with self._as_declared(), self._precision(), torch.no_grad():
            _set_mode(self.module, False)
            found: tuple[Tensor, Tensor] = self.scorer.states(*flat(batch, where)[:4])
        return found

    def distributions(self, batch: Batch, *, temperature: float = 1.0, where: Tensor | None = None) -> Tensor:
        """See `composition.ModelView.distributions`."""
        training = self.trained and torch.is_grad_enabled()
        if self.sharded:
            raise ConfigFault("This method reads whole distributions of the model it trains, which cannot be cut over processes.",
                              "Train with a copy of the model in each process.")
        # torch's fused attention has no second derivative, its plain one has.
        with self._as_declared(), full(), sdpa_kernel(SDPBackend.MATH), torch.set_grad_enabled(training):
            _set_mode(self.module, False)
            hidden, weight = self.scorer.states(*flat(batch, _predicted(batch, where))[:4])
            return torch.log_softmax(tile_logits(hidden, weight, temperature), dim=-1)

    def values(self, batch: Batch, *, where: Tensor | None = None) -> Tensor:
        """See `composition.ModelView.values`. Tokens after the last asked one are not computed."""
        where = batch.mask if where is None else where
        if self._trains():
            return self._values(batch, where)
        return torch.cat(self._in_parts(batch, lambda rows: self._values(batch.rows(rows), where[rows])))

    def _values(self, batch: Batch, where: Tensor) -> Tensor:
        heads: int = self.module.config.num_labels
        found = torch.zeros(batch.ids.shape if heads == 1 else (*batch.ids.shape, heads), device=self._device)
        if not bool(where.any()):
            return found + self._nothing(batch)
        # A score after token t is found where a prediction of token t + 1 would be.
        wide = replace(batch, ids=F.pad(batch.ids, (0, 1)))
        ids, positions, layout, picked, _ = flat(wide, F.pad(where, (1, 0)))
        training = self._trains()
        with self._as_declared(), self._precision(), torch.set_grad_enabled(training):
            _set_mode(self.module, training)
            asked = where if heads == 1 else where[..., None].expand_as(found)
            return found.masked_scatter(asked, self.scorer(ids, positions, layout, picked))

    def score_all(self, samples: Sequence[Sample], *, temperature: float = 1.0) -> list[Tensor]:
        """See `composition.ModelView.score_all`; results come in the order of `samples`."""
        def scored(share: Sequence[Sample]) -> list[Tensor]:
            answers: list[Tensor] = []
            for piece in pieces_of(share, micro_samples=len(share), micro_tokens=SCORE_TOKENS):
                scores = self.score(batch_of(piece, self._device), temperature=temperature).logprobs.cpu()
                answers += [row[: len(sample)] for row, sample in zip(scores, piece, strict=True)]
            return answers

        with torch.no_grad():
            return scored(samples) if self.sharded else distributed.dealt(samples, scored)

    @contextmanager
    def generating(self) -> Iterator[Any]:
        """See `composition.ModelView.generating`."""
        with self._as_declared(), torch.no_grad(), sharding.unsharded(self.scorer) if self.sharded else nullcontext():
            _set_mode(self.module, False)
            before = prefix.prefix_of(self.module)
            yield self.module if before is None else prefix.PrefixedModel(self.module, before)

    def _trains(self) -> bool:
        """Whether a pass now is one that gradients come back through."""
        return self.trained and torch.is_grad_enabled()

    def _in_parts(self, batch: Batch, answer: Callable[[slice], P]) -> list[P]:
        """`answer` of the batch's rows, in as many parts as memory asks for."""
        if self.sharded or batch.size == 0:
            return [answer(slice(0, batch.size))]
        return memory.in_parts(memory.SCORING, batch.size, answer, weight=batch.ids.shape[1], what="tokens")

    def _nothing(self, batch: Batch, *asked: Any) -> Tensor | float:
        """0, and where processes compute together, the pass that the others wait for, with a gradient of 0."""
        if not self.sharded:
            return 0.0
        where = torch.zeros_like(batch.mask)
        where[0, 1] = True
        ids, positions, layout, picked, targets = flat(batch, where)
        with self._as_declared(), self._precision(), torch.set_grad_enabled(self._trains()):
            _set_mode(self.module, self._trains())
            found: Tensor = (self.scorer(ids, positions, layout, picked, targets, *asked)[0][0]
                             if isinstance(self.scorer, Scorer) else self.scorer(ids, positions, layout, picked))
        return 0.0 * found.sum()

    @contextmanager
    def _as_declared(self) -> Iterator[None]:
        reduced = nullcontext() if self._dtype is None else torch.autocast(self._device.type, self._dtype)
        with reduced, nullcontext() if self._adapter else self.module.disable_adapter():
            yield


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
          resume: Path | None, precision: Callable[[], Any], tell: Callable[[str], None], shard: bool = False,
          ) -> dict[str, Model]:
    """Every role's model. A trained role resumes from `<resume>/<role>`; a sharing one is its partner with the adapter off.

    What does not go as asked, and does not end the run, is told.

    Raises ConfigFault for a role without a model, ModelFault for one that cannot be loaded.
    """
    models: dict[str, Model] = {}
    # Answers are written, and references asked, in the numbers that the policy is trained in: else ratios would tell both apart.
    dtype = torch.bfloat16 if accelerator.mixed_precision == "bf16" else None
    for role in sorted(roles, key=lambda role: role.share is not None):
        if role.share is not None and config.use_peft:
            models[role.name] = Model(models[role.share].scorer, accelerator.device, trained=False, adapter=False,
                                      precision=precision, dtype=dtype)
            continue
        if role.weights not in refs:
            raise ConfigFault(f"The run names no model for the role {role.weights}.", "Choose a model for it.")
        module = _load_role(role, refs[role.weights], config, resume)
        scorer = Valuer(module) if role.head == "scalar" else Scorer(module)
        module.requires_grad_(role.trained) if not adapted(role, config) else None
        if config.torch_compile:
            scorer.compile_layers(tell)
        prepared = _prepared(scorer, accelerator, shard=shard) if role.trained else scorer.to(accelerator.device)
        models[role.name] = Model(prepared, accelerator.device, trained=role.trained, precision=precision, dtype=dtype,
                                  sharded=shard and role.trained)
    return models


def _prepared(scorer: nn.Module, accelerator: Accelerator, *, shard: bool) -> Any:
    """On its device and in its precision, equal in all processes. Gradients are summed by `accumulation`, so that no wrapper
    does; a sharded model's own hooks do."""
    prepared = accelerator.prepare_model(scorer, evaluation_mode=True)
    distributed.make_equal(prepared)
    if shard:
        sharding.shard(prepared, accelerator.device)
    return prepared


def trainable(module: Any) -> int:
    """How many numbers of the model take a gradient."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def adapted(role: Role, config: TrainingConfig) -> bool:
    """Whether the role trains an adapter."""
    return role.trained and config.use_peft and role.adapter


def _load_role(role: Role, ref: ModelRef, config: TrainingConfig, resume: Path | None) -> Any:
    adapter = adapted(role, config)
    saved = resume / role.name if resume is not None and role.trained else None
    place = str(saved) if saved is not None and not adapter else ref.path
    four_bits = adapter and config.load_in_4bit
    module = (load_scalar(place, heads=role.heads, four_bits=four_bits) if role.head == "scalar"
              else load_causal(place, four_bits=four_bits))
    module.config.update(dict(role.declares))
    if role.head == "lm":
        _check_head(module)
    if ref.adapter_path is not None and (saved is None or adapter):
        check_there(Path(ref.adapter_path))
        module = (_adapters().merged if role.trained else _adapters().carrying)(module, ref.adapter_path)
    if adapter:
        module = _adapters().attach(module, config, saved)
        # peft's wrapper begins in training and the model below it not: one mode for all, which `_set_mode` can tell.
        module.eval()
    if role.trained and config.gradient_checkpointing:
        module.activation_checkpointing_enable(activation_checkpointing_kwargs={"use_reentrant": False})
    return module


def frozen(ref: ModelRef, device: torch.device, *, heads: int = 1) -> Model:
    """A model that only answers, as `ref.kind` says: log-probs and text, or `heads` scores. Raises ModelFault."""
    module = load_scalar(ref.path, heads=heads) if ref.kind is ModelKind.REWARD else load_causal(ref.path)
    if ref.kind is ModelKind.CAUSAL:
        _check_head(module)
    if ref.adapter_path is not None:
        check_there(Path(ref.adapter_path))
        module = _adapters().carrying(module, ref.adapter_path)
    module.requires_grad_(False)
    wrapped = Valuer(module) if ref.kind is ModelKind.REWARD else Scorer(module)
    return Model(wrapped.to(device), device, trained=False)


def _adapters() -> Any:
    """peft costs seconds to import, and most runs do without it."""
    return importlib.import_module("workers.engine.modeling.adapters")


def _check_head(module: Any) -> None:
    """Raises ModelFault when the model's logits are more than its head's matrix product (soft caps, scaling)."""
    ids = torch.arange(min(4, module.config.vocab_size), device=module.device)[None]
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


def _joined(parts: Sequence[Scores]) -> Scores:
    """Scores of consecutive rows as those of all of them."""
    if len(parts) == 1:
        return parts[0]
    spreads = [part.entropy for part in parts if part.entropy is not None]
    return Scores(logprobs=torch.cat([part.logprobs for part in parts]), entropy=torch.cat(spreads) if spreads else None,
                  correct=torch.cat([part.correct for part in parts]), scored=torch.cat([part.scored for part in parts]))


def _predicted(batch: Batch, where: Tensor | None) -> Tensor:
    """A copy of `where`, else of the mask, without the first token, which nothing predicts."""
    where = (batch.mask if where is None else where).clone()
    where[:, 0] = False
    return where


def _placed(compared: Comparison | None, where: Tensor) -> Comparison:
    """The comparison of the positions of `where` [B,T] in their places, 0 elsewhere; of none at all when there is none."""
    zeros = torch.zeros(where.shape, device=where.device)
    if compared is None:
        return Comparison(zeros, zeros, where)
    return Comparison(zeros.masked_scatter(where, compared.divergence), zeros.masked_scatter(where, compared.teacher_entropy),
                      torch.zeros_like(where).masked_scatter(where, compared.agreement))


def _set_mode(module: Any, training: bool) -> None:
    if module.training != training:
        module.train(training)


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

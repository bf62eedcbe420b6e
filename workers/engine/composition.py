"""What a method is made of: roles, a cycle of phases, data, live fields. The loop trains whatever is declared here.

A method is one file of `methods`; its name is the slug with `_` for `-`. It exports

    class Config(TrainingConfig)                          every field with default, bounds, help
    CARD: Card                                            what the catalogue says (see `catalogue`)
    def compose(config: Config, setting: Setting) -> Composition

One turn of the cycle is one step of the run: the unit of metrics, control, checkpoints and `max_steps`. Phases run in
the order written. `Collect` makes samples (from a data set, the sampler, a store), `Fit` trains roles on them for
some epochs of mini-batches, `Apply` does anything else between (fit multipliers, refresh a reference, swap stores).
A phase that a turn skips (`every`) lets one method have cycles such as several critic turns for one of the actor.
Whatever must survive a restart beside models and data position is a `Stateful` in `state`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import torch
from torch import Tensor

from workers.contract.document import Document
from workers.contract.events import RolloutEvent
from workers.contract.products import ProductKind
from workers.contract.records import Record
from workers.contract.run_spec import RunSpec
from workers.engine.sample import Against, Batch, Counts, Rollout, Sample, Scores
from workers.engine.training.tally import Tally


class ModelView(Protocol):
    """One role's model as the parts see it. `module` is the transformers model on its device."""

    @property
    def module(self) -> Any: ...

    @property
    def device(self) -> torch.device: ...

    def score(self, batch: Batch, *, temperature: float = 1.0, entropy: bool = False, where: Tensor | None = None,
              against: Against | None = None) -> Scores:
        """Log-probs (and entropy) of the tokens of `batch` in one fused, chunked pass.

        Only positions where `where` [B,T] is True are scored; None means `batch.mask`. Gradients flow when the role
        is trained and torch's grad mode is on. `against` (`divergences.against`, of the same batch and `where`) adds the
        comparison with a frozen model.
        """
        ...

    def states(self, batch: Batch, *, where: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """No-gradient hidden states [N,D] that predict the N tokens where `where` [B,T] is True (in the order of
        `ids[where]`), and the head's weight [V,D]: what `divergences.against` keeps of a frozen model."""
        ...

    def distributions(self, batch: Batch, *, temperature: float = 1.0, where: Tensor | None = None) -> Tensor:
        """Log-distributions [N,V] of the N tokens where `where` [B,T] is True (None: the mask; at least one), held whole.

        For what has to differentiate twice: in float32, without dropout, outside a wrapper that adds up gradients.
        """
        ...

    def score_all(self, samples: Sequence[Sample], *, temperature: float = 1.0) -> list[Tensor]:
        """No-gradient log-probs [T] of each sample, on the CPU, cut into micro-batches inside."""
        ...

    def values(self, batch: Batch, *, where: Tensor | None = None) -> Tensor:
        """The scalar head's outputs [B,T] (of E > 1 heads [B,T,E]), float32: entry t after token t was read, 0 where `where`
        [B,T] is False.

        None means `batch.mask`. Gradients flow as in `score`. Only for a role whose head is scalar.
        """
        ...

    def generating(self) -> AbstractContextManager[Any]:
        """Within: eval mode, no gradients, adapter as this view has it. Yields the module."""
        ...


class Stream(Protocol):
    """A data set as an endless shuffled sequence; its position is part of every checkpoint."""

    rows: int

    def take(self, count: int) -> list[Sample]:
        """The next `count` samples; begins the next epoch (a new order) where one ends."""
        ...

    def news(self) -> str | None:
        """How many of the rows met gave no sample, when that has doubled since it was last told."""
        ...

    def take_tokens(self, budget: int) -> list[Sample]:
        """As many next samples as fit into `budget` tokens, at least one."""
        ...

    def all(self) -> Iterator[Sample]:
        """Every sample once, in file order; does not move the position."""
        ...

    @property
    def epoch(self) -> float:
        """Epochs begun and the fraction of the present one."""
        ...


@dataclass(slots=True)
class Turn:
    """What a phase sees of the running step.

    `live` holds the present value of every live field; read it at each use, it may change between turns. A controller
    sets what it steers here, and checkpoints keep it.
    `stores` is where `Collect` leaves samples and `Fit` finds them, by name, for the length of this turn.
    `wants_rollouts` is True when this turn should show what was written; `show` emits one.
    """

    step: int
    models: Mapping[str, ModelView]
    data: Mapping[str, Stream]
    tokenizer: Any
    live: dict[str, float]
    tally: Tally
    stores: dict[str, list[Sample]]
    wants_rollouts: bool
    show: Callable[[RolloutEvent], None]
    say: Callable[[str], None]
    """`say("generating 12/64")`: the few words a person reads while a phase is slow."""
    warn: Callable[[str], None] = field(default=lambda message: None)
    """A sentence for the run's log that somebody should read."""
    restart: Callable[[str], None] = field(default=lambda role: None)
    """Forgets what the optimizer of a role has gathered, for a role whose weights were put back."""


class Loss(Protocol):
    """One micro-batch's share of an update's loss, a scalar already divided by `counts`, so that the parts add up.

    Logs what it knows through `turn.tally`; calls any model of `turn.models`.
    """

    def __call__(self, turn: Turn, batch: Batch, counts: Counts) -> Tensor: ...


@dataclass(frozen=True)
class Collect:
    name: str
    gather: Callable[[Turn], list[Sample]]
    into: str = "batch"
    every: int = 1


@dataclass(frozen=True)
class Fit:
    """Trains `roles` on the store `source`: `epochs` passes, each cut into `updates` optimizer steps.

    A mini-batch is cut into micro-batches of at most `micro_samples` samples and, when set, `micro_tokens` tokens; groups
    stay whole when `keep_groups`. With several epochs or updates the order is shuffled anew for each epoch.
    """

    name: str
    roles: tuple[str, ...]
    loss: Loss
    source: str = "batch"
    epochs: int = 1
    updates: int = 1
    micro_samples: int = 8
    micro_tokens: int | None = None
    keep_groups: bool = False
    every: int = 1


@dataclass(frozen=True)
class Apply:
    name: str
    do: Callable[[Turn], None]
    every: int = 1


Phase = Collect | Fit | Apply


@dataclass(frozen=True)
class Role:
    """A model of the run.

    `weights` names the key of the spec's `models`; a role whose `share` names another is that model with its adapter
    off (or, under full fine-tuning, a frozen copy taken at the start of training, which checkpoints keep).
    `learning_rate` names the live field its optimizer reads. `head` "scalar" is one number for each token read, as
    transformers' sequence classifiers with one label have it; weights without such a head get a fresh one. `heads` is its
    number of labels, and `declares` what the saved config says of it (see `reward_heads`). `adapter` False trains all its
    weights even where the run trains adapters.
    """

    name: str
    trained: bool = False
    head: Literal["lm", "scalar"] = "lm"
    weights: str = "policy"
    share: str | None = None
    learning_rate: str = "learning_rate"
    adapter: bool = True
    heads: int = 1
    declares: Mapping[str, Any] = field(default_factory=dict)


class Stateful(Protocol):
    """A controller, store or schedule that checkpoints keep: tensors by name, and JSON values."""

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]: ...

    def restore(self, tensors: dict[str, Tensor], values: dict[str, Any]) -> None: ...


class UpdateHook(Stateful, Protocol):
    """What goes along with a trained role's optimizer, such as an adapter that changes its own shape; checkpoints keep it."""

    def term(self) -> Tensor | None:
        """A term of the role's parameters alone, added once to the loss of each update; a scalar, or nothing."""
        ...

    def stepped(self, step: int, tally: Tally) -> None:
        """Called after each of the role's optimizer steps, while the gradients are still there."""
        ...


Render = Callable[[Record, int], list[Sample]]
"""(record, row) -> its samples; an empty list drops the row. Raises `DataFault` for a row that cannot be read."""


@dataclass(frozen=True)
class Evaluation:
    """A measurement every `eval_steps` and at the end; answers metrics by full name, such as `eval/loss`."""

    suite: str
    measure: Callable[[Turn], dict[str, float]]


@dataclass(frozen=True)
class Report:
    """A document made of the trained models before the final one is written; it becomes `<output_dir>/<kind>.json`."""

    kind: ProductKind
    make: Callable[[Turn], Document]


@dataclass(frozen=True)
class Setting:
    """What a method may look at when it composes: the frozen spec, the tokenizer, the policy's context and size.

    `held` is what composing made ready, by name, for every composition of this setting; each has a `close()`.
    """

    spec: RunSpec
    tokenizer: Any
    context_length: int
    parameters: int
    held: dict[str, Any] = field(default_factory=dict)

    def close(self) -> None:
        """Ends what is held, the last made first. A second call does nothing."""
        while self.held:
            self.held.popitem()[1].close()


@dataclass(frozen=True)
class Composition:
    """A method, ready to be turned. `total_steps` None means: until a limit or a person ends it.

    `data` renders each role of the spec's data sets; `live` are the starting values of the live fields;
    `best` names the metric that marks the best checkpoint, with the way that is good. `rollouts_every` steps a turn
    shows what was written (0: only when asked).
    """

    roles: tuple[Role, ...]
    cycle: tuple[Phase, ...]
    data: Mapping[str, Render]
    total_steps: Callable[[Mapping[str, Stream]], int | None]
    live: Mapping[str, float]
    evaluations: tuple[Evaluation, ...] = ()
    reports: tuple[Report, ...] = ()
    state: Mapping[str, Stateful] = field(default_factory=dict)
    best: tuple[str, Literal["up", "down"]] | None = None
    rollouts_every: int = 0


class Generate(Protocol):
    """The sampler part: `count` answers for each prompt, in prompt order (all of prompt 0 first).

    Draws from torch's global generator, so that a checkpoint's state repeats it. `temperature` 0 is greedy.
    """

    def __call__(
        self, model: ModelView, prompts: Sequence[Tensor], *, count: int, max_new_tokens: int, temperature: float,
        top_p: float, top_k: int, end_ids: Sequence[int],
    ) -> list[Rollout]: ...

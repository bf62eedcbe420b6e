"""What every method's form shares: optimizer, schedule, adapters, evaluation, checkpoints. Names follow TRL's.

A field is declared once, here or in the method's file: default, bounds, help, unit; form, validation and docs follow.
`setting(...)` writes the schema keywords that steer the form.
"""

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, NamedTuple

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, ConfigDict, Field

from workers.contract.catalogue import MetricInfo


class Auto(NamedTuple):
    """A setting's value that leaves the choice to the engine, the word shown for it, and by what the engine chooses."""

    value: float | None
    word: str
    said: str


SECTIONS = (
    (0, "Method and batch"), (50, "Optimizer"), (60, "Adapter"), (70, "Evaluation"), (80, "Checkpoints and log"),
    (90, "Loss and reference"), (106, "Credit, advantage and loss"), (122, "Writing answers"), (130, "Values and KL control"),
    (140, "Curriculum"))
"""The first order of each section of the form, and its title."""


def setting(
    default: Any, title: str, help: str, *, group: Literal["basic", "advanced"] = "advanced", unit: str = "",  # noqa: A002
    live: bool = False, order: int = 100, auto: Auto | None = None, when: dict[str, Sequence[Any]] | None = None, **bounds: Any,
) -> Any:
    """A config field as the form draws it. `bounds` are pydantic's (`ge`, `gt`, `le`, `lt`, …).

    `when` names fields and those of their values with which this one means something: the form shows it only then. Among many
    fields it stands in the section that its `order` falls into.
    """
    section = next(title for first, title in reversed(SECTIONS) if order >= first)
    extra: dict[str, Any] = {"x-group": group, "x-order": order, "x-section": section}
    if unit:
        extra["x-unit"] = unit
    if live:
        extra["x-live"] = True
    if auto:
        extra["x-auto"] = auto._asdict()
    if when:
        extra["x-when"] = {name: list(values) for name, values in when.items()}
    return Field(default=default, title=title, description=help, json_schema_extra=extra, **bounds)


def again(parent: type[BaseModel], field: str, default: Any, help: str = "") -> Any:  # noqa: A002
    """The parent's field with another default, for a method that is a setting of what exists; an empty `help` is the parent's."""
    known = parent.model_fields[field]
    bounds = {type(bound).__name__.lower(): getattr(bound, type(bound).__name__.lower())
              for bound in known.metadata if isinstance(bound, Ge | Gt | Le | Lt)}
    return Field(default=default, title=known.title, description=help or known.description,
                 json_schema_extra=known.json_schema_extra, **bounds)


AdapterKind = Literal["lora", "rslora", "dora", "adalora", "curlora", "prefix", "p_tuning_v2", "ia3", "bottleneck"]
PREFIXES: tuple[AdapterKind, ...] = ("prefix", "p_tuning_v2")
UNMERGED: tuple[AdapterKind, ...] = (*PREFIXES, "bottleneck")
"""Kinds that are no change of the base's weights, so that no merging makes them one."""
_LORA = ("lora", "rslora", "dora")
_AT_MATRICES = (*_LORA, "adalora", "curlora")


def _with(*kinds: str) -> dict[str, Sequence[Any]]:
    return {"use_peft": [True], "adapter": kinds} if kinds else {"use_peft": [True]}


HELD_OUT_COUNT = MetricInfo(name="eval/samples", title="Held-out rows counted", panel="Evaluation", unit="rows")
"""What `eval/…` shares are shares of: answers for exact match, pairs for accuracy."""


class MethodConfig(BaseModel):
    """The base of every method's config: unknown fields and numbers that are none are errors."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class TrainingConfig(MethodConfig):
    """The base of a training method's config. A subclass changes a default by declaring the field again.

    `answers_per_sample` sequences stand for one sample of the batch size; `reads_texts_in_pieces` says that a plain text
    beyond `max_length` is cut into several samples, not cut off.
    """

    answers_per_sample: ClassVar[int] = 1
    reads_texts_in_pieces: ClassVar[bool] = False

    learning_rate: float = setting(
        0.0, "Learning rate", "How far each step moves the weights; 0 chooses by the model's size.",
        group="basic", order=10, live=True, auto=Auto(0, "auto", "Chosen by the model's size."), ge=0, le=1)
    per_device_train_batch_size: int = setting(
        8, "Batch size per device", "Samples computed at once. Halve it and double accumulation when memory runs out.",
        group="basic", order=20, unit="samples", ge=1, le=4096)
    gradient_accumulation_steps: int = setting(
        1, "Gradient accumulation", "Micro-batches summed before each step; equals one batch that much larger.",
        group="advanced", order=25, ge=1, le=1024)
    num_train_epochs: float = setting(
        1.0, "Epochs", "Passes over the data; ignored when the number of steps is set.",
        group="basic", order=30, gt=0, le=1000)
    max_steps: int = setting(
        -1, "Steps", "Number of steps; -1 takes it from the epochs.",
        group="basic", order=31, auto=Auto(-1, "from the epochs", "Taken from the epochs."), ge=-1, le=10_000_000)
    max_length: int = setting(
        1024, "Maximum length", "Longest sequence, prompt included; at most the model's context length.",
        group="basic", order=40, unit="tokens", ge=8, le=1_048_576)
    lr_scheduler_type: Literal["constant", "linear", "cosine"] = setting(
        "cosine", "Learning rate schedule", "How the learning rate falls after the warm-up.", order=50)
    warmup_ratio: float = setting(
        0.03, "Warm-up", "Share of the steps over which the learning rate rises from zero.", order=51, ge=0, le=1)
    weight_decay: float = setting(
        0.0, "Weight decay", "Pull of the weights towards zero (AdamW); biases and norms are left out.", order=52, ge=0, le=1)
    adam_beta2: float = setting(
        0.999, "Adam β₂", "Memory of the squared gradient.", order=53, gt=0, lt=1)
    max_grad_norm: float = setting(
        1.0, "Gradient norm limit", "Longer gradients are scaled down to this; 0 turns it off.", order=54, ge=0, le=1e6)
    gradient_checkpointing: bool = setting(
        False, "Gradient checkpointing", "Computes activations twice to hold fewer of them.", order=55)
    torch_compile: bool = setting(
        False, "Compile the model", "torch.compile of the forward pass: the first steps take minutes, and again for each new "
        "shape of a batch; later ones may be faster. What cannot be compiled runs as it is, and the log says so.", order=56)
    optim: Literal["adamw", "adafactor", "adamw_8bit"] = setting(
        "adamw", "Optimizer", "AdamW keeps two numbers for each trained one; adafactor a row and a column for each matrix; "
        "adamw_8bit two bytes, on a GPU with bitsandbytes.", order=57)
    use_peft: bool = setting(
        False, "Adapter", "Train a small adapter instead of all weights.", group="basic", order=60)
    adapter: AdapterKind = setting(
        "lora", "Adapter kind", "LoRA and its relatives (rsLoRA, DoRA, AdaLoRA, CURLoRA) change weight matrices, IA³ scales "
        "keys, values and the feed-forward, prefixes add keys and values to every layer, bottleneck adds small networks.",
        group="basic", order=61, when=_with())
    lora_r: int = setting(
        8, "Rank", "Rank of the adapter's matrices; for CURLoRA, columns and rows taken of each weight.", order=62,
        when=_with(*_LORA, "curlora"), ge=1, le=1024)
    lora_alpha: int = setting(
        16, "Alpha", "The adapter is scaled by alpha / rank; by alpha / √rank in rsLoRA.", order=64,
        when=_with(*_LORA, "adalora"), ge=1, le=4096)
    lora_dropout: float = setting(
        0.0, "Adapter dropout", "Share of the adapter's inputs dropped in training.", order=65, when=_with(*_LORA, "adalora"),
        ge=0, lt=1)
    lora_target_modules: str = setting(
        "all-linear", "Adapted layers", "`all-linear`, or names of layers separated by commas.", order=65,
        when=_with(*_AT_MATRICES), max_length=500)
    adalora_init_r: int = setting(
        12, "First rank", "Rank of every matrix before the budget falls.", order=62, when=_with("adalora"), ge=1, le=1024)
    adalora_target_r: int = setting(
        8, "Mean rank at the end", "The budget's end: on average; important matrices keep more.", order=63,
        when=_with("adalora"), ge=1, le=1024)
    adalora_tinit: float = setting(
        0.1, "Full budget", "Share of the steps before the budget begins to fall.", order=66, when=_with("adalora"),
        ge=0, lt=1)
    adalora_tfinal: float = setting(
        0.3, "Final budget", "Share of the steps, at the end, with the ranks as chosen.", order=67, when=_with("adalora"),
        ge=0, lt=1)
    adalora_delta_t: int = setting(
        1, "Choose ranks every", "Steps between two choices of what is kept.", order=68, unit="steps", when=_with("adalora"),
        ge=1, le=10_000)
    adalora_orth_weight: float = setting(
        0.5, "Orthogonality", "Weight of the term that keeps the directions of each matrix apart.", order=68,
        when=_with("adalora"), ge=0, le=100)
    num_virtual_tokens: int = setting(
        20, "Virtual tokens", "Trained keys and values before the text, in every layer; they take as many places of the context.",
        order=62, unit="tokens", when=_with(*PREFIXES), ge=1, le=4096)
    prefix_projection: bool = setting(
        False, "Prefix from a network", "Make the prefix by a network of two layers while it is trained; the network is dropped "
        "afterwards. P-Tuning v2 has none.", order=63, when=_with("prefix"))
    prefix_hidden_size: int = setting(
        0, "Width of that network", "Of the layer between.", order=64, when=_with("prefix") | {"prefix_projection": [True]},
        auto=Auto(0, "auto", "The model's width."), ge=0, le=65_536)
    bottleneck_size: int = setting(
        0, "Bottleneck", "Width of the small networks.", order=62, when=_with("bottleneck"),
        auto=Auto(0, "auto", "A sixteenth of the model's width."), ge=0, le=65_536)
    bottleneck_placement: Literal["houlsby", "pfeiffer"] = setting(
        "houlsby", "Placement", "houlsby: after attention and after the feed-forward; pfeiffer: after the feed-forward only.",
        order=63, when=_with("bottleneck"))
    bottleneck_activation: Literal["gelu", "relu"] = setting(
        "gelu", "Activation", "Between the small networks' two layers.", order=64, when=_with("bottleneck"))
    load_in_4bit: bool = setting(
        False, "Base in 4 bits", "QLoRA: the frozen base in NF4, the adapter beside it. Needs a GPU and bitsandbytes.", order=68,
        when=_with("lora", "rslora"))
    merge_adapter: bool | None = setting(
        None, "Merge the adapter", "Whether the final model has the adapter in its weights, or is the adapter alone. Prefixes "
        "and bottlenecks cannot be merged, nor can anything into a base of 4 bits.", order=69, when=_with(),
        auto=Auto(None, "where possible", "Merged where the kind allows it."))
    eval_steps: int = setting(
        50, "Evaluate every", "Steps between evaluations; 0 evaluates at the end only.", order=70, unit="steps", ge=0)
    eval_limit: int = setting(
        128, "Evaluation rows", "Rows of the evaluation split that are measured.", order=71, unit="rows", ge=1, le=100_000)
    eval_max_new_tokens: int = setting(
        64, "Evaluation answer length", "Longest answer written greedily when exact match is measured.",
        order=72, unit="tokens", ge=1, le=32_768)
    save_steps: int = setting(
        50, "Checkpoint every", "Steps between checkpoints; 0 keeps only asked and final ones.", order=80, unit="steps", ge=0)
    save_total_limit: int = setting(
        3, "Checkpoints kept", "Newest checkpoints kept beside the best one.", order=81, ge=1, le=1000)
    logging_steps: int = setting(
        1, "Log every", "Steps between points of the curves.", order=82, unit="steps", ge=1, le=10_000)
    on_not_finite: Literal["fail", "skip"] = setting(
        "fail", "When a loss is not a number", "Stop the run, or skip that step (at most ten in a row).", order=83)


def chosen_learning_rate(config: TrainingConfig, parameters: int, *, at_7b: float, highest: float) -> float:
    """The configured learning rate; for 0, `at_7b` · √(7e9 / parameters), ten times that under LoRA, at most `highest`.

    Small models need larger steps: the square root joins the usual values at 7B with those that train a million
    parameters.
    """
    if config.learning_rate > 0:
        return config.learning_rate
    return scaled_learning_rate(parameters, at_7b=at_7b, highest=highest, adapted=config.use_peft)


def scaled_learning_rate(parameters: int, *, at_7b: float, highest: float, adapted: bool) -> float:
    """`at_7b` · √(7e9 / parameters), ten times that for an adapter, at most `highest`; two digits."""
    scaled = at_7b * math.sqrt(7e9 / max(parameters, 1)) * (10 if adapted else 1)
    return float(f"{min(scaled, highest):.2g}")


def merges(config: TrainingConfig) -> bool:
    """Whether the final model is whole although the run trains an adapter."""
    possible = config.adapter not in UNMERGED and not config.load_in_4bit
    return config.use_peft and possible and config.merge_adapter is not False


def virtual_tokens(config: TrainingConfig) -> int:
    """Places of the context that a prefix takes."""
    return config.num_virtual_tokens if config.use_peft and config.adapter in PREFIXES else 0

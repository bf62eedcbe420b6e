"""One run from its spec to its final model: everything is put together here, then the loop turns."""

import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import torch
from accelerate.accelerator import Accelerator
from safetensors import SafetensorError
from transformers.utils import logging as transformers_logging

from workers.contract.events import AlertEvent, ArtifactEvent, DoneEvent
from workers.contract.products import ProductKind
from workers.contract.run_spec import RunKind, RunSpec
from workers.engine import task
from workers.engine.composition import Composition, Role, Setting, UpdateHook
from workers.engine.control import Inbox
from workers.engine.data.stream import RowStream
from workers.engine.events import EventLog
from workers.engine.faults import ConfigFault, DataFault, MemoryFault, is_memory_out, naming_full_disk
from workers.engine.method import config_of, method_of, primary_of, training_config_of
from workers.engine.modeling import adapter_checks, precision
from workers.engine.modeling.adaptive_rank import AdaptiveRank
from workers.engine.modeling.loading import check_tokens, declared, declared_context, load_tokenizer, stored_parameters
from workers.engine.modeling.models import Model, adapted, build, trainable
from workers.engine.training import checkpoint, distributed, generators, memory, optimizers, training_state
from workers.engine.training.loop import Loop
from workers.engine.training.training_config import TrainingConfig, merges
from workers.engine.training.training_state import TrainingState


def carry_out(spec: RunSpec, log: EventLog, inbox: Inbox) -> None:
    """Does what the spec's method does: trains and leaves a model in `<output_dir>/final`, or performs a task.

    Raises a Fault that says what went wrong.
    """
    method = method_of(spec.method)
    try:
        if method.CARD.kind is RunKind.TRAIN:
            _train(spec, log, inbox)
        else:
            task.perform(method, spec, log, inbox)
    except (RuntimeError, MemoryError, OSError) as error:
        if is_memory_out(error):
            raise _memory_fault(spec) from error
        raise


def _train(spec: RunSpec, log: EventLog, inbox: Inbox) -> None:
    loop = prepare(spec, log, inbox)
    with closing(loop.setting):
        log.log(_headline(spec, loop))
        ending = loop.run()
    if ending.keep:
        # Before the final model: merging an adapter ends its use in the loop's models.
        _write_reports(loop, Path(spec.output_dir), log)
        _write_final(loop, Path(spec.output_dir) / "final", log)
    log.write(DoneEvent(reason=ending.reason, detail=ending.detail, step=loop.state.step, summary=loop.summary()))


def _headline(spec: RunSpec, loop: Loop) -> str:
    """What the run is, in one line of its log."""
    state, policy, train = loop.state, primary_of(spec), spec.datasets.get("train")
    size = stored_parameters(policy.path)
    rows = f", {state.streams['train'].rows} rows of {train.name or train.split}" if train and "train" in state.streams else ""
    steps = "steps without an end" if loop.total is None else f"{loop.total} step{'s' * (loop.total != 1)}"
    role = next(role for role in loop.composition.roles if role.trained)
    trained = trainable(state.models[role.name].module)
    part = f", {loop.config.adapter} with {trained / 1e6:.3g}M trained" if adapted(role, loop.config) else ""
    begun = f" from step {state.step}" if state.step else ""
    place, threads = loop.accelerator.device.type, torch.get_num_threads()
    where = f"{threads} thread{'s' * (threads > 1)}" if place == "cpu" else place
    model = policy.name or Path(policy.path).name
    return f"{method_of(spec.method).CARD.title}: {model} ({size / 1e6:.1f}M parameters{part}){rows}, {steps}{begun}, on {where}."


def prepare(spec: RunSpec, log: EventLog, inbox: Inbox) -> Loop:
    """Everything loaded and put together, standing where the spec's checkpoint stands; whoever asked closes its setting.

    Raises a Fault.
    """
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    method = method_of(spec.method)
    config = training_config_of(method, spec.config)
    count = distributed.count() if distributed.count() > 1 else spec.resources.count
    if spec.resources.shard:
        _check_shardable(config)
    accelerator = Accelerator(cpu=spec.resources.gpus == 0,
                              mixed_precision="bf16" if spec.resources.precision == "bfloat16" else "no")
    memory.keep_freed()
    if spec.resources.threads:
        torch.set_num_threads(spec.resources.threads)
    distributed.set_streams(count)
    generators.seed_all(spec.seed)
    resume = _resume_place(spec, log)
    log.say("starting", "loading the model")
    adapter_checks.check(config, context_length=declared_context(primary_of(spec).path), gpus=spec.resources.gpus)
    tokenizer = load_tokenizer(primary_of(spec).path)
    for role, ref in spec.models.items():
        if ref.path != primary_of(spec).path:
            check_tokens(role, ref, tokenizer)
    setting = setting_of(spec, tokenizer)
    with ExitStack() as half_done:
        half_done.callback(setting.close)
        composition: Composition = method.compose(_shared_by(count, config), setting)
        scoring = precision.for_updates(accelerator.device, declared(primary_of(spec).path).get("hidden_size", 0))
        models = build(composition.roles, spec.models, config, accelerator, resume=resume, precision=scoring,
                       tell=lambda said: log.log(said, "warning"), shard=spec.resources.shard and distributed.count() > 1)
        log.say("starting", "reading the data")
        streams = _streams(spec, composition)
        hooks = _hooks(composition, models, config, streams)
        state = TrainingState(
            models=models, optimizers=_optimizers(composition.roles, models, config, accelerator), streams=streams,
            controllers={**composition.state, **{f"adapter-{role}": hook for role, hook in hooks.items()}},
            live=dict(composition.live), tokenizer=tokenizer, hooks=hooks)
        memory.begin(lambda message: log.write(AlertEvent(code="out_of_memory", message=message, step=state.step)))
        generators.seed_all(spec.seed)
        if resume is not None:
            training_state.load(state, resume)
        half_done.pop_all()
    return Loop(composition, config, spec.limits, state, setting=setting, accelerator=accelerator, precision=scoring, log=log,
                inbox=inbox, checkpoints=Path(spec.output_dir) / "checkpoints")


def _shared_by(count: int, config: TrainingConfig) -> TrainingConfig:
    """The config of a step that `count` processes share: each computes a batch of its own, as one process would one after
    another. Methods whose step does not follow from the batch size share the step that they have."""
    if "gradient_accumulation_steps" not in type(config).model_fields:
        return config
    return config.model_copy(update={"gradient_accumulation_steps": count * config.gradient_accumulation_steps})


def _check_shardable(config: TrainingConfig) -> None:
    if config.use_peft:
        raise ConfigFault("An adapter's base cannot be cut over processes.",
                          "Turn shard off: only the small adapter is trained, and each process holds the whole base.")


def setting_of(spec: RunSpec, tokenizer: Any) -> Setting:
    path = primary_of(spec).path
    return Setting(spec, tokenizer, context_length=declared_context(path), parameters=stored_parameters(path))


def _memory_fault(spec: RunSpec) -> MemoryFault:
    config = config_of(method_of(spec.method), spec.config)
    if not isinstance(config, TrainingConfig):
        return MemoryFault("Memory ran out.", "Lower the batch size of the run, or choose a smaller model.")
    return MemoryFault(
        f"Memory ran out with batches of {config.per_device_train_batch_size} samples up to {config.max_length} tokens.",
        "Halve per_device_train_batch_size and double gradient_accumulation_steps, lower max_length, "
        "or turn gradient_checkpointing on.")


def _resume_place(spec: RunSpec, log: EventLog) -> Path | None:
    """The checkpoint the spec names if it verifies, else the newest older one beside it that does, and says so."""
    if spec.resume_from is None:
        return None
    named = Path(spec.resume_from)
    found, passed = checkpoint.newest(named.parent, before=named)
    for reason in passed:
        log.log(f"A checkpoint was passed over: {reason}.", "warning")
    if found is None:
        raise DataFault(f"No whole checkpoint stands at {named}.", "Start the run afresh.")
    log.log(f"Resuming from {found.name}.")
    return found


def _optimizers(
    roles: Sequence[Role], models: Mapping[str, Model], config: TrainingConfig, accelerator: Accelerator
) -> dict[str, torch.optim.Optimizer]:
    """One for each trained role."""
    found = {}
    for role in roles:
        if role.trained:
            found[role.name] = accelerator.prepare(optimizers.make(models[role.name].module, config))
    return found


def _hooks(composition: Composition, models: Mapping[str, Model], config: TrainingConfig,
           streams: Mapping[str, RowStream]) -> dict[str, UpdateHook]:
    """For each role whose adapter chooses its ranks, what does so. Raises ConfigFault for a run without a planned end."""
    if not config.use_peft or config.adapter != "adalora":
        return {}
    planned = composition.total_steps(streams)
    return {role.name: AdaptiveRank(models[role.name].module, config, planned) for role in composition.roles
            if adapted(role, config)}


def _streams(spec: RunSpec, composition: Composition) -> dict[str, RowStream]:
    """A stream for each data set of the spec that the method renders. Raises DataFault without training data."""
    if "train" in composition.data and "train" not in spec.datasets:
        raise DataFault("The run names no training data.", "Choose a data set for the role train.")
    return {role: RowStream(ref, composition.data[role], spec.seed)
            for role, ref in spec.datasets.items() if role in composition.data}


def _write_reports(loop: Loop, output: Path, log: EventLog) -> None:
    """The method's documents, each under its own name when it is whole, each with an artifact event."""
    for kind, document in loop.reports():
        if distributed.rank() > 0:
            continue
        place = output / f"{kind.value}.json"
        partial = place.with_name(f".{place.name}.partial")
        with naming_full_disk():
            partial.write_text(document.model_dump_json(indent=1), encoding="utf-8")
            partial.rename(place)
        log.write(ArtifactEvent(kind=kind, path=str(place.resolve()), size_bytes=place.stat().st_size))


def _write_final(loop: Loop, place: Path, log: EventLog) -> None:
    """The first trained role as transformers loads it, beside its place first, then renamed. Says so in an artifact event."""
    log.say("stopping", "writing the final model")
    config, state = loop.config, loop.state
    role = next(role for role in loop.composition.roles if role.trained)
    model = state.models[role.name]
    module, weights = model.module, training_state.whole_weights_of(model)
    if distributed.rank() > 0:
        return
    if merges(config):
        module = module.merge_and_unload()
    partial = place.with_name(".final.partial")
    shutil.rmtree(partial, ignore_errors=True)
    with naming_full_disk():
        try:
            training_state.write_model(module, state.tokenizer, partial, weights=weights)
        except (OSError, SafetensorError):
            shutil.rmtree(partial, ignore_errors=True)
            raise
    shutil.rmtree(place, ignore_errors=True)
    partial.rename(place)
    size = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
    whole = ProductKind.REWARD_MODEL if role.head == "scalar" else ProductKind.MODEL
    kind = ProductKind.ADAPTER if config.use_peft and not merges(config) else whole
    log.write(ArtifactEvent(kind=kind, path=str(place.resolve()), size_bytes=size))

"""Preflight: what a short CPU check finds about a spec before any GPU is taken, with memory and time.

Checks go on past what fails where they can, so that the form shows everything at once. Parts of the run are timed when the
model is small enough (see `timing`); nothing is written but a scratch directory.
"""

import math
import tempfile
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import psutil
import torch
from pydantic import ValidationError

from workers.contract.catalogue import MethodCard
from workers.contract.preflight import Finding, Fix, MemoryEstimate, PreflightReport
from workers.contract.records import Record
from workers.contract.run_spec import ModelRef, RunKind, RunSpec
from workers.engine import run
from workers.engine.control import Inbox
from workers.engine.data.pairs import is_empty
from workers.engine.data.reading import read
from workers.engine.data.rendering import prompt_ids
from workers.engine.data.rows import Rows
from workers.engine.events import EventLog
from workers.engine.faults import ConfigFault, DataFault, Fault, ModelFault, RewardFault, UserCodeFault
from workers.engine.method import method_of, primary_of
from workers.engine.modeling import adapter_checks
from workers.engine.modeling.loading import check_tokens, declared, declared_context, load_tokenizer, stored_parameters
from workers.engine.modeling.models import adapted, trainable
from workers.engine.rewarding.reward_pipeline import Pipeline
from workers.engine.rollout import scoring
from workers.engine.rollout.verifiers import reference_of
from workers.engine.sample import Rollout, Sample
from workers.engine.training import optimizers, timing
from workers.engine.training.loop import Loop
from workers.engine.training.training_config import MethodConfig, TrainingConfig

ROWS_READ = 200
SAID = {"train": "training", "eval": "held-out"}
"""What the rows of a role are called in findings, where that is not the role's name."""
ROWS_TRIED = 4
"""Rows whose reference answers the reward is tried on."""
TIMED_PARAMETERS = 30_000_000
"""Largest model whose step is timed here."""
FIELDS: dict[type[Fault], str] = {ConfigFault: "", ModelFault: "model", DataFault: "data", RewardFault: "reward",
                                 UserCodeFault: "reward"}


def report(spec: RunSpec) -> PreflightReport:
    """The findings in the order a person would mend them: config, model, data, then memory and time."""
    try:
        method = method_of(spec.method)
    except ConfigFault as fault:
        return PreflightReport(ready=False, findings=[_finding(fault)])
    config, findings = _config(method, spec)
    findings += _models(method.CARD, spec)
    if isinstance(config, TrainingConfig) and not _broken(findings):
        findings += _adapters(config, spec)
    if config is None or _broken(findings):
        return PreflightReport(ready=False, findings=findings)
    tokenizer = load_tokenizer(primary_of(spec).path)
    if not isinstance(config, TrainingConfig):
        findings += _fitting_data(method.CARD, spec)
        findings += [] if _broken(findings) or not hasattr(method, "examine") else method.examine(config, spec)
        findings += [] if _broken(findings) else _reward(spec, tokenizer)
        return PreflightReport(ready=not _broken(findings), findings=findings)
    findings += _data(method.CARD, spec, config, tokenizer)
    findings += [] if _broken(findings) else _reward(spec, tokenizer)
    if _broken(findings):
        return PreflightReport(ready=False, findings=findings)
    found = PreflightReport(ready=True, findings=findings, parameters=stored_parameters(primary_of(spec).path))
    return _prepared(spec, config, found, longest=_longest(spec, config, tokenizer))


def _config(method: Any, spec: RunSpec) -> tuple[MethodConfig | None, list[Finding]]:
    try:
        return method.Config.model_validate(spec.config), []
    except ValidationError as error:
        return None, [Finding(level="error", code="config", field=".".join(str(part) for part in one["loc"]),
                              message=f"{one['msg']}.") for one in error.errors()]


def _models(card: MethodCard, spec: RunSpec) -> list[Finding]:
    """Every model the method needs can be loaded and its tokenizer fits it."""
    findings = [Finding(level="error", code="model_missing", field="model", message=f"Choose a model for the role {need.role}.")
                for need in card.models if need.required and need.role not in spec.models]
    first = spec.models.get(card.models[0].role)
    for role, ref in spec.models.items():
        try:
            declared_context(ref.path)
            findings += _vocabulary(ref.path, load_tokenizer(ref.path))
            if card.kind is RunKind.TRAIN and first is not None:
                check_tokens(role, ref, load_tokenizer(first.path))
        except Fault as fault:
            findings.append(_finding(fault))
    return findings + _own_teacher(spec, first)


def _own_teacher(spec: RunSpec, student: ModelRef | None) -> list[Finding]:
    """That a student who is its own teacher has nothing to learn."""
    teacher = spec.models.get("teacher")
    if teacher is None or student is None or (teacher.path, teacher.adapter_path) != (student.path, student.adapter_path):
        return []
    return [Finding(level="warning", code="own_teacher", field="model", message=(
        "The teacher is the student itself, so there is nothing to learn from it. "
        "Choose a larger model, or one that a run trained."))]


def _adapters(config: TrainingConfig, spec: RunSpec) -> list[Finding]:
    """What of the adapter's and the precision's settings contradicts itself, the model or this machine."""
    try:
        adapter_checks.check(config, context_length=declared_context(primary_of(spec).path), gpus=spec.resources.gpus)
    except ConfigFault as fault:
        return [_finding(fault)]
    return []


def _vocabulary(path: str, tokenizer: Any) -> list[Finding]:
    rows = declared(path)["vocab_size"]
    if len(tokenizer) <= rows:
        return []
    return [Finding(level="error", code="vocabulary", field="model", message=(
        f"The tokenizer knows {len(tokenizer)} tokens and the model only {rows}. "
        "Register the model with the tokenizer it was trained with."))]


def _data(card: MethodCard, spec: RunSpec, config: TrainingConfig, tokenizer: Any) -> list[Finding]:
    findings = _fitting_data(card, spec)
    if _broken(findings):
        return findings
    for role, ref in spec.datasets.items():
        try:
            findings += _rows(Rows(ref), config, tokenizer, spec, SAID.get(role, role))
        except Fault as fault:
            findings.append(_finding(fault))
    return findings


def _fitting_data(card: MethodCard, spec: RunSpec) -> list[Finding]:
    """Every data set that the method needs is there and of a kind that it reads."""
    findings = []
    for need in card.data:
        ref = spec.datasets.get(need.role)
        if ref is None:
            if need.required:
                findings.append(Finding(level="error", code="data_missing", field="data",
                                        message=f"Choose a data set for {need.role}."))
        elif ref.kind not in need.kinds:
            kinds = " or ".join(kind.value for kind in need.kinds)
            findings.append(Finding(level="error", code="data_kind", field="data", message=(
                f"{card.title} reads {kinds}; {ref.name or need.role} holds {ref.kind.value}. "
                "Choose another data set or method.")))
    return findings


def _rows(rows: Rows, config: TrainingConfig, tokenizer: Any, spec: RunSpec, said: str) -> list[Finding]:
    """Lengths of the first rows, which are called the `said` rows, against the maximum and the context."""
    context = declared_context(primary_of(spec).path)
    records = list(islice(iter(rows), ROWS_READ))
    wholes = [max((len(one.ids) for one in read(tokenizer, record)), default=0) for record in records]
    prompts = [len(prompt_ids(tokenizer, record.prompt, record.tools)) for record in records if record.prompt]
    fix = Fix(label=f"Set max_length to {min(context, max(wholes))}", set={"max_length": min(context, max(wholes))})
    if config.max_length > context:
        return [Finding(level="error", code="context", field="max_length",
                        message=f"max_length is {config.max_length} and the model's context is {context} tokens.",
                        fix=Fix(label=f"Set max_length to {context}", set={"max_length": context}))]
    mode = getattr(config, "truncation_mode", "keep_start")
    swallowed = 0 if mode == "keep_end" else sum(length >= config.max_length for length in prompts)
    if swallowed:
        level: Literal["error", "warning"] = "error" if swallowed == len(prompts) else "warning"
        hopeless = min(prompts) >= context
        return [Finding(level=level, code="prompt_too_long", field="max_length", fix=None if hopeless else fix, message=(
            f"{swallowed} of the first {len(records)} {said} prompts fill max_length {config.max_length}, "
            "which leaves no room for an answer."))]
    longer = [record for record, length in zip(records, wholes, strict=True) if length > config.max_length]
    cut = [record for record in longer if not (config.reads_texts_in_pieces and record.text is not None)]
    if cut:
        fate = "left out" if mode == "drop" else "cut"
        return [Finding(level="warning", code="truncation", field="max_length", fix=fix, message=(
            f"{len(cut)} of the first {len(records)} {said} rows are longer than max_length {config.max_length} "
            f"and will be {fate}.")), *_pairs(records)]
    pieces = f" {len(longer)} longer than max_length {config.max_length} will be read in pieces." if longer else ""
    return [Finding(level="ok", code="lengths", field="max_length", message=(
        f"The longest of the first {len(records)} {said} rows has {max(wholes)} tokens.{pieces}")), *_pairs(records)]


def _pairs(records: list[Record]) -> list[Finding]:
    """Pairs that teach nothing; an error when all of them are such."""
    pairs = [(record.chosen, record.rejected) for record in records if record.chosen is not None and record.rejected is not None]
    lost = sum(chosen == rejected or is_empty(chosen) or is_empty(rejected) for chosen, rejected in pairs)
    if not lost:
        return []
    return [Finding(level="error" if lost == len(pairs) else "warning", code="pairs", field="data", message=(
        f"{lost} of the first {len(pairs)} pairs cannot be told apart and will be left out: both answers are the same, "
        "or one is empty."))]


def _reward(spec: RunSpec, tokenizer: Any) -> list[Finding]:
    """The reward is prepared and tried on the reference answers of the first rows; an empty answer where there is none."""
    if spec.reward is None or not spec.datasets:
        return []
    ref = spec.datasets.get("train") or next(iter(spec.datasets.values()))
    records = [record for record in islice(iter(Rows(ref)), ROWS_TRIED) if record.prompt is not None]
    try:
        with closing(Pipeline(spec.reward, seed=spec.seed)) as pipeline:
            total = _tried(pipeline, records, tokenizer) if records else []
    except Fault as fault:
        return [_finding(fault)]
    said = ", ".join("none" if math.isnan(value) else f"{value:.3g}" for value in total)
    return [Finding(level="ok", code="reward", field="reward",
                    message=f"The reward was tried on the references of the first {len(total)} rows: {said}.")]


def _tried(pipeline: Pipeline, records: list[Record], tokenizer: Any) -> list[float]:
    prompts = [Sample(ids=torch.empty(0, dtype=torch.int64), mask=torch.empty(0, dtype=torch.bool), record=record)
               for record in records]
    texts = [reference_of(prompt.record) or "" for prompt in prompts]
    answers = [torch.tensor(tokenizer(text, add_special_tokens=False)["input_ids"], dtype=torch.int64) for text in texts]
    rollouts = [Rollout(prompt_ids=prompt.ids, completion_ids=answer, logprobs=torch.zeros(len(answer)), ended=True)
                for prompt, answer in zip(prompts, answers, strict=True)]
    found: list[float] = scoring.score(pipeline, prompts, rollouts, texts).total.tolist()
    return found


def _longest(spec: RunSpec, config: TrainingConfig, tokenizer: Any) -> int:
    """Tokens of the longest sequence to expect: of the first rows as they are, or prompt and the longest answer allowed."""
    records = list(islice(iter(Rows(spec.datasets["train"])), ROWS_READ))
    answer = getattr(config, "max_completion_length", None)
    if answer is None:
        lengths = [len(one.ids) for record in records for one in read(tokenizer, record)]
    else:
        lengths = [len(prompt_ids(tokenizer, record.prompt, record.tools)) + answer for record in records if record.prompt]
    return min(config.max_length, max(lengths, default=config.max_length))


def _memory(spec: RunSpec, config: TrainingConfig, loop: Loop, longest: int) -> MemoryEstimate:
    """Rough peak of all roles: weights, in float32 or 4 bits; of the trained ones gradients and what the optimizer keeps of
    them, and activations of one micro-batch of `longest` tokens each. A role that shares an adapted model's weights takes
    none of its own."""
    parts = dict.fromkeys(("weights", "gradients", "optimizer", "activations"), 0)
    for role in loop.composition.roles:
        if role.share is not None and config.use_peft:
            continue
        path = spec.models[role.weights].path
        parameters = stored_parameters(path)
        parts["weights"] += parameters // 2 if config.load_in_4bit and role.trained else 4 * parameters
        if role.trained:
            module = loop.state.models[role.name].module
            trained = trainable(module)
            parts["weights"] += 4 * trained if adapted(role, config) else 0
            parts["gradients"] += 4 * trained
            parts["optimizer"] += optimizers.kept_bytes(module, config)
            parts["activations"] += _activations(spec, config, declared(path), longest)
    return MemoryEstimate(**parts, total=sum(parts.values()), available=psutil.virtual_memory().available)


def _activations(spec: RunSpec, config: TrainingConfig, stated: dict[str, Any], longest: int) -> int:
    width, layers = stated.get("hidden_size", 0), stated.get("num_hidden_layers", 0)
    inner = stated.get("intermediate_size", 4 * width)
    tokens = config.per_device_train_batch_size * config.answers_per_sample * longest
    kept = 2 if config.gradient_checkpointing else 14 + 4 * inner // max(width, 1)
    return int(tokens * layers * width * kept * (2 if spec.resources.precision == "bfloat16" else 4))


def _memory_findings(memory: MemoryEstimate) -> list[Finding]:
    if memory.available is None or memory.total <= memory.available:
        return [Finding(level="ok", code="memory", message=f"About {memory.total / 2**30:.2f} GiB at its peak.")]
    return [Finding(level="warning", code="memory", field="per_device_train_batch_size", message=(
        f"About {memory.total / 2**30:.1f} GiB at its peak, and {memory.available / 2**30:.1f} GiB are free here. "
        "Lower the batch size or max_length, or turn gradient_checkpointing on."))]


def _prepared(spec: RunSpec, config: TrainingConfig, found: PreflightReport, *, longest: int) -> PreflightReport:
    """Composes the run for real, which catches what only that can and tells its memory; times parts of it when it is small."""
    with tempfile.TemporaryDirectory() as scratch:
        log = EventLog(Path(scratch) / "events.jsonl")
        spec = spec.model_copy(update={"output_dir": scratch, "resume_from": None})
        loop = None
        try:
            loop = run.prepare(spec, log, Inbox())
            memory = _memory(spec, config, loop, longest)
            found = found.model_copy(update={"memory": memory, "trainable": _trained(loop),
                                             "findings": [*found.findings, *_memory_findings(memory)]})
            why = _untimed(spec, found.parameters or 0)
            span = None if why else timing.measure(spec, loop, memory=memory)
        except Fault as fault:
            return found.model_copy(update={"ready": False, "findings": [*found.findings, _finding(fault)]})
        finally:
            log.close()
            if loop is not None:
                loop.setting.close()
    note = Finding(level="ok", code="time", message=why if span is None else span.basis)
    return found.model_copy(update={
        "findings": [*found.findings, note], "steps": loop.total, "step_seconds": span and span.step,
        "total_seconds": span and span.total})


def _trained(loop: Loop) -> int:
    """Trained numbers of the model that the run leaves."""
    role = next(role for role in loop.composition.roles if role.trained)
    return trainable(loop.state.models[role.name].module)


def _untimed(spec: RunSpec, parameters: int) -> str:
    """Why no step is timed here; empty when it is."""
    if spec.resources.gpus:
        return "A step is not timed: the check takes no GPU."
    if parameters > TIMED_PARAMETERS:
        return f"A step is not timed: the check would take too long with {parameters / 1e6:,.0f} million parameters."
    return ""


def _finding(fault: Fault) -> Finding:
    return Finding(level="error", code=fault.code, field=fault.field or FIELDS.get(type(fault), ""),
                   message=f"{fault.message} {fault.remedy}".strip())


def _broken(findings: list[Finding]) -> bool:
    return any(finding.level == "error" for finding in findings)

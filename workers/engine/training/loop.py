"""The training loop: turns the composition's cycle and names no algorithm.

One turn: obey what came on standard input, run the phases in order, log, evaluate, save, look at the limits. All that
a run is stands in `TrainingState`; the loop itself keeps only clocks.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import torch
from accelerate.accelerator import Accelerator
from pydantic import ValidationError

from workers.contract import control
from workers.contract.chat import ChatRefused
from workers.contract.document import Document
from workers.contract.events import (
    AlertEvent,
    ChangeEvent,
    CheckpointEvent,
    EvaluationEvent,
    MetricsEvent,
    ProgressEvent,
)
from workers.contract.products import ProductKind
from workers.contract.run_spec import Limits
from workers.engine.composition import Apply, Collect, Composition, Fit, Setting, Turn, UpdateHook
from workers.engine.control import Inbox
from workers.engine.events import EventLog
from workers.engine.faults import NotFiniteFault, Preempted
from workers.engine.modeling.models import pieces_of
from workers.engine.reports.chat import Chats
from workers.engine.sample import Sample
from workers.engine.training import checkpoint, distributed, sharding, training_state
from workers.engine.training.accumulation import accumulate
from workers.engine.training.optimizers import parameters_of
from workers.engine.training.schedule import factor
from workers.engine.training.tally import Tally
from workers.engine.training.training_config import TrainingConfig
from workers.engine.training.training_state import TrainingState

SKIPS_ALLOWED = 10
"""Updates in a row that `on_not_finite: skip` may leave out before the run fails after all."""
CHAT_TOKENS, CHATS_AT_ONCE = 512, 4
"""Training waits while the policy is asked, so it is not asked for long."""
NO_BOUND = 1 << 20


@dataclass(frozen=True)
class Ending:
    reason: Literal["finished", "limit", "stopped"]
    detail: str = ""
    keep: bool = True


class Loop:
    """Runs one attempt from where `state` stands to its end. `setting` is what the composition was made for."""

    def __init__(
        self, composition: Composition, config: TrainingConfig, limits: Limits, state: TrainingState, *,
        setting: Setting, accelerator: Accelerator, precision: Callable[[], AbstractContextManager[None]], log: EventLog,
        inbox: Inbox, checkpoints: Path,
    ) -> None:
        self.composition, self.config, self.limits, self.state = composition, config, limits, state
        self.setting = setting
        self.accelerator, self.precision, self.log, self.inbox = accelerator, precision, log, inbox
        self.checkpoints = checkpoints
        planned = composition.total_steps(state.streams)
        self.total = min((steps for steps in (planned, limits.max_steps) if steps is not None), default=None)
        self.planned = planned
        self._rollouts_asked = False
        self._skipped = 0
        self._seconds: float | None = None
        self._saved_step = state.step
        self._saved_bytes = 0
        self._values: dict[str, float] = {}
        self._chats: Chats | None = None

    def run(self) -> Ending:
        """Turns the cycle until the plan, a limit or a person ends it. Raises Preempted after SIGTERM, or a Fault."""
        state = self.state
        self.log.say("running", "")
        if state.step == 0:
            self.evaluate()
        while (ending := distributed.agreed(self._ended)) is None:
            if (ending := self._obey()) is not None:
                break
            started = time.monotonic()
            state.step += 1
            state.evaluated = {}
            tally = self.turn()
            elapsed = time.monotonic() - started
            state.elapsed += elapsed
            self._seconds = elapsed if self._seconds is None else 0.9 * self._seconds + 0.1 * elapsed
            self._values = tally.values() | {"epoch": self._epoch(), "num_tokens": state.tokens, "step_time": elapsed}
            if state.step % self.config.logging_steps == 0 or state.step == self.total:
                self._report()
            if self._due(self.config.eval_steps):
                self.evaluate()
            if self.config.save_steps and state.step % self.config.save_steps == 0 and state.step != self.total:
                self.save("interval")
        if ending.reason == "limit" and not state.evaluated:
            self.evaluate()
        if self._saved_step != state.step and ending.keep:
            self.save("stop" if ending.reason == "stopped" else "final")
        return ending

    def turn(self) -> Tally:
        """One turn of the cycle; answers its metrics."""
        tally = Tally()
        every = self.composition.rollouts_every
        turn = self._view(tally, wants_rollouts=self._rollouts_asked or (every > 0 and (self.state.step - 1) % every == 0))
        self._rollouts_asked = False
        for phase in self.composition.cycle:
            if self.state.step % phase.every:
                continue
            if isinstance(phase, Collect):
                turn.stores[phase.into] = phase.gather(turn)
            elif isinstance(phase, Apply):
                phase.do(turn)
            else:
                self._fit(phase, turn)
        return tally

    def _fit(self, phase: Fit, turn: Turn) -> None:
        """The phase's updates; what its losses tell in one process or another is told together."""
        samples = turn.stores[phase.source]
        told = turn.tally if distributed.count() == 1 else Tally()
        for _ in range(phase.epochs):
            for part in _parts(samples, phase):
                self._update(phase, part, replace(turn, tally=told), turn.tally)
        if told is not turn.tally:
            for each in distributed.gathered(told.plain()):
                turn.tally.add(each)

    def _update(self, phase: Fit, samples: list[Sample], turn: Turn, tally: Tally) -> None:
        """One optimizer step on `samples`, in micro-batches whose losses share the whole's denominators."""
        optimizers = {role: self.state.optimizers[role] for role in phase.roles}
        total, counts = accumulate(
            phase, samples, turn, parameters=[each for optimizer in optimizers.values() for each in parameters_of(optimizer)],
            sharded=any(self.state.models[role].sharded for role in phase.roles), accelerator=self.accelerator,
            precision=self.precision)
        for hook in self._hooks(phase.roles):
            # Of the parameters alone, so that every process has all of it: it is no share to be added up.
            if (term := hook.term()) is not None:
                self.accelerator.backward(term)
        norms = {role: self._clip(optimizer) for role, optimizer in optimizers.items()}
        if not bool(torch.isfinite(total)) or not all(bool(torch.isfinite(norm)) for norm in norms.values()):
            self._not_finite(samples, float(total))
        else:
            self._step(optimizers, norms, tally)
            for hook in self._hooks(phase.roles):
                hook.stepped(self.state.step, tally)
            tally.mean("loss", total)
            self._skipped = 0
        for optimizer in optimizers.values():
            optimizer.zero_grad(set_to_none=True)
        self.state.tokens += int(counts.tokens)

    def _hooks(self, roles: Sequence[str]) -> list[UpdateHook]:
        return [self.state.hooks[role] for role in roles if role in self.state.hooks]

    def _step(self, optimizers: dict[str, Any], norms: dict[str, torch.Tensor], tally: Tally) -> None:
        rate_of = {role.name: role.learning_rate for role in self.composition.roles}
        scale = factor(self.state.step - 1, self.planned, kind=self.config.lr_scheduler_type,
                       warmup_ratio=self.config.warmup_ratio)
        for role, optimizer in optimizers.items():
            rate = self.state.live[rate_of[role]] * scale
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
            prefix = "" if len(self.state.optimizers) == 1 or role == "policy" else f"{role}/"
            tally.put(f"{prefix}learning_rate", rate)
            tally.mean(f"{prefix}grad_norm", norms[role])

    def _clip(self, optimizer: Any) -> torch.Tensor:
        """Scales the gradient down to the limit; answers its norm before that."""
        limit = self.config.max_grad_norm or float("inf")
        norm: torch.Tensor = self.accelerator.clip_grad_norm_(parameters_of(optimizer), limit)
        return sharding.whole(norm)

    def _not_finite(self, samples: list[Sample], loss: float) -> None:
        """Leaves the update out, or fails, as the config says. Raises NotFiniteFault."""
        rows = ", ".join(str(row) for row in sorted({sample.row for sample in samples})[:8])
        what = f"The loss or its gradient is not finite at step {self.state.step} (loss {loss}; data rows {rows})."
        self._skipped += 1
        if self.config.on_not_finite == "fail" or self._skipped > SKIPS_ALLOWED:
            raise NotFiniteFault(what, "Lower the learning rate or the gradient norm limit, and look at those rows.")
        self.log.write(AlertEvent(code="not_finite", message=f"{what} The update was left out.", step=self.state.step))

    def _report(self) -> None:
        state = self.state
        values: dict[str, float | None] = {name: value if _finite(value) else None for name, value in self._values.items()}
        self.log.write(MetricsEvent(step=state.step, values=values, tokens=state.tokens))
        eta = None if self.total is None or self._seconds is None else (self.total - state.step) * self._seconds
        self.log.write(ProgressEvent(step=state.step, total=self.total, eta_seconds=eta, tokens=state.tokens))

    def evaluate(self) -> None:
        """Measures without touching the generators that training draws from."""
        state = self.state
        before = random.getstate()
        for evaluation in self.composition.evaluations:
            self.log.say("running", f"evaluating {evaluation.suite}")
            with torch.random.fork_rng(), torch.no_grad(), self.precision():
                found = evaluation.measure(self._view(Tally(), wants_rollouts=False))
            state.evaluated |= found
            values: dict[str, float | None] = {name: value if _finite(value) else None for name, value in found.items()}
            self.log.write(EvaluationEvent(step=state.step, suite=evaluation.suite, values=values))
            self.log.write(MetricsEvent(step=state.step, values=values, tokens=state.tokens))
            self.log.say("running", "")
        random.setstate(before)

    def reports(self) -> Iterator[tuple[ProductKind, Document]]:
        """The method's documents about what it trained, one after another."""
        for report in self.composition.reports:
            self.log.say("stopping", f"writing the {report.kind.replace('_', ' ')}")
            with torch.random.fork_rng(), torch.no_grad(), self.precision():
                document = report.make(self._view(Tally(), wants_rollouts=False))
            yield report.kind, document

    def summary(self) -> dict[str, float | None]:
        """The last values of every metric, what is not finite as None."""
        return {name: value if _finite(value) else None for name, value in (self._values | self.state.evaluated).items()}

    def save(self, reason: Literal["interval", "asked", "stop", "signal", "final"]) -> None:
        """Writes the checkpoint of this step, says so, then prunes. Raises DiskFault."""
        state = self.state
        if distributed.rank() == 0:
            self.checkpoints.mkdir(parents=True, exist_ok=True)
            checkpoint.reserve(self.checkpoints, self._saved_bytes or rough_size(state))
        self._mark_best()
        saved = training_state.save(state, self.checkpoints)
        self._saved_step = state.step
        if saved is not None:
            self._saved_bytes = saved.size_bytes
            self.log.write(CheckpointEvent(
                step=state.step, path=str(saved.path.resolve()), manifest_hash=saved.manifest_hash, size_bytes=saved.size_bytes,
                reason=reason, metrics=self.summary()))
            checkpoint.prune(self.checkpoints, keep=self.config.save_total_limit, best=state.best[1] if state.best else None)
        # Nobody leaves before the checkpoint is whole.
        distributed.wait()

    def _mark_best(self) -> None:
        if self.composition.best is None or self.composition.best[0] not in self.state.evaluated:
            return
        name, way = self.composition.best
        value = self.state.evaluated[name]
        held = self.state.best
        if held is None or (value > held[0] if way == "up" else value < held[0]):
            self.state.best = (value, checkpoint.directory_name(self.state.step))

    def _ended(self) -> Ending | None:
        state, limits = self.state, self.limits
        if self.total is not None and state.step >= self.total:
            cut = self.planned is None or self.total < self.planned
            return Ending("limit", f"{self.total} steps") if cut else Ending("finished")
        if limits.max_tokens is not None and state.tokens >= limits.max_tokens:
            return Ending("limit", f"{limits.max_tokens} trained tokens")
        if limits.max_wall_seconds is not None and state.elapsed >= limits.max_wall_seconds:
            return Ending("limit", f"{limits.max_wall_seconds:g} seconds of work")
        kl = self._values.get("kl")
        if limits.max_kl is not None and kl is not None and kl > limits.max_kl:
            return Ending("limit", f"KL {kl:.3g} to the reference passed {limits.max_kl:g}")
        return None

    def _obey(self) -> Ending | None:
        """Applies what came; while paused, waits for more with everything kept in memory. Raises Preempted.

        People talk to the first process; all obey at the same step.
        """
        paused = False
        while True:
            messages, leave = distributed.agreed(lambda paused=paused: self._heard(paused=paused))  # type: ignore[misc]
            for message in messages:
                if isinstance(message, control.Stop):
                    self._end_chats("The run was stopped.")
                    return Ending("stopped", keep=message.checkpoint)
                paused = self._apply(message, paused=paused)
            if leave:
                self._end_chats("The run leaves its worker.")
                self._leave(leave)
            if not messages and not paused:
                return None

    def _heard(self, *, paused: bool) -> tuple[list[Any], str]:
        """What came but chats, and why to leave. While paused, waits until there is something.

        Chats are answered here, to their ends, by the policy as it stands.
        """
        while True:
            idle = paused and not (self._chats is not None and self._chats.open)
            messages = self.inbox.wait() if idle else self.inbox.drain()
            others = []
            for message in messages:
                if isinstance(message, control.Chat | control.ChatStop):
                    self._chat(message)
                else:
                    others.append(message)
            if others or self.inbox.leave:
                return others, self.inbox.leave
            if self._chats is not None and self._chats.open:
                self._chats.turn()
            elif not paused:
                return [], ""

    def _apply(self, message: Any, *, paused: bool) -> bool:
        """One message; answers whether the run is paused after it."""
        match message:
            case control.Pause() if not paused:
                self.log.say("paused", f"paused after step {self.state.step}")
                return True
            case control.Resume() if paused:
                self.log.say("running", "")
                return False
            case control.SaveCheckpoint():
                self.save("asked")
            case control.SetField():
                self._set(message)
            case control.SampleNow():
                self._rollouts_asked = True
            case _:
                pass
        return paused

    def _chat(self, message: control.Chat | control.ChatStop) -> None:
        """Answers with the model that is trained. A model that gives numbers does not talk."""
        role = next(role for role in self.composition.roles if role.trained)
        if self.state.models[role.name].sharded and isinstance(message, control.Chat):
            self.inbox.answer(ChatRefused(request_id=message.request_id, code="bad_request",
                                          message="This run's model is spread over several processes while it trains.",
                                          remedy="Chat with one of its checkpoints."))
        elif role.head == "lm":
            if self._chats is None:
                model = self.state.models[role.name]
                context = getattr(model.module.config, "max_position_embeddings", None) or NO_BOUND
                self._chats = Chats(model, self.state.tokenizer, context_length=context, most_tokens=CHAT_TOKENS,
                                    most_open=CHATS_AT_ONCE, say=self.inbox.answer)
            self._chats.take(message)
        elif isinstance(message, control.Chat):
            self.inbox.answer(ChatRefused(request_id=message.request_id, code="bad_request",
                                          message="This run trains a model that gives numbers, not text.",
                                          remedy="Chat with a model that writes."))

    def _end_chats(self, why: str) -> None:
        if self._chats is not None:
            self._chats.close(why)

    def _set(self, message: control.SetField) -> None:
        """Takes a live field's new value within the bounds of the config, and says so."""
        live = self.state.live
        try:
            if message.field not in live:
                raise ValueError(f"it is not one of {', '.join(sorted(live))}")
            type(self.config).model_validate(self.config.model_dump() | {message.field: message.value})
        except (ValidationError, ValueError) as error:
            why = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
            self.log.log(f"{message.field} was not changed to {message.value:g}: {why}.", "warning")
            return
        old, live[message.field] = live[message.field], message.value
        self.log.write(ChangeEvent(step=self.state.step, field=message.field, old=old, new=message.value, by=message.by))

    def _leave(self, why: str) -> None:
        self.log.say("stopping", f"saving: {why}")
        if self.state.step > self._saved_step:
            self.save("signal")
        raise Preempted(f"The run was told to leave at step {self.state.step} ({why}).",
                        "It goes on from its checkpoint when a worker takes it again.")

    def _view(self, tally: Tally, *, wants_rollouts: bool) -> Turn:
        state = self.state
        return Turn(step=state.step, models=state.models, data=state.streams, tokenizer=state.tokenizer, live=state.live,
                    tally=tally, stores={}, wants_rollouts=wants_rollouts, show=self.log.write,
                    say=lambda doing: self.log.say("running", doing),
                    warn=lambda message: self.log.log(message, "warning"),
                    restart=lambda role: state.optimizers[role].state.clear())

    def _epoch(self) -> float:
        stream = self.state.streams.get("train")
        return stream.epoch if stream is not None else 0.0

    def _due(self, every: int) -> bool:
        return (every > 0 and self.state.step % every == 0) or self.state.step == self.total


def _parts(samples: list[Sample], phase: Fit) -> list[list[Sample]]:
    """The samples cut into `updates` parts of like size, shuffled when there is more than one pass or part.

    Groups stay whole when the phase keeps them: whole groups are shuffled and dealt.
    """
    if phase.epochs == 1 and phase.updates == 1:
        return [samples]
    units = pieces_of(samples, micro_samples=1, keep_groups=phase.keep_groups)
    order = torch.randperm(len(units)).tolist()
    bounds = [round(part * len(units) / phase.updates) for part in range(phase.updates + 1)]
    parts = [[sample for index in order[low:high] for sample in units[index]] for low, high in pairwise(bounds)]
    return [part for part in parts if part]


def _finite(value: float) -> bool:
    return value == value and value not in {float("inf"), float("-inf")}  # noqa: PLR0124 - NaN differs from itself


def rough_size(state: TrainingState) -> int:
    """Bytes of the first checkpoint, before one has been measured: weights and two moments."""
    return sum(3 * 4 * parameter.numel() for optimizer in state.optimizers.values() for parameter in parameters_of(optimizer))

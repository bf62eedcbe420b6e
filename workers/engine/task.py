"""Tasks: runs that train nothing. They evaluate, sample, score or serve.

The method file of a task exports, instead of `compose`,

    class Config(MethodConfig)                            every field with default, bounds, help
    CARD: MethodCard                                      its `kind` is not `train`
    def perform(config: Config, work: Work) -> dict[str, float | None]

and `perform` answers the run's summary. It may export `examine(config, spec) -> list[Finding]`, which preflight asks
once models and data are known to be there. It calls `work.advance` between pieces of work of about a second or less: there
it obeys pause, stop and the signal to leave. A task is short and repeatable: a new attempt starts it afresh.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import torch
from accelerate.accelerator import Accelerator
from transformers.utils import logging as transformers_logging

from workers.contract import control
from workers.contract.events import ArtifactEvent, DoneEvent, MetricsEvent, ProgressEvent
from workers.contract.products import ProductKind
from workers.contract.run_spec import RunSpec
from workers.engine.control import Inbox
from workers.engine.events import EventLog
from workers.engine.faults import Preempted
from workers.engine.method import config_of
from workers.engine.training import generators

Q = TypeVar("Q")
T = TypeVar("T")


class Stopped(Exception):
    """A person asked the task to stop; `keep` says whether what is done so far is wanted."""

    def __init__(self, *, keep: bool = True) -> None:
        super().__init__()
        self.keep = keep


@dataclass
class Work:
    """What a task works with. `output` is the attempt's directory, the only place it writes to."""

    spec: RunSpec
    log: EventLog
    inbox: Inbox
    device: torch.device
    output: Path
    hear: Callable[[object], None] = field(default=lambda message: None)
    """Takes control messages that the frame does not know, such as `Chat`; a task may set it."""
    _worked: float = 0.0
    _since: float | None = None

    def advance(self, done: int, total: int | None, values: dict[str, float | None] | None = None) -> None:
        """Tells progress (and metrics at `done` as the step), then obeys. Raises Stopped or Preempted.

        The time left is foretold from the first call on: call it with 0 when the work begins.
        """
        now = time.monotonic()
        self._worked += 0.0 if self._since is None else now - self._since
        if values:
            self.log.write(MetricsEvent(step=done, values=values))
        left = None if total is None or done == 0 or self._worked == 0 else self._worked / done * (total - done)
        self.log.write(ProgressEvent(step=done, total=total, eta_seconds=left))
        self.obey()
        self._since = time.monotonic()

    def obey(self) -> None:
        """Takes what people told the run; while paused, waits. Raises Stopped or Preempted."""
        self._follow(self.inbox.drain())

    def wait(self, seconds: float) -> None:
        """Sleeps until something is told, at most `seconds`, and obeys it. Raises Stopped or Preempted."""
        self._follow(self.inbox.wait(seconds))

    def _follow(self, messages: list[Any]) -> None:
        paused = False
        while True:
            for message in messages:
                match message:
                    case control.Stop():
                        raise Stopped(keep=message.checkpoint)
                    case control.Pause() if not paused:
                        paused = True
                        self.log.say("paused", "paused")
                    case control.Resume() if paused:
                        paused = False
                        self.log.say("running", "")
                    case _:
                        self.hear(message)
            if self.inbox.leave:
                raise Preempted(f"The run was told to leave ({self.inbox.leave}).", "It starts again on another worker.")
            if not paused:
                return
            messages = self.inbox.wait()

    def product(self, kind: ProductKind, place: Path) -> None:
        """Announces a finished product: a file or directory below `output`, already whole under its own name."""
        files = [place] if place.is_file() else [path for path in place.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files)
        self.log.write(ArtifactEvent(kind=kind, path=str(place.resolve()), size_bytes=size))


def piecewise(
    work: Work, things: Sequence[Q], *, size: int, noun: str, ask: Callable[[Sequence[Q]], list[T]],
    publish: Callable[[list[T], bool], dict[str, float | None]],
) -> dict[str, float | None]:
    """Asks piece by piece, then publishes all that was found; a stop that keeps publishes what there is, as partial.

    `size` is of a piece; progress is told in numbers of `noun`. Raises Stopped or Preempted.
    """
    found: list[T] = []
    try:
        work.advance(0, len(things))
        for start in range(0, len(things), size):
            found += ask(things[start:start + size])
            work.log.say("running", f"{len(found)} of {len(things)} {noun}")
            work.advance(len(found), len(things))
    except Stopped as stopped:
        if stopped.keep and found:
            publish(found, True)
        raise
    return publish(found, False)


def perform(method: ModuleType, spec: RunSpec, log: EventLog, inbox: Inbox) -> None:
    """One task from spec to done event. Raises a Fault."""
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    config = config_of(method, spec.config)
    if spec.resources.threads:
        torch.set_num_threads(spec.resources.threads)
    accelerator = Accelerator(cpu=spec.resources.gpus == 0)
    generators.seed_all(spec.seed)
    output = Path(spec.output_dir)
    output.mkdir(parents=True, exist_ok=True)
    work = Work(spec=spec, log=log, inbox=inbox, device=accelerator.device, output=output)
    log.say("running", "")
    try:
        summary = method.perform(config, work)
    except Stopped:
        log.write(DoneEvent(reason="stopped"))
        return
    log.write(DoneEvent(summary=summary))

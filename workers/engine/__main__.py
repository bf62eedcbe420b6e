"""The engine's command line: train from a spec, resume, check a spec, describe itself, make demo material.

    python -m workers.engine spec.json [--supervised]      in several processes where the spec's resources say so
    torchrun … -m workers.engine spec.json                 in those that it, or `accelerate launch`, has started
    python -m workers.engine resume DIR [--supervised]
    python -m workers.engine preflight spec.json
    python -m workers.engine catalogue
    python -m workers.engine make-tiny DIR --seed 0
    python -m workers.engine make-world NAME DIR --seed 0 --knobs JSON
    python -m workers.engine render|lengths|trial|merge  < request.json
    python -m workers.engine sandbox

Torch is imported only after the first event is written, so that whoever watches sees life at once.
"""

import argparse
import contextlib
import errno
import importlib
import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from workers.contract.catalogue import CATALOGUE_PATH, catalogue_json
from workers.contract.events import FailedEvent
from workers.contract.run_spec import RunSpec
from workers.engine.chat_line import connect
from workers.engine.control import Inbox, listen
from workers.engine.events import EventLog, Silence
from workers.engine.faults import ConfigFault, DataFault, DiskFault, Fault, Preempted, naming_full_disk
from workers.engine.training import launching

FAILED, LEFT = 1, launching.LEFT
DISK_FULL = errno.ENOSPC
"""When not even the last event can be written, the exit code says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; answers the exit code: 0 done, 1 failed, 3 left after a signal with a checkpoint, 28 disk full."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0] not in COMMANDS and not given[0].startswith("-"):
        given.insert(0, "train")
    asked = _parser().parse_args(given)
    try:
        return int(COMMANDS[asked.command](asked))
    except Fault as fault:
        print(f"{fault.message} {fault.remedy}".strip(), file=sys.stderr)  # noqa: T201 - a command line's answer
        return FAILED


def train(asked: argparse.Namespace) -> int:
    """Trains from a spec; every failure ends in one `failed` event and a line on standard error."""
    spec = _read_spec(Path(asked.path))
    _keep_spec(spec)
    return _train(spec, supervised=asked.supervised)


def resume(asked: argparse.Namespace) -> int:
    """Goes on with the attempt in a directory from its newest whole checkpoint, or from the start when it has none."""
    directory = Path(asked.path)
    spec = _read_spec(directory / "spec.json")
    places = sorted((directory / "checkpoints").glob("step-*"))
    return _train(spec.model_copy(update={"resume_from": str(places[-1]) if places else None, "output_dir": str(directory)}),
                  supervised=asked.supervised)


def join(asked: argparse.Namespace) -> int:
    """One of the processes of a run but the first; see `launching`."""
    directory = Path(asked.path)
    spec, place = launching.joined(directory, asked.rank, asked.count, asked.parent)
    return _train_and_tell(spec, Silence(), Inbox(), place,
                           tell=lambda event: launching.tell_failure(directory, place.rank, event))


def _read_spec(path: Path) -> RunSpec:
    """Raises DataFault that says what is wrong with it, and where."""
    try:
        return RunSpec.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise DataFault(f"The spec {path} cannot be read: {said}.",
                        "Name a spec, or a directory in which a run began.") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise ConfigFault(f"The spec {path} is wrong{f' at {field}' if field else ''}: {first['msg']}.",
                          "Correct it, then start again.") from error


def _keep_spec(spec: RunSpec) -> None:
    """Beside what the run writes, where `resume` finds it."""
    directory = Path(spec.output_dir)
    if launching.given_place().first and not (directory / "spec.json").exists():
        directory.mkdir(parents=True, exist_ok=True)
        partial = directory / ".spec.json.partial"
        partial.write_text(spec.model_dump_json(indent=1), encoding="utf-8")
        partial.rename(directory / "spec.json")


def _train(spec: RunSpec, *, supervised: bool) -> int:
    place = launching.given_place()
    if not place.first:
        return _train_and_tell(spec, Silence(), Inbox(), place)
    try:
        with naming_full_disk():
            log = EventLog(Path(spec.output_dir) / "events.jsonl")
            try:
                return _train_first(spec, log, place, supervised=supervised)
            finally:
                log.close()
    except DiskFault:
        return DISK_FULL


def _train_first(spec: RunSpec, log: EventLog, place: launching.Place, *, supervised: bool) -> int:
    """The process that writes and that people talk to, with the others where the spec asks for some.

    Raises DiskFault when not even how it ended finds room on the disk.
    """
    log.say("starting", "loading torch, about 4 s")
    inbox = Inbox()
    listen(inbox, supervised=supervised, complain=lambda message: log.log(message, "warning"))
    connect(inbox, complain=lambda message: log.log(message, "warning"))
    if not launching.wanted(spec):
        return _train_and_tell(spec, log, inbox, place)
    crew = launching.Crew(spec)
    try:
        crew.watch(lambda fault: _give_up(log, fault))
        return _train_and_tell(spec, log, inbox, crew.place, cause=crew.cause)
    finally:
        crew.close()


def _train_and_tell(
    spec: RunSpec, log: EventLog, inbox: Inbox, place: launching.Place, *, tell: Callable[[FailedEvent], None] | None = None,
    cause: Callable[[], Fault | None] = lambda: None,
) -> int:
    """The run to its end in this process. `cause` knows whether another process is gone, which is then why this one failed."""
    tell = tell or log.write
    try:
        if place.count > 1:
            _module("training.distributed").join(
                rank=place.rank, count=place.count, meeting=place.meeting, gpus=spec.resources.gpus > 0)
        _module("run").carry_out(spec, log, inbox)
        _module("training.distributed").leave()
    except Fault as fault:
        tell(_failed(fault))
        return LEFT if isinstance(fault, Preempted) else FAILED
    except Exception as error:  # noqa: BLE001 - the outermost line: whatever it was, the run says how it ended
        if (lost := cause()) is not None:
            tell(_failed(lost))
            return FAILED
        with contextlib.suppress(OSError):  # where the disk is full, standard error is too
            traceback.print_exc()
        tell(FailedEvent(code="platform", message=f"The engine stopped on {type(error).__name__}: {error}",
                         remedy="The log has the details; report it if it happens again."))
        return FAILED
    return 0


def _failed(fault: Fault) -> FailedEvent:
    return FailedEvent(code=fault.code, message=fault.message, remedy=fault.remedy)


def _give_up(log: EventLog, fault: Fault) -> None:
    """Another process is gone, and this one waits for it in vain."""
    with contextlib.suppress(DiskFault):
        log.write(_failed(fault))
    os._exit(FAILED)


def preflight(asked: argparse.Namespace) -> int:
    """Prints the PreflightReport of a spec as JSON; 0 also when the report says that the run is not ready."""
    spec = _read_spec(Path(asked.path))
    _print(_module("preflight").report(spec).model_dump_json())
    return 0


def catalogue(asked: argparse.Namespace) -> int:
    """Prints the catalogue, or writes the checked-in document with --write."""
    document = catalogue_json(_module("method").catalogue())
    if asked.write:
        CATALOGUE_PATH.write_text(document, encoding="utf-8")
    else:
        _print(document.rstrip("\n"))
    return 0


def make_tiny(asked: argparse.Namespace) -> int:
    """Writes the tiny demo model and its tokenizer."""
    _module("modeling.tiny_model").make_tiny(Path(asked.path), asked.seed)
    return 0


def make_world(asked: argparse.Namespace) -> int:
    """Writes a generated world's files; knobs that do not go together are named on standard error."""
    try:
        _module("worlds").write(asked.world, Path(asked.path), **({"seed": asked.seed} | json.loads(asked.knobs)))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        print(f"{where}: {first['msg']}" if where else first["msg"].removeprefix("Value error, "), file=sys.stderr)  # noqa: T201
        return FAILED
    return 0


def render(asked: argparse.Namespace) -> int:
    """Answers a request on standard input: rows as the model reads them. See `reading.render`."""
    _print(json.dumps(_module("data.reading").render(json.load(sys.stdin))))
    return 0


def lengths(asked: argparse.Namespace) -> int:
    """Answers a request on standard input: token counts of a split. See `reading.lengths`."""
    _print(json.dumps(_module("data.reading").lengths(json.load(sys.stdin))))
    return 0


def sandbox(asked: argparse.Namespace) -> int:
    """Says whether people's own code can run here, and if not why; 0 when it can."""
    why = _module("sandbox.child").missing()
    _print(why or "people's functions run here, locked in.")
    return FAILED if why else 0


def trial(asked: argparse.Namespace) -> int:
    """Answers a request on standard input: what a reward says of a few answers. See `trial.trial`."""
    _print(json.dumps(_module("reports.trial").trial(json.load(sys.stdin))))
    return 0


def merge(asked: argparse.Namespace) -> int:
    """Writes a base with its adapter added in, as a request on standard input names them. See `merging.merge`."""
    _module("modeling.merging").merge(json.load(sys.stdin))
    return 0


COMMANDS = {"train": train, "resume": resume, "join": join, "preflight": preflight, "catalogue": catalogue,
            "make-tiny": make_tiny, "make-world": make_world, "render": render, "lengths": lengths, "merge": merge,
            "trial": trial, "sandbox": sandbox}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m workers.engine", description="Lodestar's training engine.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("train", "resume"):
        command = commands.add_parser(name)
        command.add_argument("path")
        command.add_argument("--supervised", action="store_true", help="leave when standard input ends")
    other = commands.add_parser("join")
    other.add_argument("path")
    for name in ("rank", "count", "parent"):
        other.add_argument(name, type=int)
    commands.add_parser("preflight").add_argument("path")
    commands.add_parser("catalogue").add_argument("--write", action="store_true", help="write the checked-in document")
    tiny = commands.add_parser("make-tiny")
    tiny.add_argument("path")
    tiny.add_argument("--seed", type=int, default=0)
    world = commands.add_parser("make-world")
    world.add_argument("world")
    world.add_argument("path")
    world.add_argument("--seed", type=int, default=0)
    world.add_argument("--knobs", default="{}", help="JSON")
    commands.add_parser("merge")
    commands.add_parser("render")
    commands.add_parser("lengths")
    commands.add_parser("sandbox")
    commands.add_parser("trial")
    return parser


def _module(name: str) -> Any:
    """A module that imports torch, imported only when the command needs it."""
    return importlib.import_module(f"workers.engine.{name}")


def _print(text: str) -> None:
    print(text)  # noqa: T201 - a command line's answer


if __name__ == "__main__":
    sys.exit(main())

"""Which processes of this host execute what: one small file each below the state directory's agent/held.

With them a worker that leaves finds its executors, and a new attempt proves its predecessor gone before it starts.
"""

import json
import os
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from django.conf import settings

from workers.agent.processes import ProcessMark, end_group


@dataclass(frozen=True)
class Held:
    """`subject` is a run's or a job's id; `engine` is None until the engine runs."""

    subject: str
    attempt: int
    owner: str
    host: str
    executor: ProcessMark
    engine: ProcessMark | None = None


def folder() -> Path:
    path = Path(settings.HOME) / "agent" / "held"
    path.mkdir(parents=True, exist_ok=True)
    return path


def write(held: Held) -> None:
    path = folder() / f"{held.subject}.json"
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    draft.write_text(json.dumps(asdict(held)), encoding="utf-8")
    draft.replace(path)


def read(subject: str) -> Held | None:
    path = folder() / f"{subject}.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    engine = data.pop("engine")
    return Held(**data | {"executor": ProcessMark(**data["executor"]), "engine": ProcessMark(**engine) if engine else None})


def remove(held: Held) -> None:
    """Takes the file away when it is still this executor's."""
    now = read(held.subject)
    if now is not None and now.executor == held.executor:
        (folder() / f"{held.subject}.json").unlink(missing_ok=True)


def of_owner(owner: str) -> Iterator[Held]:
    """What `owner` executes on this host, dead or alive."""
    for path in sorted(folder().glob("*.json")):
        held = read(path.stem)
        if held is not None and held.owner == owner and held.host == socket.gethostname():
            yield held


def end_predecessor(subject: str) -> bool:
    """Ends what an earlier attempt left running on this host; True when there was something (D4)."""
    held = read(subject)
    if held is None or held.host != socket.gethostname():
        return False
    alive = [mark for mark in (held.engine, held.executor) if mark is not None and mark.alive()]
    for mark in (held.engine, held.executor):
        if mark is not None and mark.pid != os.getpid():
            end_group(mark)
    return bool(alive)

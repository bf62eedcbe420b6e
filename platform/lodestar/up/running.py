"""The whole way of `lodestar up`: lock, checks, database, first administrator, servers, and down again without a rest."""

import secrets
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import FrameType

from django.conf import settings
from rich.console import Console

from lodestar.up import checks, leftovers
from lodestar.up.database import bring_up_to_date, integrity_faults, sqlite_file
from lodestar.up.state_lock import Held, state_lock
from lodestar.up.steps import StepFailed, step
from lodestar.up.supervisor import Supervisor
from lodestar.up.welcome import welcome

ANSWER_SECONDS = 120
LEAVE_SECONDS = 15
LOG_LINES = 15


class Interrupted(Exception):
    """Ctrl-C or SIGTERM."""


def run(console: Console) -> int:
    """Brings everything up, waits for a signal, takes everything down. Returns the exit status."""
    folder = settings.HOME / "run"
    try:
        with _signals_raise(), state_lock(folder, settings.PUBLIC_URL) as unclean:
            return _run(console, folder, unclean=unclean)
    except Held as error:
        console.print(f"[red]✕[/] {error} Stop it first, or set LODESTAR_HOME to another directory.")
    except StepFailed as error:
        console.print(str(error), style="red", markup=False)
    except Interrupted:
        return 0
    return 1


def _run(console: Console, folder: Path, *, unclean: bool) -> int:
    with step(console, "Look at this machine"):
        notes = _check()
    with step(console, "Bring the database up to date"):
        _database(unclean)
    mark = secrets.token_hex(16)
    supervisor = Supervisor(folder, mark=mark, environment={"LODESTAR_HOME": str(settings.HOME)})
    try:
        with step(console, "Start Redis, web server and worker"):
            _wait_until_well(supervisor)
        with step(console, "Prepare the first project"):
            link = welcome()
        _greet(console, link)
        for note in notes:
            console.print(f"[yellow]![/] {note.name}: {note.message}")
        _watch(supervisor, folder)
    except Interrupted:
        return 0
    finally:
        _take_down(console, supervisor, mark)
    return 1


def _check() -> list[checks.Finding]:
    """What is worth a word once all stands. Raises StepFailed for the first thing that must be mended."""
    found = [*checks.all_checks(), checks.port()]
    for finding in found:
        if finding.level == "fault":
            raise StepFailed(finding.message)
    return [finding for finding in found if finding.level == "note"]


def _database(unclean: bool) -> None:
    """Raises StepFailed when the file is damaged."""
    file = sqlite_file()
    if unclean and file and (faults := integrity_faults(file)):
        shown = "; ".join(faults[:3])
        raise StepFailed(f"The database {file} is damaged: {shown}. Put a backup back with `.venv/bin/lodestar restore`.")
    bring_up_to_date()


def _wait_until_well(supervisor: Supervisor) -> None:
    """Returns once /healthz says that everything answers. Raises StepFailed with the log's end when a program fails."""
    deadline = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < deadline:
        if supervisor.gone():
            raise StepFailed(f"The supervisor ended by itself.\n{_log_end('up')}")
        for name, state in supervisor.states().items():
            if state == "FATAL":
                raise StepFailed(f"{name} does not start.\n{_log_end(name)}")
        if _answers():
            return
        time.sleep(0.1)
    raise StepFailed(f"No answer within {ANSWER_SECONDS} s. Look into {settings.HOME / 'logs'}.\n{_log_end('worker')}")


def _answers() -> bool:
    host = settings.ENVIRONMENT.host
    reached = "127.0.0.1" if host in ("0.0.0.0", "::", "localhost") else host  # noqa: S104 - compared, not bound
    # Asked ten times a second while the servers start: a client with TLS would take a third of a core from them.
    asked = HTTPConnection(reached, settings.PORT, timeout=5)
    try:
        asked.request("GET", "/healthz", headers={"Host": "localhost"})
        return asked.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        asked.close()


def _greet(console: Console, link: str | None) -> None:
    """One line with the address on standard output; how to get in beside it."""
    print(f"Lodestar answers at {settings.PUBLIC_URL}", flush=True)  # noqa: T201 - programs read this line
    if link:
        print(f"Sign in for the first time (works once): {link}", flush=True)  # noqa: T201
    else:
        console.print("Locked out? `.venv/bin/lodestar user link` makes a one-time sign-in link.", style="dim")
    console.print(f"Logs are in {settings.HOME / 'logs'}. Ctrl-C stops everything; running jobs keep a checkpoint.", style="dim")


def _watch(supervisor: Supervisor, folder: Path) -> None:
    """Returns when the supervisor has ended by itself, which it never should, or when the state directory was removed."""
    while not supervisor.gone() and folder.exists():
        time.sleep(0.5)


def _take_down(console: Console, supervisor: Supervisor, mark: str) -> None:
    """Stops the servers, then whatever they started. Further signals are ignored: it ends in bounded time."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with step(console, "Stop worker, web server and Redis"):
        supervisor.stop()
        leftovers.end(mark, grace_seconds=LEAVE_SECONDS)


def _log_end(name: str) -> str:
    path = settings.HOME / "logs" / f"{name}.log"
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    return "\n".join([f"Last lines of {path}:", *lines[-LOG_LINES:]])


@contextmanager
def _signals_raise() -> Iterator[None]:
    """Turns SIGINT, SIGTERM and SIGHUP into Interrupted, wherever the main thread is."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise Interrupted

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    sys.stdout.flush()
    yield

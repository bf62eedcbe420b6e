"""Steps of the set-up: one line each, done again only when what they depend on has changed. Standard library only."""

import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STAMPS = ROOT / ".venv" / "stamps"
SHOWN_LINES = 25
TELL_SECONDS = 5.0


def digest(files: Iterable[Path], *words: str) -> str:
    """One hash over names and contents, and over `words`."""
    found = hashlib.sha256("\0".join(words).encode())
    for path in sorted(files):
        found.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


def is_done(name: str, mark: str) -> bool:
    stamp = STAMPS / name
    return stamp.exists() and stamp.read_text(encoding="ascii") == mark


def done(name: str, mark: str) -> None:
    STAMPS.mkdir(exist_ok=True)
    (STAMPS / name).write_text(mark, encoding="ascii")


@contextmanager
def alone() -> Iterator[None]:
    """One set-up of this directory at a time: a second one waits and then finds everything done.

    Ctrl-C ends with a sentence instead of a traceback. What was under way is done again the next time.
    """
    directory = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("… Wait for another `make` that sets up this directory")
            fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    except KeyboardInterrupt:
        say("✕ Interrupted. The same command goes on where it stopped.")
        sys.exit(130)
    finally:
        os.close(directory)


def run(
    doing: str, command: Sequence[str], *, remedy: str, cwd: Path = ROOT, environment: Mapping[str, str] | None = None,
    growing: Sequence[Path] = (),
) -> None:
    """Runs a command in silence; when it fails, shows the end of what it said and the remedy, and ends the set-up.

    Of a long one it says every few seconds how much `growing` directories have grown, so that nobody takes it for hung.
    """
    started = time.monotonic()
    say(f"… {doing}")
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        with subprocess.Popen(command, cwd=cwd, env=environment, stdout=said, stderr=subprocess.STDOUT) as process:
            try:
                code = _watched(process, growing, started)
            except BaseException:
                process.kill()
                raise
        if code:
            said.seek(0)
            say("\n".join(said.read().splitlines()[-SHOWN_LINES:]))
            say(f"✕ {doing}: failed.\n  {remedy}")
            sys.exit(1)
    say(f"✓ {doing} ({time.monotonic() - started:.0f} s)")


def _watched(process: "subprocess.Popen[bytes]", growing: Sequence[Path], started: float) -> int:
    """Its exit code."""
    before = _bytes_in(growing)
    while True:
        try:
            return process.wait(TELL_SECONDS if growing else None)
        except subprocess.TimeoutExpired:
            grown = max(0, _bytes_in(growing) - before)
            say(f"  {grown / 1e6:.0f} MB after {time.monotonic() - started:.0f} s")


def _bytes_in(directories: Iterable[Path]) -> int:
    return sum(_size(Path(at) / name) for one in directories for at, _, names in os.walk(one) for name in names)


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:  # gone meanwhile
        return 0


def say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()

"""What the engine prints, kept within bounds: engine.log and, when that is full, engine.log.1."""

import shutil
from pathlib import Path

CAP_BYTES = 16_000_000
TAIL_BYTES = 8_000


def rotate(path: Path, cap_bytes: int = CAP_BYTES) -> None:
    """Copies a full log aside and empties it in place; the engine goes on appending to the same file."""
    if path.exists() and path.stat().st_size > cap_bytes:
        shutil.copyfile(path, path.with_suffix(".log.1"))
        with path.open("r+b") as file:
            file.truncate(0)


def last_lines(path: Path, count: int = 12) -> list[str]:
    """The last lines that are not empty."""
    if not path.exists():
        return []
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
        text = file.read().decode("utf-8", errors="replace")
    return [line for line in text.splitlines() if line.strip()][-count:]

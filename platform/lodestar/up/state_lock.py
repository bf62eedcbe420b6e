"""One `lodestar up` for each state directory, and a mark by which the next one knows that the last did not end well."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Held(Exception):
    """Another server holds the state directory; the text says which."""


@contextmanager
def state_lock(folder: Path, name: str = "") -> Iterator[bool]:
    """Holds `folder` for as long as the block runs; gives whether the last server ended uncleanly. Raises Held.

    `name` tells who is refused where to find the holder.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip() or "a process"
            raise Held(f"A Lodestar runs on {folder.parent} already: {holder}.") from error
        file.truncate(0)
        file.write(f"{name} process {os.getpid()}".strip())
        file.flush()
        mark = folder / "running"
        unclean = mark.exists()
        mark.touch()
        yield unclean
        mark.unlink(missing_ok=True)

"""Room on the worker's disk that reading a file must leave: the database and running checkpoints live on it too."""

import shutil
from pathlib import Path

from runs.sizes import size_words
from workers.agent.jobs import JobRefused

RESERVE_BYTES = 256 * 2**20


def need_room(directory: Path) -> None:
    """Raises JobRefused when the disk of `directory` is all but full."""
    free = shutil.disk_usage(directory).free
    if free < RESERVE_BYTES:
        message = f"The worker's disk has {size_words(free)} left, which is kept for what runs."
        raise JobRefused("disk_full", message, "Delete old uploads, data sets or runs, then try again.")

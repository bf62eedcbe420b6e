"""Progress a person can follow: one line for each step on standard error, what failed, and how to mend it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console


class StepFailed(Exception):
    """What failed and what to do about it, in a sentence or two."""


@contextmanager
def step(console: Console, doing: str) -> Iterator[None]:
    """Shows `doing` with a spinner on a terminal, then a line with the time it took. Raises what the block raises."""
    started = time.monotonic()
    try:
        if console.is_terminal:
            with console.status(doing):
                yield
        else:
            yield
    except StepFailed:
        console.print(f"[red]✕[/] {doing}")
        raise
    console.print(f"[green]✓[/] {doing} [dim]{time.monotonic() - started:.1f} s[/]")

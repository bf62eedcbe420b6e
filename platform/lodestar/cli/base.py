"""What all commands share: setting Django up, printing, and turning a problem into one line and an exit status."""

import functools
import json
import os
from collections.abc import Callable, Sequence
from typing import Annotated, Any, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.table import Table

P = ParamSpec("P")
R = TypeVar("R")
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print the bare value only.")]
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def set_up() -> None:
    """Loads Django with this site's settings."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lodestar.settings")
    import django  # noqa: PLC0415 - half a second that --help should not cost

    django.setup()


def fail(message: str) -> typer.Exit:
    """Prints what went wrong; the caller raises the answer."""
    err.print(message, style="red", markup=False)
    return typer.Exit(1)


def with_django(command: Callable[P, R]) -> Callable[P, R]:
    """Runs a command with Django set up; a problem it meets becomes one line on standard error and exit status 1."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        set_up()
        from django.db import OperationalError  # noqa: PLC0415 - needs Django

        from runs.problems import Problem  # noqa: PLC0415 - kept beside the import above

        try:
            return command(*args, **kwargs)
        except Problem as problem:
            raise fail(problem.detail) from problem
        except OperationalError as error:
            raise fail(f"The database does not answer as it should: {error}. Run `lodestar migrate`, then retry.") from error

    return wrapped


def show_json(value: Any) -> None:
    print(json.dumps(value, default=str, indent=2))  # noqa: T201 - programs read it: no colours, no wrapping


def show_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str) -> None:
    if not rows:
        out.print(empty)
        return
    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*["–" if cell is None else str(cell) for cell in row])
    out.print(table)

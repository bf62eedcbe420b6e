"""lodestar migrate, doctor, backup, restore, version: looking after a site."""

from pathlib import Path
from typing import Annotated

import typer

from lodestar import __version__
from lodestar.cli.base import Json, err, fail, out, set_up, show_json, with_django

app = typer.Typer()


@app.command()
def version(json: Json = False) -> None:
    """Print the version."""
    if json:
        show_json({"version": __version__})
    else:
        out.print(__version__)


@app.command()
@with_django
def migrate() -> None:
    """Bring the database to this version's tables."""
    from lodestar.up.database import bring_up_to_date  # noqa: PLC0415

    applied = bring_up_to_date()
    out.print(f"Applied {applied} migrations." if applied else "The database is up to date.")


@app.command()
def doctor(json: Json = False) -> None:
    """Look for what is missing or unwell on this machine. Exit status 1 when something must be mended."""
    set_up()
    from lodestar.up.checks import all_checks, reward_code  # noqa: PLC0415

    findings = [*all_checks(), reward_code()]
    if json:
        show_json([finding._asdict() for finding in findings])
    else:
        for finding in findings:
            mark, style = {"ok": ("✓", "green"), "note": ("!", "yellow"), "fault": ("✕", "red")}[finding.level]
            out.print(f"[{style}]{mark}[/] {finding.name}: {finding.message}")
    raise typer.Exit(int(any(finding.level == "fault" for finding in findings)))


@app.command()
@with_django
def backup(target: Annotated[Path, typer.Argument(help="A directory that does not exist yet.")]) -> None:
    """Copy database, data sets, models and runs into a directory, while the server runs. SQLite only."""
    from lodestar.up.backups import back_up  # noqa: PLC0415

    size = back_up(target)
    out.print(f"Backed up {size} to {target}.", markup=False)


@app.command()
def restore(source: Annotated[Path, typer.Argument(help="A directory that `lodestar backup` wrote.")]) -> None:
    """Put a backup into an empty state directory (LODESTAR_HOME)."""
    from lodestar.up.backups import RestoreRefused, put_back  # noqa: PLC0415

    try:
        home = put_back(source)
    except RestoreRefused as error:
        raise fail(str(error)) from error
    err.print(f"Restored to {home}. Start it with `lodestar up`.", markup=False)

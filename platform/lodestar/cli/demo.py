"""lodestar demo: launches the demo project's two runs."""

import time
from typing import Annotated

import typer

from lodestar.cli.base import Json, fail, out, show_json, with_django
from lodestar.cli.people import find_user

app = typer.Typer()
READY_SECONDS = 120


@app.command("demo")
@with_django
def launch(
    user: Annotated[str | None, typer.Option(help="Whose runs; the first administrator's when left out.")] = None,
    json: Json = False,
) -> None:
    """Launch the demo: a tiny model learns to add. Needs a running worker."""
    from lodestar import demo  # noqa: PLC0415
    from runs.accounts.access import Actor, visible_projects  # noqa: PLC0415

    actor = Actor(find_user(user))
    project = visible_projects(actor).filter(is_demo=True).order_by("created_at").first() or demo.seed(actor)
    deadline = time.monotonic() + READY_SECONDS
    while not demo.is_ready(project):
        if time.monotonic() > deadline:
            raise fail(f"No worker has made the demo's model and data in {READY_SECONDS} s. Is `lodestar up` running?")
        time.sleep(0.5)
    runs = demo.launch(project, actor)
    if json:
        show_json([{"id": run.id, "name": run.name, "state": run.state} for run in runs])
    else:
        for run in runs:
            out.print(f"Launched {run.name}: {run.id}", markup=False)

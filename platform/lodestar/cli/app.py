"""All commands put together."""

import typer

from lodestar.cli import demo, people, projects, serve, tokens, upkeep

app = typer.Typer(
    name="lodestar",
    help="Post-training of language models: launch, watch, steer. Start with `lodestar up`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for group in (serve, upkeep, demo):
    app.add_typer(group.app)
app.add_typer(people.app, name="user")
app.add_typer(tokens.app, name="token")
app.add_typer(projects.app, name="project")
app.add_typer(projects.members, name="member")

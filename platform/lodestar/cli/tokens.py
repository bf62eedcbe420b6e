"""lodestar token …: keys for programs."""

from datetime import timedelta
from typing import Annotated

import typer

from lodestar.cli.base import Json, Quiet, fail, out, show_json, show_table, with_django
from lodestar.cli.people import find_user

app = typer.Typer(help="API tokens: create, list, revoke.", no_args_is_help=True)
User = Annotated[str | None, typer.Option(help="Whose; the first administrator's when left out.")]


@app.command()
@with_django
def create(
    *,
    name: Annotated[str, typer.Option(help="What it is for.")] = "command line",
    user: User = None,
    project: Annotated[str | None, typer.Option(help="Id of the one project it may see; all when left out.")] = None,
    scope: Annotated[list[str] | None, typer.Option(help="read, write or admin; repeatable. read and write by default.")] = None,
    days: Annotated[int | None, typer.Option(min=1, help="Days until it ends; never when left out.")] = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Create a token. Its secret is printed here and never again."""
    from django.utils import timezone  # noqa: PLC0415

    from runs.accounts import secrets  # noqa: PLC0415
    from runs.accounts.access import Actor, Scope, visible_projects  # noqa: PLC0415

    actor = Actor(find_user(user))
    found = visible_projects(actor).filter(id=project).first() if project else None
    if project and found is None:
        raise fail(f"{actor.user.email} is in no project {project}. List them with `lodestar project list`.")
    if unknown := set(scope or []) - set(Scope):
        raise fail(f"Unknown scope: {', '.join(sorted(unknown))}. Use read, write or admin.")
    token, secret = secrets.create_token(
        actor,
        name=name,
        scopes=[Scope(word) for word in scope or ["read", "write"]],
        expires_at=timezone.now() + timedelta(days=days) if days else None,
        project=found,
    )
    if json:
        show_json({"id": token.id, "name": name, "scopes": token.scopes, "expires_at": token.expires_at, "secret": secret})
    else:
        out.print(secret if quiet else f"Shown once; store it now:\n{secret}", markup=False)


@app.command("list")
@with_django
def list_(user: User = None, json: Json = False) -> None:
    """List the tokens of a person that still work."""
    from runs.accounts.access import Actor  # noqa: PLC0415
    from runs.accounts.selectors import token_list  # noqa: PLC0415

    fields = ("id", "name", "prefix", "scopes", "project_id", "expires_at", "last_used_at")
    rows = list(token_list(Actor(find_user(user))).order_by("created_at").values(*fields))
    if json:
        show_json(rows)
    else:
        show_table(fields, [list(row.values()) for row in rows], empty="No tokens. Make one with `lodestar token create`.")


@app.command()
@with_django
def revoke(token: Annotated[str, typer.Argument(help="Its id, tok_…")]) -> None:
    """Revoke a token. It stops working at once."""
    from runs.accounts.models import ApiToken  # noqa: PLC0415
    from runs.accounts.secrets import revoke_token  # noqa: PLC0415

    found = ApiToken.objects.filter(id=token, revoked_at=None).first()
    if found is None:
        raise fail(f"No working token has the id {token}. List them with `lodestar token list`.")
    revoke_token(found, None)
    out.print(f"Revoked {found.name}.", markup=False)

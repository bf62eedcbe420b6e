"""lodestar user …: people and how they get in."""

from typing import TYPE_CHECKING, Annotated

import typer

from lodestar.cli.base import Json, Quiet, fail, out, show_json, show_table, with_django

if TYPE_CHECKING:
    from runs.accounts.models import User

app = typer.Typer(help="People: create, list, password, sign-in link.", no_args_is_help=True)
Email = Annotated[str, typer.Argument(help="E-mail address.")]


def find_user(email: str | None) -> "User":
    """The person with this address, the first administrator when none is given. Ends the command when there is none."""
    from runs.accounts.models import User  # noqa: PLC0415 - needs Django
    from runs.accounts.selectors import first_administrator  # noqa: PLC0415

    user = User.objects.filter(email=email.strip().lower()).first() if email else first_administrator()
    if user is None:
        missing = f"Nobody here has the address {email}." if email else "There is no administrator yet."
        raise fail(f"{missing} Make one with `lodestar user create`.")
    return user


@app.command()
@with_django
def create(
    email: Email,
    name: Annotated[str, typer.Option(help="Name to show; the part before the @ when empty.")] = "",
    admin: Annotated[bool, typer.Option("--admin", help="May look after the site.")] = False,
    json: Json = False,
) -> None:
    """Create a person and print a one-time sign-in link for them."""
    from runs.accounts.invitations import link_address  # noqa: PLC0415
    from runs.accounts.secrets import create_link  # noqa: PLC0415
    from runs.accounts.services import create_user  # noqa: PLC0415

    user = create_user(email=email, name=name, is_admin=admin)
    link = link_address(create_link(user))
    if json:
        show_json({"id": user.id, "email": user.email, "name": user.name, "is_admin": user.is_admin, "link": link})
    else:
        out.print(f"Created {user.email}. Sign-in link, good once within 7 days:\n{link}", markup=False)


@app.command("list")
@with_django
def list_(json: Json = False) -> None:
    """List people."""
    from runs.accounts.models import User  # noqa: PLC0415

    fields = ("id", "email", "name", "is_admin", "is_active", "last_login")
    rows = list(User.objects.order_by("created_at").values(*fields))
    if json:
        show_json(rows)
    else:
        show_table(fields, [list(row.values()) for row in rows], empty="Nobody yet. Make somebody with `lodestar user create`.")


@app.command()
@with_django
def passwd(
    email: Annotated[str | None, typer.Argument(help="E-mail address; the first administrator when left out.")] = None,
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True, help="Asked for.")] = "",
) -> None:
    """Set a password. All sessions of this person end."""
    from runs.accounts.services import set_password  # noqa: PLC0415

    user = find_user(email)
    set_password(user, password)
    out.print(f"Set the password of {user.email}.", markup=False)


@app.command()
@with_django
def link(
    email: Annotated[str | None, typer.Argument(help="E-mail address; the first administrator when left out.")] = None,
    quiet: Quiet = False,
) -> None:
    """Print a one-time sign-in link, good for 7 days."""
    from runs.accounts.invitations import link_address  # noqa: PLC0415
    from runs.accounts.secrets import create_link  # noqa: PLC0415

    user = find_user(email)
    address = link_address(create_link(user))
    out.print(address if quiet else f"Sign-in link for {user.email}, good once within 7 days:\n{address}", markup=False)


@app.command()
@with_django
def deactivate(email: Email) -> None:
    """Lock a person out at once: sessions, sockets and tokens end; what they made stays."""
    from runs.accounts.services import deactivate_user  # noqa: PLC0415

    user = find_user(email)
    deactivate_user(user)
    out.print(f"Locked out {user.email}.", markup=False)

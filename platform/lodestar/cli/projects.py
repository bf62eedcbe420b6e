"""lodestar project … and lodestar member …"""

from typing import TYPE_CHECKING, Annotated

import typer

from lodestar.cli.base import Json, fail, out, show_json, show_table, with_django
from lodestar.cli.people import find_user

if TYPE_CHECKING:
    from runs.accounts.models import Project

app = typer.Typer(help="Projects: create, list.", no_args_is_help=True)
members = typer.Typer(help="Members of a project: add, remove.", no_args_is_help=True)
ProjectId = Annotated[str, typer.Argument(help="Id of the project, prj_…")]
Email = Annotated[str, typer.Argument(help="E-mail address.")]


@app.command()
@with_django
def create(
    name: Annotated[str, typer.Argument(help="Name to show.")],
    owner: Annotated[str | None, typer.Option(help="Address of its owner; the first administrator when left out.")] = None,
    json: Json = False,
) -> None:
    """Create a project."""
    from runs.accounts.access import Actor  # noqa: PLC0415
    from runs.accounts.services import create_project  # noqa: PLC0415

    user = find_user(owner)
    project = create_project(Actor(user), name=name)
    if json:
        show_json({"id": project.id, "name": project.name, "owner": user.email})
    else:
        out.print(f"Created {project.name}, owned by {user.email}: {project.id}", markup=False)


@app.command("list")
@with_django
def list_(json: Json = False) -> None:
    """List all projects."""
    from runs.accounts.models import Project  # noqa: PLC0415

    fields = ("id", "name", "is_demo", "created_at")
    rows = list(Project.objects.filter(deleted_at=None).order_by("created_at").values(*fields))
    if json:
        show_json(rows)
    else:
        show_table(fields, [list(row.values()) for row in rows], empty="No projects. Make one with `lodestar project create`.")


def _project(project_id: str) -> "Project":
    from runs.accounts.models import Project  # noqa: PLC0415

    found = Project.objects.filter(id=project_id, deleted_at=None).first()
    if found is None:
        raise fail(f"There is no project {project_id}. List them with `lodestar project list`.")
    return found


@members.command()
@with_django
def add(
    project: ProjectId,
    email: Email,
    role: Annotated[str, typer.Option(help="viewer, annotator, editor or owner.")] = "editor",
) -> None:
    """Add a person; who is new here gets an account and a one-time link."""
    from runs.accounts.access import Role  # noqa: PLC0415
    from runs.accounts.invitations import invite  # noqa: PLC0415

    if role not in set(Role):
        raise fail(f"{role} is no role. Use {', '.join(Role)}.")
    member, link = invite(_project(project), None, email=email, role=Role(role))
    out.print(f"{email} is {role} of {member.project.name} now." + (f" Sign-in link:\n{link}" if link else ""), markup=False)


@members.command()
@with_django
def remove(project: ProjectId, email: Email) -> None:
    """Remove a person. Their tokens for this project end at once."""
    from runs.accounts.models import Membership  # noqa: PLC0415
    from runs.accounts.services import remove_member  # noqa: PLC0415

    member = Membership.objects.filter(project=_project(project), user=find_user(email)).first()
    if member is None:
        raise fail(f"{email} is no member of {project}.")
    remove_member(member, None)
    out.print(f"{email} has left {member.project.name}.", markup=False)

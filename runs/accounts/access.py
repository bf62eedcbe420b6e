"""Who may see and do what. Every list starts from `visible_projects`; unknown and foreign ids answer alike, with 404."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from django.db.models import F, Model, QuerySet
from django.http import HttpRequest

from runs.accounts.models import ApiToken, Project, User
from runs.problems import Forbidden, NotFound

M = TypeVar("M", bound=Model)


class Role(StrEnum):
    """What a member may do in a project, from least to most: look; judge; change and launch; decide who is in."""

    VIEWER = "viewer"
    ANNOTATOR = "annotator"
    EDITOR = "editor"
    OWNER = "owner"

    def at_least(self, other: "Role") -> bool:
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(other)


class Scope(StrEnum):
    """What a token may do of what its person may. Each includes the ones before it."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


@dataclass(frozen=True)
class Actor:
    """Who asks: a person, through a session or through one of their tokens."""

    user: User
    token: ApiToken | None = None

    def has_scope(self, wanted: Scope) -> bool:
        scopes = list(Scope)
        return self.token is None or any(scopes.index(Scope(held)) >= scopes.index(wanted) for held in self.token.scopes)


class ApiRequest(HttpRequest):
    """A request that has passed the API's authentication."""

    auth: Actor


def actor_of(request: HttpRequest) -> Actor:
    """Who asks. Only for routes behind the API's authentication."""
    actor = getattr(request, "auth", None)
    if not isinstance(actor, Actor):
        raise TypeError("This route is not behind the API's authentication.")
    return actor


def visible_projects(actor: Actor) -> QuerySet[Project]:
    """The projects somebody is a member of, each with their `role`; a project's token sees that project alone."""
    return Project.objects.filter(**_membership(actor)).annotate(role=F("memberships__role"))


def _membership(actor: Actor, way: str = "") -> dict[str, Any]:
    """What must hold of a project that `actor` sees, as a filter of rows from which `way` leads to the project."""
    conditions: dict[str, Any] = {f"{way}deleted_at": None, f"{way}memberships__user": actor.user}
    if actor.token and actor.token.project_id:
        conditions[f"{way}id"] = actor.token.project_id
    return conditions


def role_in(actor: Actor, project_id: str) -> Role | None:
    """The role somebody has in a project, None when they may not see it."""
    project: Any = visible_projects(actor).filter(id=project_id).first()
    return Role(project.role) if project else None


def project_for(
    request: HttpRequest, project_id: str, at_least: Role = Role.VIEWER, *, annotators: bool = False
) -> Project:
    """The project, with the asker's `role`. Raises NotFound for who is no member, Forbidden when the role is too low.

    An annotator judges and looks at nothing else: what viewers may see is theirs only where `annotators` says so.
    """
    project: Any = visible_projects(actor_of(request)).filter(id=project_id).first()
    if project is None:
        raise NotFound
    _check(Role(project.role), at_least, annotators=annotators)
    return project  # type: ignore[no-any-return]


def require(request: HttpRequest, project: Project, at_least: Role) -> None:
    """Raises NotFound for who is no member of `project`, Forbidden when the role is too low."""
    role = role_in(actor_of(request), project.pk)
    if role is None:
        raise NotFound
    _check(role, at_least, annotators=False)


def require_scope(request: HttpRequest, scope: Scope) -> None:
    """Raises Forbidden for a token without `scope`; a session has them all."""
    if not actor_of(request).has_scope(scope):
        raise Forbidden(f"This token lacks the scope `{scope}`. Use one that has it.")


def require_all_projects(request: HttpRequest) -> None:
    """Raises Forbidden for a token of one project: what belongs to the person as a whole is out of its reach."""
    actor = actor_of(request)
    if actor.token and actor.token.project_id:
        raise Forbidden("This token is for one project only. Use one for all of yours, or sign in.")


def find_visible(actor: Actor, model: type[M], object_id: str) -> M | None:
    """An object with a `project` that the actor may see, soft-deleted ones included; None otherwise.

    It carries `asker_role`, the actor's role in its project.
    """
    rows: QuerySet[Any] = model._base_manager.select_related("project").filter(
        pk=object_id, **_membership(actor, "project__")
    )
    found: M | None = rows.annotate(asker_role=F("project__memberships__role")).first()
    return found


def get_visible(
    request: HttpRequest, model: type[M], object_id: str, *, at_least: Role = Role.VIEWER, annotators: bool = False
) -> M:
    """As `find_visible`. Raises NotFound when it is not to be seen, Forbidden when the role in its project is too low.

    `annotators` as for `project_for`.
    """
    found: Any = find_visible(actor_of(request), model, object_id)
    if found is None:
        raise NotFound
    _check(Role(found.asker_role), at_least, annotators=annotators)
    return found  # type: ignore[no-any-return]


def _check(role: Role, at_least: Role, *, annotators: bool) -> None:
    if role is Role.ANNOTATOR and at_least is Role.VIEWER and not annotators:
        raise Forbidden("Annotators see their own work only, so that nothing tells whose answers they compare. Ask an editor.")
    if not role.at_least(at_least):
        raise Forbidden(f"Your role here is {role}; this needs {at_least}. Ask an owner of the project.")

"""Sessions, people, projects, members, tokens and the audit log over REST."""

from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate, login, logout, update_session_auth_hash
from django.http import HttpRequest
from django.middleware.csrf import get_token
from ninja import Router, Status

from runs.accounts import secrets, selectors, services
from runs.accounts.access import (
    Actor,
    Role,
    Scope,
    actor_of,
    get_visible,
    project_for,
    require,
    require_all_projects,
    require_scope,
    visible_projects,
)
from runs.accounts.authentication import require_csrf
from runs.accounts.idempotency import keep_secret
from runs.accounts.invitations import invite
from runs.accounts.limits import SIGN_IN_BY_ADDRESS, SIGN_IN_BY_PERSON, address_of
from runs.accounts.models import Membership, Project, User
from runs.accounts.schemas import (
    AuditOut,
    LinkIn,
    MeEdit,
    MemberEdit,
    MemberIn,
    MemberOut,
    PasswordIn,
    ProjectEdit,
    ProjectIn,
    ProjectOut,
    SessionOut,
    SignIn,
    TicketIn,
    TicketOut,
    TokenIn,
    TokenOut,
    UserOut,
)
from runs.paging import Page, paginate
from runs.problems import Invalid, NotFound, Problem

router = Router(tags=["accounts"])


@router.get("/session", response=SessionOut, auth=None, operation_id="get_session")
def get_session(request: HttpRequest) -> dict[str, object]:
    """Who is signed in. Anonymous callers get `user: null` and a CSRF token to sign in with."""
    user = request.user if request.user.is_authenticated else None
    projects = visible_projects(Actor(user)).order_by("name", "id") if isinstance(user, User) else []
    return {"user": user, "projects": list(projects), "csrf_token": get_token(request)}


@router.post("/session", response=SessionOut, auth=None, operation_id="sign_in")
def sign_in(request: HttpRequest, body: SignIn) -> dict[str, object]:
    require_csrf(request)
    email = body.email.lower()
    SIGN_IN_BY_ADDRESS.refuse_when_spent(address_of(request))
    SIGN_IN_BY_PERSON.refuse_when_spent(email)
    user = authenticate(request, username=email, password=body.password)
    if user is None:
        SIGN_IN_BY_ADDRESS.count(address_of(request))
        SIGN_IN_BY_PERSON.count(email)
        raise Problem(status=401, code="sign_in_refused", detail="Address or password is not right. Check both.")
    login(request, user)
    return get_session(request)


@router.post("/session/link", response=SessionOut, auth=None, operation_id="sign_in_by_link")
def sign_in_by_link(request: HttpRequest, body: LinkIn) -> dict[str, object]:
    require_csrf(request)
    SIGN_IN_BY_ADDRESS.refuse_when_spent(address_of(request))
    try:
        user = secrets.redeem_link(body.token)
    except Problem:
        SIGN_IN_BY_ADDRESS.count(address_of(request))
        raise
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    return get_session(request)


@router.delete("/session", response={204: None}, auth=None, operation_id="sign_out")
def sign_out(request: HttpRequest) -> Status[None]:
    require_csrf(request)
    logout(request)
    return Status(204, None)


@router.post("/session/ticket", response={201: TicketOut}, operation_id="create_ticket")
def create_ticket(request: HttpRequest, body: TicketIn) -> Status[dict[str, object]]:
    """A ticket that opens one socket within 30 s, so that no token ever stands in an address."""
    if (body.run_id is None) == (body.project_id is None):
        raise Invalid("Name either `run_id` or `project_id`.")
    if body.project_id:
        project_for(request, body.project_id)
    else:
        _see_run(request, str(body.run_id))
    keep_secret(request)
    ticket, end = secrets.create_ticket(actor_of(request), str(body.project_id or body.run_id))
    return Status(201, {"ticket": ticket, "expires_at": end})


def _see_run(request: HttpRequest, run_id: str) -> None:
    """Raises NotFound or Forbidden. Runs live in a room above this one, so their project is asked for through its relation."""
    project = visible_projects(actor_of(request)).filter(runs__id=run_id).first()
    if project is None:
        raise NotFound
    project_for(request, project.pk)


@router.patch("/me", response=UserOut, operation_id="edit_me")
def edit_me(request: HttpRequest, body: MeEdit) -> User:
    require_all_projects(request)
    return services.rename_user(actor_of(request), body.name)


@router.post("/me/password", response={204: None}, operation_id="change_password")
def change_password(request: HttpRequest, body: PasswordIn) -> Status[None]:
    require_scope(request, Scope.ADMIN)
    require_all_projects(request)
    actor = actor_of(request)
    SIGN_IN_BY_PERSON.refuse_when_spent(actor.user.email)
    try:
        services.change_password(actor, old=body.old, new=body.new)
    except Problem:
        SIGN_IN_BY_PERSON.count(actor.user.email)
        raise
    if actor.token is None:
        update_session_auth_hash(request, actor.user)
    return Status(204, None)


@router.get("/projects", response=Page[ProjectOut], operation_id="list_projects")
def list_projects(request: HttpRequest, cursor: str | None = None, limit: int = 50) -> dict[str, object]:
    items, following = paginate(visible_projects(actor_of(request)), cursor, limit)
    return {"items": items, "next": following}


@router.post("/projects", response={201: ProjectOut}, operation_id="create_project")
def create_project(request: HttpRequest, body: ProjectIn) -> Status[Project]:
    require_all_projects(request)
    actor = actor_of(request)
    project = services.create_project(actor, name=body.name, description=body.description)
    return Status(201, visible_projects(actor).get(pk=project.pk))


@router.get("/projects/{project_id}", response=ProjectOut, operation_id="get_project")
def get_project(request: HttpRequest, project_id: str) -> Project:
    project: Any = project_for(request, project_id, annotators=True)
    project.counts = selectors.project_counts(project)
    return project  # type: ignore[no-any-return]


@router.patch("/projects/{project_id}", response=ProjectOut, operation_id="edit_project")
def edit_project(request: HttpRequest, project_id: str, body: ProjectEdit) -> Project:
    project = project_for(request, project_id, Role.OWNER)
    changes = {name: value for name, value in body.model_dump(exclude_unset=True).items() if value is not None}
    services.edit_project(project, actor_of(request), changes)
    return project_for(request, project_id)


@router.delete("/projects/{project_id}", response={204: None}, operation_id="delete_project")
def delete_project(request: HttpRequest, project_id: str) -> Status[None]:
    project = project_for(request, project_id, Role.OWNER)
    require_scope(request, Scope.ADMIN)
    services.delete_project(project, actor_of(request))
    return Status(204, None)


@router.get("/projects/{project_id}/members", response=Page[MemberOut], operation_id="list_members")
def list_members(request: HttpRequest, project_id: str, cursor: str | None = None, limit: int = 50) -> dict[str, object]:
    members = selectors.member_list(project_for(request, project_id))
    items, following = paginate(members, cursor, limit, order=("created_at", "id"))
    return {"items": items, "next": following}


@router.post("/projects/{project_id}/members", response={201: MemberOut}, operation_id="add_member")
def add_member(request: HttpRequest, project_id: str, body: MemberIn) -> Status[dict[str, Any]]:
    """Adds somebody by address. Who is new here gets an account and a one-time link, shown in this answer only."""
    project = project_for(request, project_id, Role.OWNER)
    require_scope(request, Scope.ADMIN)
    member, link = invite(project, actor_of(request), email=body.email, role=body.role)
    if link:
        keep_secret(request)
    shown = {name: getattr(member, name) for name in ("id", "user", "role", "created_at")}
    return Status(201, shown | {"invite_link": link})


def _member(request: HttpRequest, member_id: str) -> Membership:
    """Raises NotFound. Owners may change everybody; anybody may see themselves out."""
    member = get_visible(request, Membership, member_id)
    require_scope(request, Scope.ADMIN)
    return member


@router.patch("/members/{member_id}", response=MemberOut, operation_id="edit_member")
def edit_member(request: HttpRequest, member_id: str, body: MemberEdit) -> Membership:
    member = _member(request, member_id)
    require(request, member.project, Role.OWNER)
    return services.change_role(member, actor_of(request), body.role)


@router.delete("/members/{member_id}", response={204: None}, operation_id="remove_member")
def remove_member(request: HttpRequest, member_id: str) -> Status[None]:
    member, actor = _member(request, member_id), actor_of(request)
    if member.user_id != actor.user.pk:
        require(request, member.project, Role.OWNER)
    services.remove_member(member, actor)
    return Status(204, None)


@router.get("/tokens", response=Page[TokenOut], operation_id="list_tokens")
def list_tokens(request: HttpRequest, cursor: str | None = None, limit: int = 50) -> dict[str, object]:
    items, following = paginate(selectors.token_list(actor_of(request)), cursor, limit)
    return {"items": items, "next": following}


@router.post("/tokens", response={201: TokenOut}, operation_id="create_token")
def create_token(request: HttpRequest, body: TokenIn) -> Status[dict[str, Any]]:
    """A token for a program. Its secret is in this answer and nowhere else."""
    require_scope(request, Scope.ADMIN)
    project = project_for(request, body.project_id) if body.project_id else None
    actor = actor_of(request)
    if actor.token and actor.token.project_id and project is None:
        raise Problem(status=403, code="forbidden", detail="A token for one project can only make tokens for that project.")
    keep_secret(request)
    token, secret = secrets.create_token(
        actor, name=body.name, scopes=body.scopes, expires_at=body.expires_at, project=project
    )
    return Status(201, {name: getattr(token, name) for name in TokenOut.model_fields if name != "secret"} | {"secret": secret})


@router.delete("/tokens/{token_id}", response={204: None}, operation_id="revoke_token")
def revoke_token(request: HttpRequest, token_id: str) -> Status[None]:
    require_scope(request, Scope.ADMIN)
    actor = actor_of(request)
    token = selectors.token_list(actor).filter(pk=token_id).first()
    if token is None:
        raise NotFound
    secrets.revoke_token(token, actor)
    return Status(204, None)


@router.get("/projects/{project_id}/audit", response=Page[AuditOut], operation_id="list_audit")
def list_audit(request: HttpRequest, project_id: str, cursor: str | None = None, limit: int = 50) -> dict[str, object]:
    entries = selectors.audit_list(project_for(request, project_id))
    items, following = paginate(entries, cursor, limit, order=("-created_at", "-pk"))
    return {"items": items, "next": following}

"""What the API says about people, projects and tokens, and what it takes."""

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints

from runs.accounts.access import Role, Scope
from runs.accounts.models import AuditEntry

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Email = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=254)]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Body(Schema):
    """A request's body: unknown fields are errors, so that a typo never passes in silence."""

    model_config = ConfigDict(extra="forbid")


class PersonOut(Schema):
    id: str
    name: str
    email: str


class UserOut(PersonOut):
    is_admin: bool


class SessionProject(Schema):
    id: str
    name: str
    role: Role
    is_demo: bool


class SessionOut(Schema):
    """Who is signed in (null for nobody), their projects, and the CSRF token that writes carry."""

    user: UserOut | None
    projects: list[SessionProject]
    csrf_token: str


class SignIn(Body):
    email: Email
    password: Secret


class LinkIn(Body):
    token: Secret


class TicketIn(Body):
    """Names the run or the project whose socket is to be opened."""

    run_id: str | None = None
    project_id: str | None = None


class TicketOut(Schema):
    ticket: str
    expires_at: datetime


class MeEdit(Body):
    name: Name


class PasswordIn(Body):
    old: Secret | None = None
    new: Secret


class ProjectIn(Body):
    name: Name
    description: str = Field(default="", max_length=10_000)


class ProjectEdit(Body):
    name: Name | None = None
    description: str | None = Field(default=None, max_length=10_000)


class ProjectOut(Schema):
    """A project, and the role of who asks. `counts` is there when one project is asked for."""

    id: str
    name: str
    description: str
    role: Role
    is_demo: bool
    created_at: datetime
    counts: dict[str, int] | None = None


class MemberIn(Body):
    email: Email
    role: Role


class MemberEdit(Body):
    role: Role


class MemberOut(Schema):
    """A member. `invite_link` is shown once, when the person is new here."""

    id: str
    user: PersonOut
    role: Role
    created_at: datetime
    invite_link: str | None = None


class TokenIn(Body):
    name: Name
    scopes: list[Scope] = Field(default=[Scope.READ, Scope.WRITE], min_length=1, max_length=3)
    expires_at: AwareDatetime | None = None
    project_id: str | None = None


class TokenOut(Schema):
    """A token. `secret` is shown once, in the answer that makes it."""

    id: str
    name: str
    prefix: str
    scopes: list[Scope]
    project_id: str | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    secret: str | None = None


class AuditActor(Schema):
    kind: Literal["person", "token", "server"]
    id: str | None
    name: str


class AuditOut(Schema):
    id: str
    time: datetime
    actor: AuditActor
    action: str
    subject_id: str
    detail: dict[str, Any]

    @staticmethod
    def resolve_id(entry: AuditEntry) -> str:
        return f"aud_{entry.pk}"

    @staticmethod
    def resolve_time(entry: AuditEntry) -> datetime:
        return entry.created_at

    @staticmethod
    def resolve_actor(entry: AuditEntry) -> AuditActor:
        if entry.user is None:
            return AuditActor(kind="server", id=None, name="Lodestar")
        if entry.token is not None:
            return AuditActor(kind="token", id=entry.user.id, name=f"{entry.user.name} ({entry.token.name})")
        return AuditActor(kind="person", id=entry.user.id, name=entry.user.name)

"""Reads of people, projects and tokens."""

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from runs.accounts.access import Actor
from runs.accounts.models import ApiToken, AuditEntry, Membership, Project, User


def member_list(project: Project) -> QuerySet[Membership]:
    return Membership.objects.filter(project=project).select_related("user")


def token_list(actor: Actor) -> QuerySet[ApiToken]:
    """The person's own tokens that still work; a project's token knows of that project's alone."""
    usable = Q(expires_at=None) | Q(expires_at__gt=Now())
    tokens = ApiToken.objects.filter(usable, user=actor.user, revoked_at=None)
    if actor.token and actor.token.project_id:
        return tokens.filter(project=actor.token.project_id)
    return tokens


def audit_list(project: Project) -> QuerySet[AuditEntry]:
    return AuditEntry.objects.filter(project=project).select_related("user", "token")


def first_administrator() -> User | None:
    """Whom a fresh install greets and whose tokens the command line makes."""
    return User.objects.filter(is_admin=True, is_active=True).order_by("created_at", "id").first()

"""Reads of people, projects and tokens."""

from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Now

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


COUNTED = {"runs": "runs", "datasets": "datasets", "models": "library_models", "members": "memberships"}
"""What a project is counted by, and the relation that leads there: the rooms above are reached by name alone."""


def project_counts(project: Project) -> dict[str, int]:
    """How many of each the project has, deleted ones left out, in one query."""
    counts = {f"{name}_count": _count(relation) for name, relation in COUNTED.items()}
    row = Project.objects.filter(pk=project.pk).annotate(**counts).values_list(*counts).get()
    return dict(zip(COUNTED, row, strict=True))


def _count(relation: str) -> Coalesce:
    model: Any = Project._meta.get_field(relation).related_model
    rows = model._base_manager.filter(project=OuterRef("pk")).order_by()
    if any(field.name == "deleted_at" for field in model._meta.fields):
        rows = rows.filter(deleted_at=None)
    return Coalesce(Subquery(rows.values("project").annotate(rows=Count("*")).values("rows")), 0)

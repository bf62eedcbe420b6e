"""Every write of people, projects, members and their traces. Secrets have a module of their own beside this one."""

from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models.functions import Now

from runs.accounts.access import Actor, Role
from runs.accounts.models import ApiToken, AuditEntry, Membership, Project, User
from runs.problems import Conflict, FieldError, Forbidden, Invalid


def audit(project: Project | None, actor: Actor | None, action: str, subject_id: str, detail: dict[str, Any]) -> AuditEntry:
    """Writes down a deed, in the transaction of the caller. Without an actor it was the server itself."""
    user, token = (actor.user, actor.token) if actor else (None, None)
    return AuditEntry.objects.create(
        project=project, user=user, token=token, action=action, subject_id=subject_id, detail=detail
    )


def clean_email(email: str) -> str:
    """The address in the form we keep. Raises Invalid."""
    cleaned = email.strip().lower()
    try:
        validate_email(cleaned)
    except ValidationError as error:
        message = f"{email!r} is no e-mail address. Write it as name@example.org."
        raise Invalid(message, [FieldError("email", message)]) from error
    return cleaned


def check_password_strength(password: str, user: User | None = None, field: str = "new") -> None:
    """Raises Invalid with each rule that the password breaks."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid(" ".join(error.messages), [FieldError(field, message) for message in error.messages]) from error


@transaction.atomic
def create_user(*, email: str, name: str = "", password: str | None = None, is_admin: bool = False) -> User:
    """A new person; without a password they come in by link. Raises Invalid, Conflict when the address is taken."""
    email = clean_email(email)
    if User.objects.filter(email=email).exists():
        raise Conflict("email_taken", f"Somebody with the address {email} is here already.")
    user = User(email=email, name=name.strip() or email.split("@")[0], is_admin=is_admin)
    if password is None:
        user.set_unusable_password()
    else:
        check_password_strength(password, user, "password")
        user.set_password(password)
    user.save()
    audit(None, None, "user.create", user.id, {"email": email})
    return user


@transaction.atomic
def change_password(actor: Actor, *, old: str | None, new: str) -> None:
    """Raises Invalid for a wrong old password (people without one need none) or a weak new one."""
    user = actor.user
    if user.has_usable_password() and not user.check_password(old or ""):
        raise Invalid("The old password is not right.", [FieldError("old", "The old password is not right.")])
    set_password(user, new)
    audit(None, actor, "user.password", user.id, {})


@transaction.atomic
def set_password(user: User, password: str) -> None:
    """Raises Invalid for a weak one. Every session of this person but the one that asks ends, since its hash changes."""
    check_password_strength(password, user)
    user.set_password(password)
    user.save(update_fields=["password"])


@transaction.atomic
def rename_user(actor: Actor, name: str) -> User:
    User.objects.filter(pk=actor.user.pk).update(name=name.strip())
    actor.user.refresh_from_db()
    return actor.user


@transaction.atomic
def deactivate_user(user: User) -> None:
    """Locks a person out: sessions, sockets and tokens end at once; what they made stays."""
    User.objects.filter(pk=user.pk).update(is_active=False)
    ApiToken.objects.filter(user=user, revoked_at=None).update(revoked_at=Now())
    audit(None, None, "user.deactivate", user.id, {})


@transaction.atomic
def create_project(actor: Actor, *, name: str, description: str = "", is_demo: bool = False) -> Project:
    """A new project with the actor as its owner."""
    project = Project.objects.create(name=name.strip(), description=description, is_demo=is_demo)
    Membership.objects.create(project=project, user=actor.user, role=Role.OWNER)
    audit(project, actor, "project.create", project.id, {"name": name})
    return project


@transaction.atomic
def edit_project(project: Project, actor: Actor, changes: dict[str, str]) -> None:
    """Changes name or description."""
    Project.objects.filter(pk=project.pk).update(**changes)
    audit(project, actor, "project.edit", project.id, changes)


@transaction.atomic
def delete_project(project: Project, actor: Actor) -> None:
    Project.objects.filter(pk=project.pk).update(deleted_at=Now())
    audit(project, actor, "project.delete", project.id, {"name": project.name})


@transaction.atomic
def add_member(project: Project, actor: Actor | None, *, user: User, role: Role) -> Membership:
    """Raises Conflict when the person is a member already."""
    if Membership.objects.filter(project=project, user=user).exists():
        raise Conflict("already_member", f"{user.email} is a member already. Change the role instead.")
    member = Membership.objects.create(project=project, user=user, role=role)
    audit(project, actor, "member.add", member.id, {"email": user.email, "role": role})
    return member


@transaction.atomic
def change_role(member: Membership, actor: Actor, role: Role) -> Membership:
    """Raises Forbidden when the project would be left without an owner."""
    _keep_an_owner(member, role)
    Membership.objects.filter(pk=member.pk).update(role=role)
    audit(member.project, actor, "member.role", member.id, {"email": member.user.email, "from": member.role, "to": role})
    member.refresh_from_db()
    return member


@transaction.atomic
def remove_member(member: Membership, actor: Actor | None) -> None:
    """Raises Forbidden when the project would be left without an owner. The person's tokens for it end too."""
    _keep_an_owner(member, None)
    ApiToken.objects.filter(user=member.user, project=member.project, revoked_at=None).update(revoked_at=Now())
    audit(member.project, actor, "member.remove", member.id, {"email": member.user.email})
    member.delete()


def _keep_an_owner(member: Membership, role: Role | None) -> None:
    owners = Membership.objects.select_for_update().filter(project=member.project, role=Role.OWNER)
    others = [owner for owner in owners if owner.pk != member.pk]
    if member.role == Role.OWNER and role != Role.OWNER and not others:
        raise Forbidden("A project needs an owner. Make somebody else owner first.")

"""Bringing people into a project, and the address of a sign-in link."""

from django.conf import settings
from django.db import transaction

from runs.accounts.access import Actor, Role
from runs.accounts.models import Membership, Project, User
from runs.accounts.secrets import create_link
from runs.accounts.services import add_member, clean_email, create_user
from runs.problems import FieldError, Invalid


@transaction.atomic
def invite(project: Project, actor: Actor | None, *, email: str, role: Role) -> tuple[Membership, str | None]:
    """The new member, and the address of a one-time link when the person is new here. Raises Invalid, Conflict.

    Only administrators make accounts: whoever holds a link owns the account, and an owner of some project could keep the
    link of a colleague who has yet to come.
    """
    user = User.objects.filter(email=clean_email(email)).first()
    link = None
    if user is None:
        if actor is not None and not actor.user.is_admin:
            message = f"Nobody here has the address {email}. Ask an administrator to invite them first, then add them here."
            raise Invalid(message, [FieldError("email", message)])
        user = create_user(email=email)
        link = link_address(create_link(user))
    return add_member(project, actor, user=user, role=role), link


def link_address(secret: str) -> str:
    """The page that redeems a link. The secret stands behind the #, which browsers never send and servers never log."""
    return f"{settings.PUBLIC_URL}/sign-in/link#{secret}"

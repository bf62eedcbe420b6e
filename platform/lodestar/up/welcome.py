"""The first start: somebody who may sign in, and a project in which something can be launched at once."""

from lodestar.demo import seed
from runs.accounts.access import Actor
from runs.accounts.invitations import link_address
from runs.accounts.models import Project, User
from runs.accounts.secrets import create_link
from runs.accounts.selectors import first_administrator
from runs.accounts.services import create_user

FIRST_EMAIL = "admin@lodestar.local"


def welcome() -> str | None:
    """Makes what a first start needs; returns a sign-in link for an administrator who has never come in."""
    administrator = first_administrator() or create_user(email=FIRST_EMAIL, name="Administrator", is_admin=True)
    if not Project.objects.exists():
        seed(Actor(administrator))
    return None if _has_come_in(administrator) else link_address(create_link(administrator))


def _has_come_in(user: User) -> bool:
    return user.last_login is not None or user.has_usable_password()

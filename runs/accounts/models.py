"""People, projects, who may do what in them, and the traces they leave."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from runs.ids import new_id


def new_user_id() -> str:
    return new_id("usr")


def new_project_id() -> str:
    return new_id("prj")


def new_member_id() -> str:
    return new_id("mbr")


def new_token_id() -> str:
    return new_id("tok")


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> "User":
        """Addresses are kept in lower case, so the case somebody types them in does not matter."""
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser):
    """A person. Signs in by e-mail address and password, or by a one-time link; administrators look after the site."""

    id = models.CharField(primary_key=True, max_length=40, default=new_user_id, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=100)
    is_admin = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    objects: ClassVar[UserManager] = UserManager()

    def __str__(self) -> str:
        return self.email


class Project(models.Model):
    """Everything else belongs to a project. A deleted one is kept, unseen, until an administrator removes it."""

    id = models.CharField(primary_key=True, max_length=40, default=new_project_id, editable=False)
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True, default="")
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """`role` is one of access.Role; which may do what is decided there."""

    id = models.CharField(primary_key=True, max_length=40, default=new_member_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=12)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["project", "user"], name="one_membership_each"),)

    def __str__(self) -> str:
        return f"{self.user_id} is {self.role} of {self.project_id}"


class ApiToken(models.Model):
    """A program's key. Only its SHA-256 is kept, beside the first characters by which a person recognises it."""

    id = models.CharField(primary_key=True, max_length=40, default=new_token_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tokens")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, null=True, blank=True, related_name="tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16, db_index=True)
    secret_hash = models.CharField(max_length=64)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.prefix}… of {self.user_id}"


class OneTimeSecret(models.Model):
    """Something handed out once and taken back once; only its SHA-256 is kept."""

    secret_hash = models.CharField(primary_key=True, max_length=64)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True


class SignInLink(OneTimeSecret):
    """Opens a session without a password: for the first administrator, and for people who are invited."""

    def __str__(self) -> str:
        return f"link for {self.user_id}"


class SocketTicket(OneTimeSecret):
    """Opens one socket on one run or project within seconds, so that no token ever stands in an address."""

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    subject_id = models.CharField(max_length=40)

    def __str__(self) -> str:
        return f"ticket for {self.subject_id}"


class AuditEntry(models.Model):
    """Who did what to which thing. Written in the transaction of the deed; never changed."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, null=True, blank=True, related_name="audit")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    token = models.ForeignKey(ApiToken, on_delete=models.SET_NULL, null=True, related_name="+")
    action = models.CharField(max_length=60)
    subject_id = models.CharField(max_length=60, blank=True, default="")
    detail: "models.JSONField[Any, Any]" = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = (models.Index(fields=["project", "-created_at"], name="audit_of_project"),)

    def __str__(self) -> str:
        return f"{self.action} {self.subject_id}"


class IdempotentAnswer(models.Model):
    """The first answer to a POST with an Idempotency-Key. `status` is empty while the request is still being worked on.

    `body` is empty for answers that show a secret: those are never written down.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    route = models.CharField(max_length=300)
    request_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    content_type = models.CharField(max_length=100, blank=True, default="")
    body = models.TextField(null=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["user", "key", "route"], name="one_answer_per_key"),)

    def __str__(self) -> str:
        return f"{self.route} {self.key}"

"""Rewards and their immutable versions."""

from django.conf import settings
from django.db import models

from runs.ids import new_id


def new_reward_id() -> str:
    return new_id("rwd")


def new_reward_version_id() -> str:
    return new_id("rwv")


class Reward(models.Model):
    """A reward under its name; what it computes stands in its versions."""

    id = models.CharField(primary_key=True, max_length=40, default=new_reward_id, editable=False)
    project = models.ForeignKey("accounts.Project", on_delete=models.CASCADE, related_name="rewards")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index(fields=["project", "-created_at"], name="reward_of_project"),)

    def __str__(self) -> str:
        return self.name


class RewardVersion(models.Model):
    """Never changes. `pipeline` is a RewardPipeline with every default explicit; models of terms stand in it by id only."""

    id = models.CharField(primary_key=True, max_length=40, default=new_reward_version_id, editable=False)
    reward = models.ForeignKey(Reward, on_delete=models.CASCADE, related_name="versions")
    project = models.ForeignKey("accounts.Project", on_delete=models.CASCADE, related_name="reward_versions")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    number = models.PositiveIntegerField()
    pipeline = models.JSONField()
    note = models.CharField(max_length=400, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["reward", "number"], name="reward_version_number_once"),)

    def __str__(self) -> str:
        return f"{self.reward_id} v{self.number}"

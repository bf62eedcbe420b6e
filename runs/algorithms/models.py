"""Algorithm configs that people saved under a name."""

from django.conf import settings
from django.db import models

from runs.ids import new_id


def new_config_id() -> str:
    return new_id("cfg")


class AlgorithmConfig(models.Model):
    """A method's config, and optionally a reward, kept to start from again. Only what differs from defaults may be set."""

    id = models.CharField(primary_key=True, max_length=40, default=new_config_id, editable=False)
    project = models.ForeignKey("accounts.Project", on_delete=models.CASCADE, related_name="algorithm_configs")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True, default="")
    method = models.CharField(max_length=80)
    config = models.JSONField(default=dict)
    reward = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index(fields=["project", "-created_at"], name="config_of_project"),)

    def __str__(self) -> str:
        return self.id

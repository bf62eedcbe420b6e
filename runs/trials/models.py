"""Trials and what they found, prompt by prompt."""

from django.conf import settings
from django.db import models

from runs.ids import new_id


def new_trial_id() -> str:
    return new_id("trl")


class Trial(models.Model):
    """One asking. `pipeline` is what was tried, `source` where the answers come from; `report` is there when its job is done."""

    id = models.CharField(primary_key=True, max_length=40, default=new_trial_id, editable=False)
    project = models.ForeignKey("accounts.Project", on_delete=models.CASCADE, related_name="trials")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    reward_version = models.ForeignKey("rewards.RewardVersion", on_delete=models.SET_NULL, null=True, related_name="trials")
    pipeline = models.JSONField()
    source = models.JSONField()
    job = models.ForeignKey("jobs.Job", on_delete=models.SET_NULL, null=True, related_name="+")
    report = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = (models.Index(fields=["project", "-created_at"], name="trial_of_project"),)

    def __str__(self) -> str:
        return self.id


class TriedPrompt(models.Model):
    """A `ScoredPrompt` of a trial, with what lists sort and narrow by beside it."""

    trial = models.ForeignKey(Trial, on_delete=models.CASCADE, related_name="prompts")
    number = models.PositiveIntegerField()
    shift = models.FloatField(default=0.0)
    reordered = models.BooleanField(default=False)
    flat = models.BooleanField(default=False)
    body = models.JSONField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["trial", "number"], name="tried_prompt_once"),)

    def __str__(self) -> str:
        return f"{self.trial_id}: {self.number}"

"""Which run holds which model ready, and what people asked and preferred."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from runs.ids import new_id


def new_serving_id() -> str:
    return new_id("srv")


def new_exchange_id() -> str:
    return new_id("exc")


class Serving(models.Model):
    """A run that holds a model ready for chats. `model_id` is a library model's or a checkpoint's."""

    id = models.CharField(primary_key=True, max_length=40, default=new_serving_id, editable=False)
    project = models.ForeignKey("accounts.Project", on_delete=models.CASCADE, related_name="servings")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    model_id = models.CharField(max_length=40)
    name = models.CharField(max_length=200)
    run = models.ForeignKey("launches.Run", on_delete=models.CASCADE, related_name="+")
    used_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = (models.Index(fields=["project", "model_id"], name="serving_of_model"),)

    def __str__(self) -> str:
        return f"{self.name} by {self.run_id}"


class Exchange(models.Model):
    """A question and what one model, or two side by side, answered. A person sees their own.

    `sides` is {a: {model_id, name}, b: …}; of a blind one the names are told only after the vote. `answers` has, for each
    side, text, finish_reason, prompt_tokens, completion_tokens, first_token_seconds and seconds. `verdict` is a, b, tie or
    bad (both), empty before the vote.
    """

    id = models.CharField(primary_key=True, max_length=40, default=new_exchange_id, editable=False)
    project = models.ForeignKey("accounts.Project", on_delete=models.CASCADE, related_name="exchanges")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    conversation_id = models.CharField(max_length=40)
    messages = models.JSONField(default=list)
    settings = models.JSONField(default=dict)
    sides = models.JSONField(default=dict)
    blind = models.BooleanField(default=False)
    answers = models.JSONField(default=dict)
    verdict = models.CharField(max_length=4, blank=True, default="")
    voted_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = (
            models.Index(fields=["project", "user", "-created_at"], name="exchange_of_person"),
            models.Index(fields=["project", "voted_at"], name="exchange_voted"),
        )

    def __str__(self) -> str:
        return self.id

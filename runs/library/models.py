"""Base models and what came out of runs: directories in transformers' layout with safetensors weights."""

from django.conf import settings
from django.db import models

from runs.ids import new_id


def new_model_id() -> str:
    return new_id("mdl")


class ModelState(models.TextChoices):
    INSPECTING = "inspecting"
    READY = "ready"
    REFUSED = "refused"


class ModelSource(models.TextChoices):
    PATH = "path"
    HUB = "hub"
    DEMO = "demo"
    RUN = "run"
    MERGE = "merge"


class Kind(models.TextChoices):
    """What the head answers (`workers.contract.run_spec.ModelKind`); found by the inspection."""

    CAUSAL = "causal"
    REWARD = "reward"


BESIDE = {"prefix_tuning": "a prefix of trained keys and values", "bottleneck": "bottleneck networks between the layers"}
"""Kinds of adapters that no weights of the base can express, and what they are."""


class LibraryModel(models.Model):
    """`path` is a directory on the workers' disk; what was found there is filled in by the `model_inspect` job.

    A run that trained an adapter gives a model of two directories: the base at `path`, the adapter at `adapter_path`;
    merged into one, it is a new model that names it as `merged_from`.
    """

    id = models.CharField(primary_key=True, max_length=40, default=new_model_id, editable=False)
    project = models.ForeignKey("accounts.Project", on_delete=models.CASCADE, related_name="library_models")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    name = models.CharField(max_length=120)
    state = models.CharField(max_length=12, choices=ModelState.choices, default=ModelState.INSPECTING)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.CAUSAL)
    source = models.CharField(max_length=8, choices=ModelSource.choices)
    path = models.CharField(max_length=1000, blank=True, default="")
    adapter_path = models.CharField(max_length=1000, blank=True, default="")
    adapter_kind = models.CharField(max_length=40, blank=True, default="")
    hub_name = models.CharField(max_length=200, blank=True, default="")
    hub_revision = models.CharField(max_length=100, blank=True, default="")
    architecture = models.CharField(max_length=200, blank=True, default="")
    parameters = models.BigIntegerField(null=True)
    context_length = models.IntegerField(null=True)
    vocab_size = models.IntegerField(null=True)
    size_bytes = models.BigIntegerField(null=True)
    dtype = models.CharField(max_length=20, blank=True, default="")
    weights_hash = models.CharField(max_length=64, blank=True, default="")
    tokenizer = models.JSONField(null=True)
    error = models.JSONField(null=True)
    run_id = models.CharField(max_length=40, null=True)
    step = models.BigIntegerField(null=True)
    merged_from = models.CharField(max_length=40, blank=True, default="")
    job_id = models.CharField(max_length=40, null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index(fields=["project", "-created_at"], name="model_of_project"),)

    def __str__(self) -> str:
        return self.name

    @property
    def can_merge(self) -> bool:
        """Whether its adapter can be added into the base's weights."""
        return bool(self.adapter_path) and self.adapter_kind not in BESIDE

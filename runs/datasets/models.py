"""Uploads, data sets and their immutable versions. The bytes lie in files (see `storage`), never in the database."""

from django.conf import settings
from django.db import models

from runs.ids import new_id


def new_upload_id() -> str:
    return new_id("upl")


def new_dataset_id() -> str:
    return new_id("ds")


def new_version_id() -> str:
    return new_id("dsv")


class UploadState(models.TextChoices):
    RECEIVING = "receiving"
    RECEIVED = "received"
    INSPECTED = "inspected"
    REFUSED = "refused"


class Upload(models.Model):
    """A file on its way in. `offset` bytes of it are on disk for good; `inspection` is what the worker found in it."""

    id = models.CharField(primary_key=True, max_length=40, default=new_upload_id, editable=False)
    project = models.ForeignKey("accounts.Project", on_delete=models.CASCADE, related_name="uploads")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    filename = models.CharField(max_length=255)
    size_bytes = models.BigIntegerField()
    offset = models.BigIntegerField(default=0)
    state = models.CharField(max_length=12, choices=UploadState.choices, default=UploadState.RECEIVING)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    inspection = models.JSONField(null=True)
    error = models.JSONField(null=True)
    job_id = models.CharField(max_length=40, null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.id


class Dataset(models.Model):
    id = models.CharField(primary_key=True, max_length=40, default=new_dataset_id, editable=False)
    project = models.ForeignKey("accounts.Project", on_delete=models.CASCADE, related_name="datasets")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index(fields=["project", "-created_at"], name="dataset_of_project"),)

    def __str__(self) -> str:
        return self.name


class VersionState(models.TextChoices):
    INGESTING = "ingesting"
    READY = "ready"
    REFUSED = "refused"
    CANCELLED = "cancelled"


class DatasetVersion(models.Model):
    """Never changes once it is ready. `splits` are `SplitFile` documents; `split_rule` says how rows were divided."""

    id = models.CharField(primary_key=True, max_length=40, default=new_version_id, editable=False)
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="versions")
    project = models.ForeignKey("accounts.Project", on_delete=models.CASCADE, related_name="dataset_versions")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=12, choices=VersionState.choices, default=VersionState.INGESTING)
    kind = models.CharField(max_length=20, blank=True, default="")
    source = models.JSONField(default=dict)
    mapping = models.JSONField(null=True)
    split_rule = models.JSONField(default=dict)
    splits = models.JSONField(default=list)
    rows = models.BigIntegerField(default=0)
    content_hash = models.CharField(max_length=64, blank=True, default="")
    report = models.JSONField(null=True)
    error = models.JSONField(null=True)
    job_id = models.CharField(max_length=40, null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["dataset", "number"], name="version_number_once"),)

    def __str__(self) -> str:
        return f"{self.dataset_id} v{self.number}"


class VersionStats(models.Model):
    """Token statistics of a version under one model's tokenizer; a version never changes, so they hold for good."""

    version = models.ForeignKey(DatasetVersion, on_delete=models.CASCADE, related_name="stats")
    model_id = models.CharField(max_length=40)
    result = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["version", "model_id"], name="stats_once"),)

    def __str__(self) -> str:
        return f"{self.version_id} {self.model_id}"

"""A run, its attempts, its story, what it is told, what it saved, and the workers that execute."""

from pathlib import Path

from django.conf import settings
from django.db import models

from runs.ids import new_id
from runs.launches.states import State
from runs.leases import Leased


def new_run_id() -> str:
    return new_id("run")


def new_checkpoint_id() -> str:
    return new_id("ckp")


def new_artifact_id() -> str:
    return new_id("art")


def new_worker_id() -> str:
    return new_id("wrk")


def new_epoch() -> str:
    return new_id("ep")


class Run(Leased):
    """One launch. `spec` is the frozen RunSpec, `draft` what the person asked for, `cursor` the last number of its log.

    `waits_on` is the run whose final model this one starts from; `not_before` holds it back after a failed attempt;
    `recoveries` and `recovered_step` are the budget of automatic new attempts (see services.recovery).
    """

    id = models.CharField(primary_key=True, max_length=40, default=new_run_id, editable=False)
    project = models.ForeignKey("accounts.Project", on_delete=models.CASCADE, related_name="runs")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=12, default="train")
    method = models.CharField(max_length=80)
    state = models.CharField(max_length=12, choices=State.choices, default=State.DRAFT)
    draft = models.JSONField(default=dict)
    spec = models.JSONField(default=dict)
    notes = models.TextField(blank=True, default="")
    tags = models.JSONField(default=list)
    priority = models.IntegerField(default=0)
    seed = models.PositiveIntegerField(default=0)
    colour = models.PositiveSmallIntegerField(default=0)
    gpus = models.PositiveSmallIntegerField(default=0)
    devices = models.JSONField(default=list)
    waits_on = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="waiting")
    waiting_for = models.CharField(max_length=300, blank=True, default="")
    not_before = models.DateTimeField(null=True, blank=True)
    recoveries = models.PositiveSmallIntegerField(default=0)
    recovered_step = models.IntegerField(default=-1)
    step = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(null=True, blank=True)
    tokens = models.PositiveBigIntegerField(default=0)
    eta_seconds = models.FloatField(null=True, blank=True)
    doing = models.CharField(max_length=200, blank=True, default="")
    metrics = models.JSONField(default=dict)
    live = models.JSONField(default=dict)
    failure = models.JSONField(null=True, blank=True)
    final_model_id = models.CharField(max_length=40, blank=True, default="")
    cursor = models.PositiveBigIntegerField(default=0)
    epoch = models.CharField(max_length=40, default=new_epoch)
    created_at = models.DateTimeField(auto_now_add=True)
    queued_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    last_event_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = (
            models.Index(fields=["state", "-priority", "queued_at"], name="run_queue"),
            models.Index(fields=["project", "-created_at"], name="run_of_project"),
        )

    def __str__(self) -> str:
        return self.id


class Attempt(models.Model):
    """One executor's try. Its worker's slot is taken until `ended_at`; `cause` names how it ended when not well."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    owner = models.CharField(max_length=80)
    devices = models.JSONField(default=list)
    resumed_from = models.CharField(max_length=40, blank=True, default="")
    libraries = models.JSONField(default=dict)
    started_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    exit = models.CharField(max_length=80, blank=True, default="")
    cause = models.CharField(max_length=20, blank=True, default="")
    failure = models.JSONField(null=True, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["run", "number"], name="one_attempt_per_number"),)
        indexes = (models.Index(fields=["owner", "ended_at"], name="attempt_of_worker"),)

    def __str__(self) -> str:
        return f"{self.run_id}#{self.number}"


class RunHistory(models.Model):
    """Every change of a run's state: who or what made it, and why."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="history")
    time = models.DateTimeField(auto_now_add=True)
    from_state = models.CharField(max_length=12, blank=True)
    to_state = models.CharField(max_length=12)
    by = models.CharField(max_length=200)
    reason = models.CharField(max_length=400, blank=True, default="")
    attempt = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.run_id}: {self.from_state} to {self.to_state}"


class ControlMessage(models.Model):
    """One line for the engine's standard input, given in the order of `id`; kept until an attempt has taken it."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="controls")
    body = models.JSONField()
    by = models.CharField(max_length=200, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    taken_at = models.DateTimeField(null=True, blank=True)
    taken_by = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("id",)
        indexes = (models.Index(fields=["run", "taken_at"], name="control_waiting"),)

    def __str__(self) -> str:
        return f"{self.run_id}: {self.body}"


class Checkpoint(models.Model):
    """A whole checkpoint that an attempt registered. `verified` is None until its hashes were recomputed."""

    id = models.CharField(primary_key=True, max_length=40, default=new_checkpoint_id, editable=False)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="checkpoints")
    attempt = models.PositiveIntegerField()
    step = models.PositiveIntegerField()
    path = models.CharField(max_length=1000)
    manifest_hash = models.CharField(max_length=64)
    size_bytes = models.PositiveBigIntegerField()
    reason = models.CharField(max_length=12)
    metrics = models.JSONField(default=dict)
    verified = models.BooleanField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["run", "attempt", "step"], name="one_checkpoint_per_step"),)

    def __str__(self) -> str:
        return self.id

    def is_there(self) -> bool:
        """Whether its files are on disk: the manifest appears with all of them, and goes with them."""
        return (Path(self.path) / "manifest.json").is_file()


class Artifact(models.Model):
    """A product of a run beside its final model, as its engine announced it: see `contract.products` for the kinds."""

    id = models.CharField(primary_key=True, max_length=40, default=new_artifact_id, editable=False)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="artifacts")
    attempt = models.PositiveIntegerField()
    kind = models.CharField(max_length=20)
    path = models.CharField(max_length=1000)
    manifest_hash = models.CharField(max_length=64, blank=True, default="")
    size_bytes = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["run", "attempt", "path"], name="one_artifact_per_path"),)

    def __str__(self) -> str:
        return self.id


class Worker(models.Model):
    """A host that executes. `slots` are its places for runs without GPUs, `gpus` its devices; `last_seen` its heartbeat."""

    id = models.CharField(primary_key=True, max_length=40, default=new_worker_id, editable=False)
    host = models.CharField(max_length=200)
    pid = models.PositiveIntegerField()
    last_seen = models.DateTimeField()
    started_at = models.DateTimeField(auto_now_add=True)
    leaving = models.BooleanField(default=False)
    slots = models.PositiveSmallIntegerField(default=1)
    gpus = models.JSONField(default=list)
    cpu = models.JSONField(default=dict)
    memory = models.JSONField(default=dict)
    catalogue_hash = models.CharField(max_length=64, blank=True, default="")
    queues = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"{self.host} ({self.id})"

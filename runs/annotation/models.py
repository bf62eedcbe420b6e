"""Campaigns, their tasks, who holds which, what was judged, and what was exported."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from runs.annotation.verdicts import Verdict
from runs.ids import new_id


def new_campaign_id() -> str:
    return new_id("cmp")


def new_task_id() -> str:
    return new_id("tsk")


def new_judgment_id() -> str:
    return new_id("jdg")


def new_export_id() -> str:
    return new_id("exp")


class CampaignState(models.TextChoices):
    OPEN = "open"
    FINISHED = "finished"


class Campaign(models.Model):
    """A question asked about pairs of answers. `source` says where they came from, `left_out` why how many were not taken.

    `overlap` people judge each pair. `tasks`, `done` and `judgments` count what the rows below say, in their transactions.
    """

    id = models.CharField(primary_key=True, max_length=40, default=new_campaign_id, editable=False)
    project = models.ForeignKey("accounts.Project", on_delete=models.CASCADE, related_name="campaigns")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    name = models.CharField(max_length=120)
    question = models.CharField(max_length=400)
    guidelines = models.TextField(blank=True, default="")
    source = models.JSONField(default=dict)
    seed = models.BigIntegerField(default=0)
    overlap = models.PositiveSmallIntegerField(default=1)
    allow_tie = models.BooleanField(default=True)
    allow_both_bad = models.BooleanField(default=True)
    state = models.CharField(max_length=12, choices=CampaignState.choices, default=CampaignState.OPEN)
    tasks = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    judgments = models.PositiveIntegerField(default=0)
    left_out = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index(fields=["project", "-created_at"], name="campaign_of_project"),)

    def __str__(self) -> str:
        return self.name


class Task(models.Model):
    """One pair. `first` and `second` are as the source had them; `swapped` tells that `second` is shown as A.

    An answer is `{text, model_id, model_name, step}`. `known` is the answer that the source calls the better one, "first",
    "second" or empty. `wanted` judgments make it done; `votes_a` and `votes_b` count those that prefer the side shown.
    `resolution` is an editor's verdict where people disagree.
    """

    id = models.CharField(primary_key=True, max_length=40, default=new_task_id, editable=False)
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="task_rows")
    number = models.PositiveIntegerField()
    prompt = models.JSONField()
    first = models.JSONField()
    second = models.JSONField()
    swapped = models.BooleanField()
    known = models.CharField(max_length=6, blank=True, default="")
    reference = models.TextField(null=True)
    source_row = models.BigIntegerField(null=True)
    wanted = models.PositiveSmallIntegerField(default=1)
    judged = models.PositiveSmallIntegerField(default=0)
    skipped = models.PositiveSmallIntegerField(default=0)
    flags = models.PositiveSmallIntegerField(default=0)
    votes_a = models.PositiveSmallIntegerField(default=0)
    votes_b = models.PositiveSmallIntegerField(default=0)
    is_done = models.BooleanField(default=False)
    resolution = models.CharField(max_length=12, blank=True, default="")
    resolved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["campaign", "number"], name="task_number_once"),)
        indexes = (models.Index(fields=["campaign", "is_done", "number"], name="task_to_hand_out"),)

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.number}"


class Assignment(models.Model):
    """Somebody holds a task until `lease_until` by the database's clock; empty once it was judged or given back (D13)."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="assignments")
    annotator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    version = models.PositiveIntegerField(default=1)
    lease_until = models.DateTimeField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["task", "annotator"], name="one_assignment_each"),)
        indexes = (models.Index(fields=["annotator", "lease_until"], name="assignment_held"),)

    def __str__(self) -> str:
        return f"{self.task_id} {self.annotator_id}"


class Judgment(models.Model):
    """What one person said of one pair. An undone one stays, so that a repeat of its request is known."""

    id = models.CharField(primary_key=True, max_length=40, default=new_judgment_id, editable=False)
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="judgment_rows")
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="judgments")
    annotator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    client_id = models.CharField(max_length=64)
    verdict = models.CharField(max_length=12, choices=[(verdict.value, verdict.value) for verdict in Verdict])
    comment = models.TextField(blank=True, default="")
    flagged = models.BooleanField(default=False)
    seconds = models.FloatField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["task", "annotator"], condition=Q(undone_at=None), name="one_judgment_each"),
            models.UniqueConstraint(fields=["annotator", "client_id"], name="one_judgment_per_client_id"),
        )
        indexes = (models.Index(fields=["campaign", "annotator", "-created_at"], name="judgment_of_person"),)

    def __str__(self) -> str:
        return f"{self.task_id} {self.verdict}"


class Shape(models.TextChoices):
    PREFERENCE = "preference"
    UNPAIRED = "unpaired"


class CampaignExport(models.Model):
    """Judgments as a version of a data set. `digest` stands for what was judged then; `version` comes with the job."""

    id = models.CharField(primary_key=True, max_length=40, default=new_export_id, editable=False)
    project = models.ForeignKey("accounts.Project", on_delete=models.CASCADE, related_name="campaign_exports")
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="exports")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    shape = models.CharField(max_length=12, choices=Shape.choices)
    digest = models.CharField(max_length=64)
    rows = models.PositiveIntegerField(default=0)
    left_out = models.JSONField(default=dict)
    version = models.ForeignKey("datasets.DatasetVersion", on_delete=models.SET_NULL, null=True, related_name="+")
    job = models.ForeignKey("jobs.Job", on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = (models.Index(fields=["campaign", "shape", "-created_at"], name="export_of_campaign"),)

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.shape}"

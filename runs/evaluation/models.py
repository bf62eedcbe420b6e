"""What runs of the kind `evaluate` found."""

from django.db import models

from runs.ids import new_id


def new_evaluation_id() -> str:
    return new_id("evl")


class Evaluation(models.Model):
    """One report, kept with what lists and columns need of it; its items stay in the artifact's directory.

    `model_id` is the model that the report is about. Evaluations of one `suite_key` can be compared.
    """

    id = models.CharField(primary_key=True, max_length=40, default=new_evaluation_id, editable=False)
    project = models.ForeignKey("accounts.Project", on_delete=models.CASCADE, related_name="evaluations")
    run = models.ForeignKey("launches.Run", on_delete=models.CASCADE, related_name="evaluations")
    artifact = models.OneToOneField("launches.Artifact", on_delete=models.CASCADE, related_name="evaluation")
    method = models.CharField(max_length=80)
    suite = models.CharField(max_length=60)
    suite_key = models.CharField(max_length=40)
    model_id = models.CharField(max_length=40, blank=True, default="")
    model_name = models.CharField(max_length=200, blank=True, default="")
    report = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = (
            models.Index(fields=["project", "-created_at"], name="evaluation_of_project"),
            models.Index(fields=["project", "suite_key"], name="evaluation_of_suite"),
        )

    def __str__(self) -> str:
        return f"{self.model_name} on {self.suite}"

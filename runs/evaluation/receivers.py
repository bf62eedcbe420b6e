"""An artifact of the kind `evaluation` becomes a row of this room, in the transaction that registers it."""

from typing import Any

from django.db.models.signals import post_save
from django.dispatch import receiver

from runs.evaluation.services import take
from runs.launches.models import Artifact


@receiver(post_save, sender=Artifact)
def on_artifact_saved(sender: Any, instance: Artifact, **kwargs: Any) -> None:
    take(instance)

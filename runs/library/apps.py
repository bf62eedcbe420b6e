from typing import Any

from django.apps import AppConfig


class LibraryConfig(AppConfig):
    name = "runs.library"
    label = "library"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Models load only once the registry stands, so these imports cannot be at the top.
        from runs.jobs.signals import job_changed  # noqa: PLC0415
        from runs.library.services import take_over  # noqa: PLC0415

        def receive(job: Any, **_: object) -> None:
            take_over(job)

        job_changed.connect(receive, weak=False, dispatch_uid="library.outcomes")

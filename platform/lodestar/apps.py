from django.apps import AppConfig


class LodestarConfig(AppConfig):
    """Makes the queue known to every process that has set Django up, so that rooms can ring through `current_app`."""

    name = "lodestar"

    def ready(self) -> None:
        from lodestar import celery as celery  # noqa: PLC0415 - needs the settings, which are read by now

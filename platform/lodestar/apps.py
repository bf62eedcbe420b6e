from importlib import import_module

from django.apps import AppConfig


class LodestarConfig(AppConfig):
    """Makes the queue known to every process that has set Django up, so that rooms can ring through `current_app`."""

    name = "lodestar"

    def ready(self) -> None:
        import_module("lodestar.celery")  # needs the settings, which are read by now

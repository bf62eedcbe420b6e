from importlib import import_module

from django.apps import AppConfig


class LaunchesConfig(AppConfig):
    name = "runs.launches"
    label = "launches"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import_module("runs.launches.receivers")  # needs the models, which are loaded by now

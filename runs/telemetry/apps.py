from importlib import import_module

from django.apps import AppConfig


class TelemetryConfig(AppConfig):
    name = "runs.telemetry"
    label = "telemetry"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import_module("runs.telemetry.receivers")

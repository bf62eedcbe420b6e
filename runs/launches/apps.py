from django.apps import AppConfig


class LaunchesConfig(AppConfig):
    name = "runs.launches"
    label = "launches"
    default_auto_field = "django.db.models.BigAutoField"

from django.apps import AppConfig


class AlgorithmsConfig(AppConfig):
    name = "runs.algorithms"
    label = "algorithms"
    default_auto_field = "django.db.models.BigAutoField"

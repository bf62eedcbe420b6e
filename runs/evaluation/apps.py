from importlib import import_module

from django.apps import AppConfig


class EvaluationConfig(AppConfig):
    name = "runs.evaluation"
    label = "evaluation"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import_module("runs.evaluation.receivers")  # needs the models, which are loaded by now

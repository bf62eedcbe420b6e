from django.apps import AppConfig


class AnnotationConfig(AppConfig):
    name = "runs.annotation"
    label = "annotation"
    default_auto_field = "django.db.models.BigAutoField"

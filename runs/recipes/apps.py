from importlib import import_module

from django.apps import AppConfig


class RecipesConfig(AppConfig):
    name = "runs.recipes"
    label = "recipes"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import_module("runs.recipes.receivers")  # needs the models, which are loaded by now

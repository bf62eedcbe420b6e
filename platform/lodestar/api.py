"""The REST API: every room's `api.py` contributes a ninja `router`, mounted without a prefix."""

from importlib import import_module
from importlib.util import find_spec

from django.conf import settings
from ninja import NinjaAPI

api = NinjaAPI(title="Lodestar", version="1.0.0", urls_namespace="api")

for room in settings.ROOMS:
    if find_spec(f"runs.{room}.api"):
        api.add_router("", import_module(f"runs.{room}.api").router)

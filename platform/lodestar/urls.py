"""Routes: /api/v1 (the REST API), /healthz, and the browser's application for everything else."""

from django.urls import URLPattern, URLResolver, path

from lodestar.api import api

urlpatterns: list[URLPattern | URLResolver] = [path("api/v1/", api.urls)]

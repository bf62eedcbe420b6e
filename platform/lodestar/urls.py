"""Routes: /api/v1 (the REST API), /healthz, and the browser's application for everything else."""

from django.urls import URLPattern, URLResolver, path, re_path

from lodestar.api import api
from lodestar.frontend import missing, page
from lodestar.health import healthz

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", api.urls),
    path("healthz", healthz),
    re_path(r"^(api|ws|static)(/.*)?$", missing),
    re_path(r"^.*$", page),
]

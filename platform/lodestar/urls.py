"""Routes: /api/v1 (the REST API), /v1 (OpenAI's shapes), /healthz, and the browser's application for everything else."""

from django.urls import URLPattern, URLResolver, path, re_path

from lodestar.api import api
from lodestar.frontend import missing, page
from lodestar.health import healthz
from lodestar.openai_api import openai

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", api.urls),
    path("v1/", openai.urls),
    path("healthz", healthz),
    re_path(r"^(api|v1|ws|static)(/.*)?$", missing),
    re_path(r"^.*$", page),
]

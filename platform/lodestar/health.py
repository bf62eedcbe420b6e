"""/healthz: whether the parts that make up a Lodestar answer."""

from django.core.cache import cache
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from redis.exceptions import RedisError

from lodestar import __version__
from runs.launches.selectors import worker_list


def healthz(request: HttpRequest) -> HttpResponse:
    """200 when database, Redis and a worker answer, else 503; the body says which of them do."""
    found = {"database": _database(), "redis": _redis()}
    found["worker"] = _worker() if found["database"] == "ok" else "unknown"
    well = all(state == "ok" for state in found.values())
    return JsonResponse({"status": "ok" if well else "incomplete", **found, "version": __version__}, status=200 if well else 503)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "no answer"
    return "ok"


def _redis() -> str:
    try:
        cache.get("health")
    except RedisError:
        return "no answer"
    return "ok"


def _worker() -> str:
    try:
        return "ok" if any(worker["online"] for worker in worker_list()) else "none online"
    except DatabaseError:
        return "unknown"

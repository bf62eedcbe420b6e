"""The browser's application: one page for every address, its scripts and styles served beside it by WhiteNoise."""

from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from runs.problem_answers import problem_response
from runs.problems import NotFound

THEMES = ("light", "dark", "auto")
UNBUILT = "The front end is not built yet. Run `make build`, then reload this page. The REST API at /api/v1 works without it.\n"


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """index.html with this answer's style nonce and the theme from the reader's cookie filled in."""
    html = _index()
    if html is None:
        return HttpResponse(UNBUILT, status=503, content_type="text/plain; charset=utf-8")
    theme = request.COOKIES.get("lodestar_theme", "auto")
    filled = html.replace("__THEME__", theme if theme in THEMES else "auto").replace("__CSP_NONCE__", _nonce(request))
    response = HttpResponse(filled)
    response["Cache-Control"] = "no-store"  # a kept page would carry a nonce that no longer holds
    return response


def missing(request: HttpRequest, *_: str) -> HttpResponse:
    """Addresses of the API, of sockets and of files that do not exist are no pages of the application."""
    return problem_response(request, NotFound("No such address. The list of routes is at /api/v1/docs."))


def _nonce(request: HttpRequest) -> str:
    return str(getattr(request, "csp_nonce", ""))


def _index() -> str | None:
    path = settings.FRONTEND / "index.html"
    try:
        return _read(str(path), path.stat().st_mtime_ns)
    except FileNotFoundError:
        return None


@lru_cache(maxsize=1)
def _read(path: str, _changed: int) -> str:
    """Read once for each build."""
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - the cache's key is the plain path
        return file.read()

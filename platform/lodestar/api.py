"""The REST API: every room's `api.py` contributes a ninja `router`, mounted without a prefix.

Authentication holds for all routes; one that is open to strangers says so itself, with `auth=None`.
"""

from importlib import import_module
from importlib.util import find_spec

import structlog
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from ninja.errors import AuthenticationError, HttpError, ValidationError

from lodestar import __version__, demo_api
from lodestar.bodies import StrictParser, too_large
from lodestar.problem_description import DescribedAPI
from runs.accounts.authentication import SessionAuth, TokenAuth
from runs.problem_answers import problem_response
from runs.problems import FieldError, NotFound, Problem

log = structlog.get_logger(__name__)

api = DescribedAPI(
    title="Lodestar",
    version=__version__,
    description="Post-training of language models: data, models, runs, live telemetry. See docs/launch_and_watch.py.",
    urls_namespace="api",
    auth=[TokenAuth(), SessionAuth()],
    parser=StrictParser(),
)

for room in settings.ROOMS:
    if find_spec(f"runs.{room}.api"):
        api.add_router("", import_module(f"runs.{room}.api").router)
api.add_router("", demo_api.router)


@api.exception_handler(Problem)
def on_problem(request: HttpRequest, problem: Problem) -> HttpResponse:
    return problem_response(request, problem)


@api.exception_handler(AuthenticationError)
def on_stranger(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    detail = "Sign in, or send a token: `Authorization: Bearer lds_…`."
    return problem_response(request, Problem(status=401, code="not_signed_in", detail=detail))


@api.exception_handler(ValidationError)
def on_faulty_fields(request: HttpRequest, error: ValidationError) -> HttpResponse:
    fields = [field_error(fault) for fault in error.errors]
    detail = "; ".join(f"`{field.field}`: {field.message}" if field.field else field.message for field in fields[:3])
    return problem_response(request, Problem(status=422, code="invalid", detail=detail + ".", errors=fields))


PLAIN = {
    "missing": "This field is needed",
    "extra_forbidden": "There is no such field here; leave it out or correct its name",
    "model_attributes_type": "Give an object with fields",
    "model_type": "Give an object with fields",
    "dict_type": "Give an object with fields",
}
"""Words for a person, by the type of the validator's fault, where its own speak of programs."""


def field_error(fault: dict[str, object]) -> FieldError:
    """Where the fault is, without the part of the request it came in: ("body", "draft", "seed") → "seed"."""
    place = fault.get("loc", ())
    names = [str(name) for name in place] if isinstance(place, tuple | list) else []
    skipped = 2 if names[:1] == ["body"] else 1
    message = PLAIN.get(str(fault.get("type"))) or str(fault.get("msg", "")).removeprefix("Value error, ")
    return FieldError(".".join(names[skipped:]), message)


@api.exception_handler(Http404)
def on_missing(request: HttpRequest, error: Http404) -> HttpResponse:
    return problem_response(request, NotFound())


@api.exception_handler(HttpError)
def on_http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    if isinstance(error.__cause__, Problem):  # ninja's words for a body that cannot be read hide ours
        return problem_response(request, error.__cause__)
    code = "unreadable" if error.status_code == 400 else f"http_{error.status_code}"
    return problem_response(request, Problem(status=error.status_code, code=code, detail=f"{error.message.rstrip('.')}."))


@api.exception_handler(RequestDataTooBig)
def on_large_body(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    return problem_response(request, too_large(settings.DATA_UPLOAD_MAX_MEMORY_SIZE))


@api.exception_handler(Exception)
def on_failure(request: HttpRequest, error: Exception) -> HttpResponse:
    """What nobody foresaw: the log has it under the request's number, the answer only names that number."""
    log.exception("request_failed", path=request.path, method=request.method)
    detail = "The server failed at this request. Retry; if it fails again, look for the request id in the server's log."
    return problem_response(request, Problem(status=500, code="server_failed", detail=detail))

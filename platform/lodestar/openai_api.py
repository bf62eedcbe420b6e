"""/v1: the OpenAI shapes, with the same tokens and rules as /api/v1 and OpenAI's own form of an error."""

import structlog
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from lodestar.api import field_error
from lodestar.bodies import StrictParser
from runs.accounts.authentication import SessionAuth, TokenAuth
from runs.playground.openai_api import router
from runs.playground.openai_shapes import error_body, error_status
from runs.problems import Invalid, NotFound, Problem

log = structlog.get_logger(__name__)

openai = NinjaAPI(
    title="Lodestar, in OpenAI's shapes", urls_namespace="openai", openapi_url=None, docs_url=None,
    auth=[TokenAuth(), SessionAuth()], parser=StrictParser(),
)
openai.add_router("", router)


def _answer(problem: Problem) -> HttpResponse:
    response = JsonResponse(error_body(problem), status=error_status(problem))
    retry_after = getattr(problem, "retry_after", None)
    if retry_after is not None:
        response["Retry-After"] = str(retry_after)
    return response


@openai.exception_handler(Problem)
def on_problem(request: HttpRequest, problem: Problem) -> HttpResponse:
    return _answer(problem)


@openai.exception_handler(AuthenticationError)
def on_stranger(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    detail = "Send a token of yours as the API key: `Authorization: Bearer lds_…`."
    return _answer(Problem(status=401, code="not_signed_in", detail=detail))


@openai.exception_handler(ValidationError)
def on_faulty_fields(request: HttpRequest, error: ValidationError) -> HttpResponse:
    fields = [field_error(fault) for fault in error.errors]
    return _answer(Invalid("; ".join(f"{one.field}: {one.message}" for one in fields[:3]) + ".", fields))


@openai.exception_handler(Http404)
def on_missing(request: HttpRequest, error: Http404) -> HttpResponse:
    return _answer(NotFound())


@openai.exception_handler(HttpError)
def on_http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    if isinstance(error.__cause__, Problem):
        return _answer(error.__cause__)
    return _answer(Problem(status=error.status_code, code="unreadable", detail=f"{error.message.rstrip('.')}."))


@openai.exception_handler(Exception)
def on_failure(request: HttpRequest, error: Exception) -> HttpResponse:
    log.exception("request_failed", path=request.path, method=request.method)
    detail = "The server failed at this request. Retry; if it fails again, look for the request id in the server's log."
    return _answer(Problem(status=500, code="server_failed", detail=detail))

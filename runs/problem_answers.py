"""Problems as `application/problem+json` (RFC 9457): the one place where an error becomes an answer."""

import json

from django.http import HttpRequest, HttpResponse

from runs.problems import Problem


def problem_response(request: HttpRequest, problem: Problem) -> HttpResponse:
    body = {
        "type": f"/problems/{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "errors": [{"field": error.field, "message": error.message} for error in problem.errors],
        "request_id": getattr(request, "request_id", ""),
    }
    response = HttpResponse(json.dumps(body), status=problem.status, content_type="application/problem+json")
    if problem.status == 409:
        response["x-should-retry"] = "false"
    if problem.status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="lodestar"'
    retry_after = getattr(problem, "retry_after", None)
    if retry_after is not None:
        response["Retry-After"] = str(retry_after)
    return response

"""Every door: nobody gets in without saying who they are, save where a route says so itself."""

import re
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from lodestar.api import api
from lodestar.asgi import application
from runs.telemetry.routing import websocket_urlpatterns

OPEN_OPERATIONS = {"get_session", "sign_in", "sign_in_by_link", "sign_out"}
OPENAI = {"v1/models": "get", "v1/models/<>": "get", "v1/chat/completions": "post"}
"""Documented by OpenAI, behind the same authentication."""
OPEN_PATTERNS = {"api/v1/", "v1/", "api/v1/openapi.json", "api/v1/docs", "healthz", r"^(api|v1|ws|static)(/.*)?$", r"^.*$"}
METHODS = ("get", "post", "patch", "put", "delete")


def operations() -> list[tuple[str, str, str]]:
    """(id, method, path) of every documented operation."""
    paths: dict[str, dict[str, Any]] = api.get_openapi_schema()["paths"]
    return [(found["operationId"], method, path) for path, methods in paths.items() for method, found in methods.items()]


def patterns(resolver: Any = None, before: str = "") -> list[str]:
    """Every address pattern that Django answers to."""
    found = []
    for entry in (resolver or get_resolver()).url_patterns:
        here = before + str(entry.pattern)
        found += patterns(entry, here) if isinstance(entry, URLResolver) else [here]
        assert isinstance(entry, URLPattern | URLResolver)
    return found


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "method", "path"), operations())
def test_an_operation_refuses_who_is_not_signed_in(name, method, path):
    answer = getattr(Client(), method)(re.sub(r"{\w+}", "prj_x", path))
    if name in OPEN_OPERATIONS:
        assert answer.status_code != 401
    else:
        assert answer.status_code == 401, answer.content
        assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.django_db
@pytest.mark.parametrize(("path", "method"), OPENAI.items())
def test_openais_shapes_refuse_who_is_not_signed_in_in_openais_shape(path, method):
    answer = getattr(Client(), method)(f"/{path.replace('<>', 'mdl_x')}")
    assert (answer.status_code, answer.json()["error"]["type"]) == (401, "authentication_error")


def test_every_address_is_an_operation_or_known_to_be_open():
    documented = {re.sub(r"{(\w+)}", "<>", path).lstrip("/") for _, _, path in operations()}
    unknown = {re.sub(r"<[^>]*>", "<>", found) for found in patterns()} - documented - set(OPENAI) - OPEN_PATTERNS
    assert not unknown, "Declare these routes: document them behind the API's authentication, or list them as open here."


@pytest.mark.slow
@pytest.mark.django_db
def test_a_method_that_no_operation_names_answers_405_not_data():
    known: dict[str, set[str]] = {}
    for _, method, path in operations():
        known.setdefault(path, set()).add(method)
    for path, methods in known.items():
        for method in set(METHODS) - methods:
            assert getattr(Client(), method)(re.sub(r"{\w+}", "prj_x", path)).status_code in (401, 405)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("route", [str(found.pattern) for found in websocket_urlpatterns])
async def test_a_socket_refuses_who_is_not_signed_in(route):
    path = "/" + re.sub(r"<[^>]*>", "prj_x", route)
    headers = [(b"host", b"testserver"), (b"origin", b"http://testserver")]
    scope = {"type": "websocket", "path": path, "query_string": b"", "headers": headers, "subprotocols": []}
    socket = ApplicationCommunicator(application, scope)
    await socket.send_input({"type": "websocket.connect"})
    said = await socket.receive_output(timeout=30)
    if said["type"] == "websocket.accept":  # browsers learn the reason only from a socket that was opened first
        said = await socket.receive_output(timeout=30)
    assert said["type"] == "websocket.close"
    assert said["code"] == (4401 if route else 4404)

"""What every answer has: a number, policy headers, and problems in one shape."""

import re
from pathlib import Path

import pytest
from django.test import Client

from lodestar.api import api
from runs.accounts import secrets
from runs.accounts.access import Actor
from runs.accounts.services import create_user

PAGE = '<html data-mantine-color-scheme="__THEME__"><script type="module" src="/static/assets/a.js"></script>__CSP_NONCE__</html>'


@pytest.fixture
def built(tmp_path: Path, settings):
    (tmp_path / "index.html").write_text(PAGE)
    settings.FRONTEND = tmp_path


@pytest.fixture
def somebody(db):
    _, secret = secrets.create_token(Actor(create_user(email="ada@example.org")), name="test")
    return Client(headers={"Authorization": f"Bearer {secret}"})


@pytest.mark.parametrize("path", ["/", "/runs/run_x", "/projects/prj_x/data?q=1", "/sign-in/link"])
def test_every_other_address_gives_the_page(client, built, path):
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/api/v2/x", "/api", "/ws/x", "/static/missing.js"])
def test_addresses_of_data_and_files_are_no_pages(client, built, path):
    assert client.get(path).status_code == 404


def test_scripts_come_from_here_only_and_styles_carry_this_answers_nonce(client, built):
    first, second = client.get("/"), client.get("/")
    policy = first["Content-Security-Policy"]
    nonce = policy.partition("'nonce-")[2].partition("'")[0]
    assert len(nonce) >= 16
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert nonce in first.content.decode()
    assert nonce not in second["Content-Security-Policy"]


@pytest.mark.parametrize(("cookie", "shown"), [("dark", "dark"), ("light", "light"), ('"><script>', "auto"), ("", "auto")])
def test_the_theme_is_an_attribute_and_nothing_else(client, built, cookie, shown):
    client.cookies["lodestar_theme"] = cookie
    assert f'data-mantine-color-scheme="{shown}"' in client.get("/").content.decode()


def test_a_page_that_is_not_built_says_what_to_do(client, settings, tmp_path):
    settings.FRONTEND = tmp_path
    answer = client.get("/")
    assert answer.status_code == 503
    assert "make build" in answer.content.decode()


def test_answers_forbid_framing_sniffing_and_leaking_the_address(client, built):
    answer = client.get("/")
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "Strict-Transport-Security" not in answer


def test_an_unknown_host_is_refused(client, db):
    answer = client.get("/api/v1/session", headers={"Host": "evil.example"})
    assert answer.status_code == 400
    assert answer.json()["code"] == "bad_request"


def test_a_request_keeps_its_callers_number_when_it_is_a_plain_word(client, db):
    assert client.get("/api/v1/session", headers={"X-Request-Id": "deploy-2026"})["X-Request-Id"] == "deploy-2026"
    assert client.get("/api/v1/session", headers={"X-Request-Id": "a b\n"})["X-Request-Id"].startswith("req_")


def test_answers_of_the_api_are_kept_by_nobody(client, db):
    assert client.get("/api/v1/session")["Cache-Control"] == "no-store"


def test_a_problem_names_field_reason_and_number(somebody):
    answer = somebody.post("/api/v1/projects", {"name": "", "colour": "red"}, content_type="application/json")
    problem = answer.json()
    assert answer.status_code == problem["status"] == 422
    assert answer["Content-Type"] == "application/problem+json"
    assert {error["field"] for error in problem["errors"]} == {"name", "colour"}
    assert problem["request_id"] == answer["X-Request-Id"]
    assert set(problem) == {"type", "title", "status", "detail", "code", "errors", "request_id"}


def test_a_body_that_is_no_json_is_a_problem_too(somebody):
    answer = somebody.post("/api/v1/projects", "{", content_type="application/json")
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"


def test_a_wrong_method_names_the_right_ones(somebody):
    answer = somebody.put("/api/v1/projects")
    assert answer.status_code == 405
    assert answer["Content-Type"] == "application/problem+json"
    assert "GET" in answer["Allow"]


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "cursor=nonsense", "cursor=WzFd"])
def test_a_page_out_of_bounds_is_refused(somebody, query):
    answer = somebody.get(f"/api/v1/projects?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == query.split("=")[0]


def test_pages_hold_every_row_once(somebody):
    for number in range(7):
        somebody.post("/api/v1/projects", {"name": f"P{number}"}, content_type="application/json")
    seen: list[str] = []
    page = somebody.get("/api/v1/projects?limit=3").json()
    while page["items"]:
        seen += [project["name"] for project in page["items"]]
        page = somebody.get(f"/api/v1/projects?limit=3&cursor={page['next']}").json() if page["next"] else {"items": []}
    assert seen == [f"P{number}" for number in range(6, -1, -1)]


def test_the_description_is_openapi_3_1_with_a_name_for_every_operation(client, db):
    schema = client.get("/api/v1/openapi.json").json()
    names = [found["operationId"] for methods in schema["paths"].values() for found in methods.values()]
    assert schema["openapi"].startswith("3.1")
    assert len(names) == len(set(names))


def test_the_page_of_routes_loads_nothing_from_afar(client, db):
    page = client.get("/api/v1/docs").content.decode()
    assert not re.search(r"(src|href)=\"(https?:)?//", page)


def test_health_says_what_does_not_answer(client, db):
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json() | {"version": ""} == {
        "status": "incomplete", "database": "ok", "redis": "ok", "worker": "none online", "version": "",
    }  # fmt: skip


def test_every_operation_names_the_problem_document_among_its_answers(somebody):
    schema = api.get_openapi_schema()
    answers = [operation["responses"] for methods in schema["paths"].values() for operation in methods.values()]
    assert all("application/problem+json" in found["default"]["content"] for found in answers)
    described = schema["components"]["schemas"]["ProblemOut"]
    said = somebody.get("/api/v1/runs/run_x").json()
    assert sorted(said) == sorted(described["required"])

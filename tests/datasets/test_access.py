"""Who is no member gets 404 on every route; who may only look cannot write."""

import re
from typing import Any

import pytest

from lodestar.api import api
from tests.datasets.desk import Desk, jsonl

RULE = {"kind": "text", "shape": "columns", "columns": {"text": "text"}}
# (method, path, body, whether it writes)
ROUTES: list[tuple[str, str, Any, bool]] = [
    ("POST", "/projects/{project}/uploads", {"filename": "a", "size_bytes": 5}, True),
    ("PATCH", "/uploads/{upload}", b"x", True),
    ("GET", "/uploads/{upload}", None, False),
    ("DELETE", "/uploads/{upload}", None, True),
    ("POST", "/uploads/{upload}/preview", {"mapping": RULE}, False),
    ("GET", "/projects/{project}/datasets", None, False),
    ("POST", "/projects/{project}/datasets", {"name": "A", "source": {"upload_id": "upl_a"}}, True),
    ("GET", "/datasets/{dataset}", None, False),
    ("PATCH", "/datasets/{dataset}", {"name": "B"}, True),
    ("DELETE", "/datasets/{dataset}", None, True),
    ("POST", "/datasets/{dataset}/restore", None, True),
    ("GET", "/datasets/{dataset}/versions", None, False),
    ("POST", "/datasets/{dataset}/versions", {"source": {"upload_id": "upl_a"}}, True),
    ("GET", "/dataset-versions/{version}", None, False),
    ("GET", "/dataset-versions/{version}/rows", None, False),
    ("POST", "/dataset-versions/{version}/stats", {"model_id": "mdl_a"}, True),
    ("GET", "/dataset-versions/{version}/stats?model_id=mdl_a", None, False),
    ("POST", "/dataset-versions/{version}/render", {"model_id": "mdl_a", "rows": [0]}, False),
    ("GET", "/projects/{project}/models", None, False),
    ("POST", "/projects/{project}/models", {"name": "A", "source": {"path": "/models/a"}}, True),
    ("GET", "/models/{model}", None, False),
    ("PATCH", "/models/{model}", {"name": "B"}, True),
    ("DELETE", "/models/{model}", None, True),
    ("POST", "/models/{model}/restore", None, True),
    ("POST", "/models/{model}/merge", {"name": "B"}, True),
    ("GET", "/models/{model}/export", None, False),
]


@pytest.fixture
def ids(desk: Desk) -> dict[str, str]:
    upload = desk.send(jsonl({"text": "Once."}, {"text": "Twice."}))
    version = desk.ingest(upload)
    body = {"name": "A", "source": {"path": str(desk.models / "a")}}
    model = desk.post(f"/projects/{desk.project.id}/models", body)["model"]
    return {
        "project": desk.project.id, "upload": upload["id"], "version": version["id"], "dataset": version["dataset_id"],
        "model": model["id"],
    }  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body", "writes"), ROUTES)
def test_a_stranger_learns_nothing_and_a_viewer_changes_nothing(
    desk: Desk, ids: dict[str, str], method: str, path: str, body: Any, writes: bool
) -> None:
    place = path.format(**ids)
    offset = {"Upload-Offset": "0"}
    assert desk.call(method, place, body, who="stranger", **offset).status_code == 404
    seen = desk.call(method, place, body, who="viewer", **offset).status_code
    assert seen == 403 if writes else seen in (200, 201, 404, 409)


def test_every_route_of_the_rooms_is_in_the_list() -> None:
    served = {
        f"{method.upper()} {re.sub('{[a-z]+_id}', '{}', path.removeprefix('/api/v1'))}"
        for path, operations in api.get_openapi_schema()["paths"].items()
        for method, operation in operations.items()
        if {"datasets", "models"} & set(operation.get("tags", []))
    }
    listed = {f"{method} {re.sub('{[a-z]+}', '{}', path.split('?')[0])}" for method, path, _, _ in ROUTES}
    assert listed == served

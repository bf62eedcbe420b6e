"""Generated worlds as data: knobs are checked by name, a preview shows what a version will hold, equal knobs make equal rows."""

from typing import Any

import pytest

from tests.datasets.desk import Desk

KNOBS = {"slots": 2, "length": 8, "train": 30, "test": 6}


def asked(desk: Desk, knobs: dict[str, Any], *, part: str = "problems", world: str = "lock", **more: Any) -> dict[str, Any]:
    return {"part": part, "knobs": knobs} | more


def make(desk: Desk, knobs: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The version once its job is done."""
    answer = desk.call("POST", f"/projects/{desk.project.id}/worlds/lock/datasets", asked(desk, knobs, name="Locks", **more))
    assert answer.status_code == 201, answer.json()
    desk.work(answer.json()["job"]["id"])
    return desk.get(f"/dataset-versions/{answer.json()['version']['id']}")  # type: ignore[no-any-return]


@pytest.mark.slow
def test_a_world_becomes_a_version_that_says_its_knobs_and_equal_knobs_give_the_same(desk: Desk) -> None:
    version = make(desk, KNOBS | {"seed": 5})
    assert (version["state"], version["kind"], version["number"]) == ("ready", "prompt", 1)
    assert {split["name"]: split["rows"] for split in version["splits"]} == {"train": 30, "test": 6, "more": 6, "unseen": 6}
    assert version["source"]["knobs"] | KNOBS | {"seed": 5} == version["source"]["knobs"]
    assert version["source"]["knobs"]["decoy"] == 0.5
    row = desk.rows(version, limit=1)[0]
    assert row["extra"]["world"]["name"] == "lock"
    assert row["extra"]["world"]["knobs"]["seed"] == 5
    assert make(desk, KNOBS | {"seed": 5})["content_hash"] == version["content_hash"]
    assert make(desk, KNOBS | {"seed": 6})["content_hash"] != version["content_hash"]
    shown = desk.post(f"/projects/{desk.project.id}/worlds/lock/preview", asked(desk, KNOBS | {"seed": 5}))
    result = desk.work(shown["id"]).result
    assert result is not None
    splits = {split["name"]: split for split in result["splits"]}
    assert {name: split["rows"] for name, split in splits.items()} == {"train": 30, "test": 6, "more": 6, "unseen": 6}
    assert [one["prompt"] for one in splits["train"]["first"]] == [one["prompt"] for one in desk.rows(version, limit=5)]


@pytest.mark.slow
def test_knobs_that_do_not_go_together_are_named_by_the_job_and_nothing_is_kept(desk: Desk) -> None:
    version = make(desk, {"slots": 8, "length": 10})
    assert version["state"] == "refused"
    assert "8 slots need at least 16 tokens" in version["error"]["message"]
    assert "Change the knob" in version["error"]["remedy"]


@pytest.mark.parametrize(("knobs", "field", "said"), [
    ({"slots": 0}, "knobs.slots", "the least is 1"), ({"slot": 3}, "knobs.slot", "slots"),
    ({"right": "x"}, "knobs.right", "a number"),
])
def test_a_wrong_knob_is_refused_by_name(desk: Desk, knobs: dict[str, Any], field: str, said: str) -> None:
    for path, more in (("preview", {}), ("datasets", {"name": "Locks"})):
        answer = desk.call("POST", f"/projects/{desk.project.id}/worlds/lock/{path}", asked(desk, knobs, **more))
        assert answer.status_code == 422
        [error] = answer.json()["errors"]
        assert error["field"] == field
        assert said in error["message"]
    assert desk.get(f"/projects/{desk.project.id}/datasets")["items"] == []


def test_unknown_worlds_and_parts_are_told(desk: Desk) -> None:
    path = f"/projects/{desk.project.id}/worlds"
    assert desk.call("POST", f"{path}/maze/preview", {"part": "pairs"}).status_code == 404
    answer = desk.call("POST", f"{path}/lock/preview", {"part": "poems"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "part")
    assert "demonstrations, problems, pairs" in answer.json()["detail"]
    worlds = {card["name"]: card for card in desk.get("/algorithms")["worlds"]}
    assert set(worlds) == {"arithmetic", "chain", "goodhart", "lock"}
    assert worlds["lock"]["knobs_schema"]["properties"]["slots"]["title"] == "Slots"


def test_only_editors_make_worlds_and_strangers_see_no_project(desk: Desk) -> None:
    for path, more in (("preview", {}), ("datasets", {"name": "Locks"})):
        for who, status in (("viewer", 403), ("annotator", 403), ("stranger", 404)):
            answer = desk.call("POST", f"/projects/{desk.project.id}/worlds/lock/{path}", asked(desk, KNOBS, **more), who=who)
            assert answer.status_code == status, (path, who)

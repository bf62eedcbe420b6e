"""Somebody talks to a model in the browser, compares two without knowing which is which, and the vote becomes a row."""

import re
import time
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import SHOTS, Stack, policies
from tests.e2e.test_main_job import project_of

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
SLOW = 120_000


def until_ready(api: httpx.Client, project: str, count: int) -> list[dict[str, Any]]:
    """The project's policies once so many are ready."""
    for _ in range(240):
        ready = policies(api, project)
        if len(ready) >= count:
            return ready
        time.sleep(0.5)  # polls a real process
    raise AssertionError(f"{count} models were not ready within two minutes")


@pytest.fixture
def models(stack: Stack) -> list[str]:
    """Two models of the first project: the demo's, and the same files under another name."""
    with stack.api() as api:
        project = api.get("/projects").json()["items"][0]["id"]
        ready = until_ready(api, project, 1)
        if len(ready) < 2:
            api.post(f"/projects/{project}/models", json={"name": "Tiny, again", "source": {"path": ready[0]["path"]}})
            ready = until_ready(api, project, 2)
        return [one["id"] for one in ready[:2]]


def test_a_model_answers_and_a_blind_vote_becomes_a_preference_row(page: Page, stack: Stack, models: list[str]) -> None:
    home = project_of(page)
    page.goto(f"{home}/playground?m={models[0]}")
    box = page.get_by_role("textbox", name="Question")
    box.fill("12+30=")
    box.press("Enter")
    first = page.get_by_label("Answer A")
    expect(first).to_have_attribute("data-state", "done", timeout=SLOW)
    expect(first).to_contain_text("first token")

    page.goto(f"{home}/playground?m={models[0]},{models[1]}&blind=1")
    box.fill("Tell me about owls.")
    box.press("Enter")
    for side in "AB":
        expect(page.get_by_label(f"Answer {side}")).to_have_attribute("data-state", "done", timeout=SLOW)
    expect(page.get_by_label("Answer A")).not_to_contain_text("Tiny")
    page.screenshot(path=SHOTS / "playground-blind.png")
    page.keyboard.press("b")
    expect(page.get_by_text(re.compile("B is better. A was .*, B was "))).to_be_visible()
    page.get_by_role("button", name="Make a data set").click()
    expect(page.get_by_role("link", name="Open the data set")).to_be_visible(timeout=SLOW)
    with stack.api() as api:
        project = home.split("/")[2]
        (votes,) = [one for one in api.get(f"/projects/{project}/datasets").json()["items"] if one["name"] == "Playground votes"]
        for _ in range(600):
            version = api.get(f"/dataset-versions/{votes['latest']['id']}").json()
            if version["state"] != "ingesting" and version["state"] != "queued":
                break
            time.sleep(0.2)  # polls a real process
        (row,) = api.get(f"/dataset-versions/{version['id']}/rows").json()["items"]
        assert row["record"]["prompt"][-1]["content"] == "Tell me about owls."
        assert row["record"]["extra"]["blind"] is True

"""A reward is composed of two terms in the browser, tried while it is written, saved, and launched with."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Stack

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
SLOW = 60_000


def add_term(page: Page, title: str) -> None:
    page.get_by_role("button", name="Add term").click()
    page.get_by_role("menuitem", name=title).first.click()


def test_a_reward_is_composed_tried_saved_and_launched_with(page: Page, stack: Stack, run_at: str) -> None:
    project = run_at.split("/")[2]
    page.goto(f"/p/{project}/rewards/new?on=text")
    add_term(page, "Mathematical equality")
    add_term(page, "Length")
    page.get_by_label("Prompt").fill("2+2=")
    page.get_by_label("Reference answer").fill("4")
    page.get_by_label("Answer 1").fill("It is 4")
    page.get_by_label("Answer 2").fill("5")
    answers = page.get_by_role("region", name="Answers")
    right = answers.get_by_role("row", name="It is 4")
    expect(right.get_by_role("cell").nth(1)).to_have_text("1", timeout=SLOW)
    expect(answers.get_by_role("row").last.get_by_role("cell").nth(1)).to_have_text("0")

    page.get_by_role("button", name="Save reward").click()
    page.get_by_role("dialog").get_by_label("Name").fill("Right and short")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/v/1/compose*")
    launch = page.get_by_role("link", name="Launch with it")
    expect(launch).to_be_visible()
    version = (launch.get_attribute("href") or "").split("reward=")[1].split("&")[0]

    with stack.api() as api:
        draft = api.get(f"/runs/{run_at.split('/runs/')[1]}/draft").json()
    model, data = draft["models"]["policy"], draft["datasets"]["train"]["version_id"]
    page.goto(f"/p/{project}/runs/new?method=grpo&model={model}&data={data}&reward={version}")
    expect(page.get_by_role("combobox", name="Reward")).to_have_value("Right and short v1")
    button = page.get_by_role("button", name="Launch run")
    expect(button).to_be_enabled(timeout=SLOW)
    button.click()
    page.wait_for_url(re.compile(r"/runs/run_\w+/curves"), timeout=SLOW)
    with stack.api() as api:
        run = api.get(f"/runs/{page.url.split('/runs/')[1].split('/')[0].split('?')[0]}").json()
        api.post(f"/runs/{run['id']}/control", json={"type": "cancel"}, headers={"Idempotency-Key": "cancel the tried one"})
    assert run["spec"]["reward"]["version_id"] == version
    assert [term["kind"] for term in run["spec"]["reward"]["terms"]] == ["math_verify", "length"]

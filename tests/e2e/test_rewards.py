"""A reward is composed of two terms in the browser, tried while it is written, saved, and launched with."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Stack
from tests.e2e.test_accessibility import AXE, barriers
from tests.e2e.test_annotation import until
from tests.e2e.test_annotation import version as pairs  # noqa: F401 - the fixture

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


def test_a_grader_of_openais_becomes_terms_and_its_faults_are_told_by_field(page: Page, run_at: str) -> None:
    _, _, project, _, run = run_at.split("/")
    page.goto(f"/p/{project}/rewards/new?on=rollouts&run={run}")
    page.get_by_text("Grader", exact=True).click()
    text = page.get_by_role("textbox", name="Grader as JSON")
    text.click()
    page.keyboard.insert_text('{"type": "multi", "graders": {"a": {"type": "label_model"}}, "calculate_output": "a"}')
    page.get_by_role("button", name="Make terms of it").click()
    expect(page.get_by_role("alert")).to_contain_text("graders.a.type, line 1: Choose one of string_check")
    text.click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.get_by_role("button", name="Start from an example").click()
    page.get_by_role("button", name="Make terms of it").click()
    expect(page.get_by_role("group", name="Term right").get_by_label("Weight")).to_have_value("0.8")
    expect(page.get_by_role("group", name="Term near").get_by_label("Weight")).to_have_value("0.2")
    expect(page.get_by_role("region", name="Answers")).to_be_visible(timeout=SLOW)
    assert not AXE.exists() or barriers(page) == []


def test_the_report_of_a_reward_model_holds_no_barriers(
    page: Page, stack: Stack, pairs: dict[str, Any], run_at: str,  # noqa: F811 - the fixture
) -> None:
    _, _, project, _, run = run_at.split("/")
    with stack.api() as api:
        base = api.get(f"/runs/{run}/draft").json()["models"]["policy"]
        body = {"method": "rm-bt", "name": "likes sums", "models": {"reward": base}, "config": {"max_steps": 2},
                "datasets": {"train": {"version_id": pairs["id"], "split": "train"}}}
        made = api.post(f"/projects/{project}/runs", json=body, headers={"Idempotency-Key": "report"}).raise_for_status().json()
        until(api, f"/runs/{made['id']}", "succeeded")
    page.goto(f"/p/{project}/runs/{made['id']}/report")
    expect(page.get_by_role("img", name=re.compile("^Margins from"))).to_be_visible(timeout=SLOW)
    assert not AXE.exists() or barriers(page) == []

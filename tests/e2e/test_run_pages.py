"""What a person does on the pages of a run that has ended: compare, find, save, take over."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Stack
from tests.e2e.test_main_job import project_of

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
SLOW = 60_000


@pytest.fixture(scope="module")
def other_run(stack: Stack, run_at: str) -> str:
    """A run like the one that ended, with another weight of the KL; cancelled before it starts."""
    run = run_at.split("/runs/")[1]
    with stack.api() as api:
        draft = api.get(f"/runs/{run}/draft").json()
        draft["config"]["beta"] = 0.125
        answer = api.post(f"/projects/{run_at.split('/')[2]}/runs", json=draft, headers={"Idempotency-Key": "other run"})
        made = answer.json()["id"]
        api.post(f"/runs/{made}/control", json={"type": "cancel"}, headers={"Idempotency-Key": "cancel other run"})
    return str(made)


def test_two_answers_are_compared_word_by_word(page: Page, run_at: str) -> None:
    page.goto(f"{run_at}/rollouts")
    expect(page.get_by_label("Answer 1", exact=True)).to_be_visible(timeout=SLOW)
    top = page.evaluate("scrollY")
    assert top == 0, "opening a rollout leaves the page where it is"
    page.keyboard.press("d")
    first = page.get_by_role("region", name=re.compile(r"^Answer \d+ against answer \d+$"))
    expect(first).to_be_visible()
    before = first.get_attribute("aria-label")
    page.keyboard.press("Shift+D")
    expect(first).not_to_have_attribute("aria-label", before or "")
    page.keyboard.press("d")
    expect(first).to_have_count(0)


def test_a_chart_is_found_pinned_and_saved(page: Page, run_at: str, tmp_path: Path) -> None:
    page.goto(f"{run_at}/curves")
    charts = page.locator("section").filter(has=page.get_by_role("slider", name=re.compile("arrow keys read points")))
    expect(charts.first).to_be_visible(timeout=SLOW)
    page.keyboard.press("/")
    page.keyboard.type("loss")
    page.wait_for_url(re.compile(r"[?&]q=loss"))
    expect(page.get_by_role("region", name="Reward", exact=True)).to_have_count(0)
    page.get_by_role("button", name="Actions of Loss", exact=True).click()
    page.get_by_role("menuitem", name="Pin to the front").click()
    page.get_by_label("Find a chart (/)").fill("")
    expect(page.get_by_role("region", name="Reward", exact=True)).to_be_visible()
    expect(charts.first).to_have_attribute("aria-label", "Loss")
    page.get_by_role("button", name="Actions of Reward", exact=True).click()
    with page.expect_download() as saved:
        page.get_by_role("menuitem", name="Save as CSV").click()
    file = tmp_path / saved.value.suggested_filename
    saved.value.save_as(file)
    rows = file.read_text().splitlines()
    assert rows[0] == "step,Reward"
    assert [row.split(",")[0] for row in rows[1:]] == ["1", "2", "3"]


def test_the_palette_opens_acts_and_closes(page: Page, run_at: str) -> None:
    page.goto(f"{run_at}/logs")
    expect(page.get_by_role("log")).to_be_visible(timeout=SLOW)
    page.keyboard.press("Control+k")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Search")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.keyboard.press(".")
    dialog.get_by_text("Newest line").click()
    expect(dialog).to_have_count(0)


def test_a_view_of_the_runs_is_kept_under_a_name(page: Page, run_at: str) -> None:
    home = project_of(page)
    page.goto(f"{home}/runs?q=method:grpo&sort=-name")
    expect(page.get_by_role("row").nth(1)).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Views").click()
    page.get_by_label("Name of this view").fill("all of GRPO")
    page.get_by_role("button", name="Save view").click()
    page.goto(f"{home}/runs")
    page.get_by_role("button", name="Views").click()
    page.get_by_role("menuitem", name="all of GRPO").click()
    page.wait_for_url(re.compile(r"q=method:grpo&sort=-name|sort=-name&q=method:grpo"))


def test_settings_of_another_run_are_taken_over_into_a_clone(page: Page, run_at: str, other_run: str) -> None:
    page.goto(f"{run_at}/config?diff={other_run}")
    row = page.get_by_role("row").filter(has_text="config.beta")
    expect(row).to_contain_text("0.125", timeout=SLOW)
    page.get_by_label("Take config.beta").check()
    page.get_by_role("link", name="Clone this run with 1 of theirs").click()
    page.wait_for_url(re.compile(r"/runs/new\?"))
    expect(page.get_by_role("textbox", name=re.compile("^KL coefficient"))).to_have_value("0.125", timeout=SLOW)

"""Evaluations in a real browser: two models on the same questions, the verdict, and the items that flipped."""

import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import SHOTS, Stack, policies

pytestmark = [pytest.mark.browser, pytest.mark.slow]
ROWS = 16
ENDED = ("succeeded", "failed", "cancelled")


@pytest.fixture(scope="module")
def learned(stack: Stack) -> tuple[str, str]:
    """The project, and the name of a model that learned the first rows of the demo's demonstrations by heart."""
    with stack.api() as api:
        project = api.get("/projects").json()["items"][0]["id"]
        models, sets = [], []
        for _ in range(240):
            models = policies(api, project)
            sets = [one for one in api.get(f"/projects/{project}/datasets").json()["items"]
                    if one["name"] == "Arithmetic demonstrations" and one["latest"] and one["latest"]["state"] == "ready"]
            if models and sets:
                break
            time.sleep(0.5)  # polls a real process
        config = {"max_steps": 150, "learning_rate": 2e-3, "per_device_train_batch_size": 16, "max_length": 64,
                  "lr_scheduler_type": "constant", "save_steps": 0}
        draft = {"name": "knows-sixteen", "method": "sft-instruct", "config": config, "models": {"policy": models[-1]["id"]},
                 "datasets": {"train": {"version_id": sets[0]["latest"]["id"], "split": "train", "limit": ROWS}}}
        run = api.post(f"/projects/{project}/runs", json=draft).json()["id"]
        for _ in range(600):
            found = api.get(f"/runs/{run}").json()
            final = found["final_model_id"]
            if found["state"] in ENDED and (not final or api.get(f"/models/{final}").json()["state"] == "ready"):
                break
            time.sleep(0.5)  # polls a real process
        assert found["state"] == "succeeded"
    return project, "knows-sixteen"


def test_two_evaluations_are_launched_and_the_flipped_items_seen(page: Page, learned: tuple[str, str]) -> None:
    project, name = learned
    page.goto(f"/p/{project}/evals")
    page.get_by_role("link", name="Evaluate models").first.click()
    page.get_by_role("combobox", name="Models", exact=True).click()
    for label in ("Tiny Llama 1M", name):
        page.get_by_role("option", name=label).first.click()
    page.keyboard.press("Escape")
    page.get_by_role("combobox", name="Prompts data", exact=True).click()
    page.get_by_role("option", name="Arithmetic demonstrations").click()
    split = page.get_by_role("combobox", name="Split of prompts data")
    expect(split).to_have_value(re.compile("^test"))  # what nobody learned from is proposed
    split.click()
    page.get_by_role("option", name=re.compile("^train")).click()
    rows = page.get_by_role("textbox", name="At most this many rows of prompts data")
    rows.fill(str(ROWS))
    rows.blur()
    page.get_by_label("Maximum answer length").last.fill("8")
    page.get_by_label("Maximum answer length").last.blur()
    page.screenshot(path=SHOTS / "evaluation-form.png", full_page=True)
    page.get_by_role("button", name="Launch 2 evaluations").click()
    board = page.get_by_role("region", name="Models by suites").first
    expect(board.get_by_role("checkbox")).to_have_count(2, timeout=120_000)
    page.screenshot(path=SHOTS / "evaluation-board.png", full_page=True)

    board.get_by_role("checkbox", name="Tiny Llama 1M").check()
    board.get_by_role("checkbox", name=name).check()
    page.get_by_role("link", name="Compare on").click()
    expect(page.get_by_role("status").filter(has_text="accuracy")).to_contain_text("is above")
    expect(page.get_by_role("heading", name=f"{ROWS} items")).to_be_visible()
    expect(page.get_by_text("wrong → right").first).to_be_visible()
    expect(page.get_by_text("wrong → right")).to_have_count(ROWS)
    page.screenshot(path=SHOTS / "evaluation-compared.png", full_page=True)

    page.get_by_text("Lost", exact=True).click()
    expect(page.get_by_text("No item fits")).to_be_visible()
    assert "items=lost" in page.url
    page.reload()
    expect(page.get_by_text("No item fits")).to_be_visible()

    page.get_by_role("link", name="Open its run").click()
    expect(page.get_by_role("link", name="Open items and compare")).to_be_visible()
    expect(page.get_by_role("link", name="Report")).to_have_attribute("aria-current", "page")
    page.screenshot(path=SHOTS / "evaluation-run.png")


def test_evaluations_stand_apart_from_training_and_are_reached_by_keys(page: Page, learned: tuple[str, str]) -> None:
    project, name = learned
    page.goto(f"/p/{project}/runs")
    expect(page.get_by_role("link", name=name).first).to_be_visible()
    page.get_by_text("Tasks", exact=True).click()
    expect(page.get_by_role("link", name=name)).to_have_count(0)
    assert "kind=tasks" in page.url
    page.locator("h1").click()
    page.keyboard.press("g")
    page.keyboard.press("e")
    page.wait_for_url(f"**/p/{project}/evals")


def test_a_finished_run_leads_to_the_form_with_its_model_chosen(page: Page, learned: tuple[str, str]) -> None:
    project, name = learned
    page.goto(f"/p/{project}/runs")
    page.get_by_role("link", name=name).first.click()
    page.get_by_role("link", name="Evaluate").click()
    page.wait_for_url("**/evals/new?models=*")
    expect(page.get_by_text(name).first).to_be_visible()
    expect(page.get_by_role("button", name="Launch evaluation")).to_be_disabled()

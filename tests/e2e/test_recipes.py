"""A recipe is started from the gallery, its graph shows how far each stage is, and it restarts from the middle."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import SHOTS
from tests.e2e.test_accessibility import AXE, barriers

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
SLOW = 120_000


def choose_first(page: Page, label: str) -> None:
    """Takes the first option of a select that nothing was suggested for."""
    box = page.get_by_role("combobox", name=label, exact=True)
    if box.input_value() == "":
        box.click()
        page.get_by_role("option").first.click()


def test_a_recipe_is_started_watched_and_restarted_from_a_stage(page: Page, run_at: str) -> None:
    home = f"/p/{run_at.split('/')[2]}"
    page.goto(f"{home}/recipes")
    page.get_by_role("button", name="Start Warm-up, then GRPO").click()
    form = page.get_by_role("region", name="Start Warm-up, then GRPO")
    for label in ("Base model", "Demonstrations", "Prompts with answers"):
        choose_first(page, label)
    for label, value in (("Warm-up steps", "2"), ("GRPO steps", "1"), ("Answers per prompt", "2"), ("Prompts per step", "2")):
        form.get_by_label(label).fill(value)
    form.get_by_role("button", name="Start recipe").click()
    page.wait_for_url(re.compile(r"/recipes/rrn_\w+"))
    first = page.url

    graph = page.get_by_role("group", name="Graph of the stages")
    warm_up, grpo = graph.get_by_role("link", name=re.compile("^Warm-up")), graph.get_by_role("link", name=re.compile("^GRPO"))
    expect(grpo).to_contain_text("waiting")
    expect(warm_up).to_contain_text("succeeded", timeout=SLOW)
    expect(grpo).to_contain_text("succeeded", timeout=SLOW)

    grpo.click()
    expect(page.get_by_role("link", name="Open run")).to_have_attribute("href", re.compile(r"/runs/run_\w+"))
    page.get_by_role("button", name="Restart from here").click()
    again = page.get_by_role("dialog", name="Restart from here")
    expect(again).to_contain_text(re.compile(r"Reused\s*Warm-up\s*Done anew\s*GRPO"))
    again.get_by_role("button", name="Restart").click()
    page.wait_for_url(lambda address: "/recipes/rrn_" in address and address.split("?")[0] != first.split("?")[0])
    expect(warm_up).to_contain_text("reused", timeout=SLOW)
    expect(grpo).to_contain_text("succeeded", timeout=SLOW)
    warm_up.click()
    expect(page.get_by_text("nothing was done again")).to_be_visible()
    page.screenshot(path=SHOTS / "recipe-restarted.png", full_page=True)
    assert not AXE.exists() or barriers(page) == []

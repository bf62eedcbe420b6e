"""The box behind ctrl-k: it opens, finds, leads there, and is gone."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.test_main_job import project_of

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def opened(page: Page) -> Locator:
    """The box, opened by its keys and shown."""
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.keyboard.press("Control+k")
    box = page.get_by_role("dialog")
    expect(box.get_by_role("textbox", name="Search")).to_be_focused()
    return box


def test_escape_and_a_click_outside_close_it(page: Page) -> None:
    page.goto(project_of(page))
    box = opened(page)
    page.keyboard.press("Escape")
    expect(box).to_have_count(0)
    box = opened(page)
    page.mouse.click(5, 700)
    expect(box).to_have_count(0)
    page.get_by_role("link", name="Models").first.click()
    expect(page).to_have_url(re.compile(r"/models$"))  # Nothing lies over the page any more.


def test_a_choice_leads_there_and_closes_it(page: Page) -> None:
    page.goto(project_of(page))
    box = opened(page)
    page.keyboard.type("Models")
    box.get_by_role("button", name=re.compile("^Models")).first.click()
    expect(page).to_have_url(re.compile(r"/models$"))
    expect(box).to_have_count(0)
    page.get_by_role("link", name="Home").first.click()
    expect(page).to_have_url(re.compile(r"/p/prj_\w+/?$"))


def test_its_size_does_not_change_while_results_come(page: Page) -> None:
    page.goto(project_of(page))
    content = opened(page)
    sizes = set()
    for letter in " arith":
        page.keyboard.type(letter)
        shown = content.bounding_box()
        assert shown
        sizes.add((shown["y"], shown["height"]))
        page.wait_for_timeout(120)
    assert len(sizes) == 1, sizes

"""What each role is shown: nobody is offered what the server would refuse, and a stranger learns nothing."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.conftest import Stack

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
SLOW = 60_000
WRITES = re.compile(
    "New run|Clone|Choose file|Paste rows|Hub name|Register|Delete|Launch|Watch it learn|New version|Train on|New campaign"
)
PAGES = ["", "/runs", "/runs/new", "/data", "/models", "/annotate"]


def project_id(stack: Stack) -> str:
    with stack.api() as api:
        return str(api.get("/projects").json()["items"][0]["id"])


@pytest.fixture(scope="module")
def contexts(stack: Stack, browser: Browser) -> Iterator[dict[str, BrowserContext]]:
    """A signed-in browser for a viewer and an annotator of the demo project, and for somebody who is in no project."""
    project, opened = project_id(stack), {}
    for role in ("viewer", "annotator", "stranger"):
        email = f"{role}@roles.example"
        link = re.search(r"https?://\S+", stack.lodestar("user", "create", email))
        assert link, "lodestar user create prints an address"
        if role != "stranger":
            stack.lodestar("member", "add", project, email, "--role", role)
        context = browser.new_context(viewport={"width": 1440, "height": 900}, base_url=stack.url)
        page = context.new_page()
        page.goto(link.group())
        expect(page.get_by_text(email)).to_be_visible(timeout=SLOW)
        page.get_by_text("Skip for now").click()
        page.wait_for_url(lambda url: "/sign-in" not in url)
        page.close()
        opened[role] = context
    yield opened
    for context in opened.values():
        context.close()


def offers(page: Page) -> list[str]:
    """The words of every button and link in the page's content that would change something."""
    found = page.locator("main").get_by_role("button").or_(page.locator("main").get_by_role("link"))
    return [text for text in found.all_inner_texts() if WRITES.search(text)]


@pytest.mark.parametrize("at", PAGES)
def test_a_viewer_is_offered_nothing_that_changes_anything(contexts: dict[str, BrowserContext], stack: Stack, at: str) -> None:
    page = contexts["viewer"].new_page()
    page.goto(f"/p/{project_id(stack)}{at}")
    expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=SLOW)
    page.wait_for_load_state("networkidle")
    assert offers(page) == []
    page.keyboard.press("n")
    page.wait_for_timeout(200)
    assert page.url.endswith(f"{project_id(stack)}{at}"), "the key for a new run is not theirs either"
    page.close()


def test_an_editor_is_offered_them(page: Page, stack: Stack) -> None:
    page.goto(f"/p/{project_id(stack)}/data")
    expect(page.get_by_role("button", name="Choose file")).to_be_visible(timeout=SLOW)
    page.goto(f"/p/{project_id(stack)}/runs")
    expect(page.get_by_role("link", name="New run").first).to_be_visible(timeout=SLOW)


@pytest.mark.parametrize("at", PAGES)
def test_an_annotator_sees_annotate_alone(contexts: dict[str, BrowserContext], stack: Stack, at: str) -> None:
    page = contexts["annotator"].new_page()
    page.goto(f"/p/{project_id(stack)}{at}")
    expect(page.get_by_role("heading", name="Annotate", level=1)).to_be_visible(timeout=SLOW)
    assert page.get_by_role("navigation", name="Main").get_by_role("link").all_inner_texts() == ["Annotate"]
    assert offers(page) == []
    page.close()


@pytest.mark.parametrize("at", PAGES)
def test_a_stranger_finds_no_such_page(contexts: dict[str, BrowserContext], stack: Stack, at: str) -> None:
    page = contexts["stranger"].new_page()
    page.goto(f"/p/{project_id(stack)}{at}")
    expect(page.get_by_role("heading", name="No such page", level=1)).to_be_visible(timeout=SLOW)
    assert offers(page) == []
    expect(page.get_by_text("Arithmetic demo")).to_have_count(0)
    page.close()


def test_a_used_link_opened_again_leads_home(contexts: dict[str, BrowserContext], stack: Stack) -> None:
    page = contexts["viewer"].new_page()
    page.goto("/sign-in/link")
    expect(page.get_by_role("heading", name="Arithmetic demo", level=1)).to_be_visible(timeout=SLOW)
    assert page.url == f"{stack.url}/p/{project_id(stack)}"
    page.close()

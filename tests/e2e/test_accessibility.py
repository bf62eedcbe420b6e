"""Every page for people who do not see it, or use no mouse: axe's rules in both themes, focus, dialogs, live words."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import ROOT, Stack
from tests.e2e.test_main_job import project_of

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN = "only => axe.run(document, {runOnly: only}).then(found => found.violations)"
PAINTED = """async () => {
  for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
  await Promise.all(document.getAnimations().map(one => one.finished.catch(() => null)));
}"""  # colours fade to the other theme, if for no time: a busy machine needs long for no time
COLOURS = ["color-contrast", "link-in-text-block"]  # what another theme can change
LISTED = "([project, kind]) => fetch(`/api/v1/projects/${project}/${kind}`).then(answer => answer.json())"
SLOW = 120_000


def seen(page: Page, impacts: tuple[str, ...] = ("critical", "serious", "moderate", "minor")) -> list[str]:
    """What axe holds against the page as it stands, in light and in dark, one line for each rule and place."""
    page.evaluate(AXE.read_text())
    violations = standing(page, {"type": "tag", "values": TAGS})
    with in_the_dark(page):
        violations += standing(page, {"type": "rule", "values": COLOURS})
    return [f"{one['impact']} {one['id']}: {node['html'][:200]}" for one in violations for node in one["nodes"]
            if one["impact"] in impacts]


def standing(page: Page, only: dict[str, Any]) -> list[dict[str, Any]]:
    """What axe finds twice: a button that is just being enabled has its colour only when it has faded in."""
    found: list[dict[str, Any]] = page.evaluate(RUN, only)
    if found:
        page.wait_for_timeout(1500)
        page.evaluate(PAINTED)
        found = page.evaluate(RUN, only)
    return found


@contextmanager
def in_the_dark(page: Page) -> Iterator[None]:
    """The page follows its reader's system from light to dark, and back."""
    scheme = page.locator("html")
    expect(scheme).to_have_attribute("data-mantine-color-scheme", "light")
    page.emulate_media(reduced_motion="reduce", color_scheme="dark")
    expect(scheme).to_have_attribute("data-mantine-color-scheme", "dark")
    page.evaluate(PAINTED)
    yield
    page.emulate_media(reduced_motion="reduce", color_scheme="light")
    expect(scheme).to_have_attribute("data-mantine-color-scheme", "light")


@pytest.fixture(scope="session")
def campaign_at(stack: Stack, run_at: str) -> str:
    """The address of a campaign over what the run's policy wrote; nothing in it is judged."""
    _, _, project, _, run = run_at.split("/")
    body = {"name": "What axe sees", "guidelines": "# Rule\n- Prefer the **right** sum.",
            "source": {"kind": "rollouts", "run_id": run}}
    with stack.api() as api:
        made = api.post(f"/projects/{project}/campaigns", json=body).raise_for_status().json()
    return f"/p/{project}/annotate/{made['id']}"


def settle(page: Page) -> None:
    """Until the page asks for nothing more; a live page beats on, so this waits at most a moment."""
    page.wait_for_load_state("load")
    expect(page.locator("h1, h2").first).to_be_visible(timeout=SLOW)
    page.wait_for_timeout(700)


def barriers(page: Page) -> list[str]:
    """What axe holds against the page at this address, in light and in dark, on a screen and on a phone."""
    page.emulate_media(reduced_motion="reduce", color_scheme="light")
    found: list[str] = []
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.reload()
        settle(page)
        found += [f"{width}: {line}" for line in seen(page)]
    return found


@pytest.fixture
def still(page: Page) -> Page:
    """A page on which nothing moves, in light."""
    page.emulate_media(reduced_motion="reduce", color_scheme="light")
    return page


@pytest.mark.skipif(not AXE.exists(), reason="No frontend/node_modules/axe-core; `make build` brings it.")
@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing_on_any_page(still: Page, run_at: str, campaign_at: str, width: int) -> None:
    page = still
    home = project_of(page)
    page.set_viewport_size({"width": width, "height": 900})
    sets, models = (page.evaluate(LISTED, [home.split("/")[2], kind]) for kind in ("datasets", "models"))
    data = f"{home}/data/{sets['items'][0]['id']}/v/1"
    places = [
        "", "/runs", "/runs?q=state:failed", "/runs/new?method=grpo", "/runs/new?method=grpo&as=yaml", "/data", "/models",
        "/evals", "/evals/new?method=evaluate-winrate", "/rewards", "/rewards/new?on=text", "/annotate", "/playground",
        "/recipes", "/recipes?start=rlhf", "/methods?q=grpo", "/methods/ppo",
    ]  # fmt: skip
    tabs = ["curves", "rollouts?vs=1", "logs", "system", "checkpoints", "config", "lineage"]
    at = [
        *(home + place for place in places),
        *(f"{run_at}/{tab}" for tab in tabs),
        *(f"{data}/{tab}" for tab in ("rows", "template", "health", "used")),
        f"{home}/models/{models['items'][0]['id']}",
        *(f"{campaign_at}/{tab}" for tab in ("work", "overview", "people", "conflicts", "export")),
        f"{home}/annotate/new?run={run_at.split('/runs/')[1]}",
        *(f"{home}/{place}={models['items'][0]['id']}" for place in ("evals/new?models", "playground?m")),
        *(f"{home}/settings/{section}" for section in ("members", "tokens", "audit", "project")),
        "/welcome", "/me", "/ops/workers",
    ]
    found: dict[str, list[str]] = {}
    for address in at:
        page.goto(address)
        settle(page)
        if faults := seen(page):
            found[address] = faults
    assert not found, "\n".join(f"{address}: {line}" for address, lines in found.items() for line in lines)


@pytest.mark.skipif(not AXE.exists(), reason="No frontend/node_modules/axe-core; `make build` brings it.")
def test_axe_finds_nothing_in_what_opens_over_a_page(still: Page, run_at: str) -> None:
    page = still
    home = project_of(page)
    found: dict[str, list[str]] = {}

    def look(what: str) -> None:
        page.wait_for_timeout(500)
        if faults := seen(page, ("critical", "serious")):
            found[what] = faults
        page.keyboard.press("Escape")
        page.wait_for_timeout(250)

    page.goto(f"{home}/runs")
    settle(page)
    page.keyboard.press("Control+k")
    look("palette")
    page.keyboard.press("?")
    look("keys")
    page.get_by_role("button", name="Columns").click()
    look("columns")
    page.get_by_role("checkbox", name="Pick all").check()
    look("picked runs")
    page.get_by_role("button", name=re.compile("^Project:")).click()
    page.get_by_role("menuitem", name="New project").click()
    look("new project")
    page.goto(f"{run_at}/curves?at=1")
    settle(page)
    look("answers of a step")
    page.get_by_role("button", name=re.compile("^Actions of")).first.click()
    look("menu of a chart")
    page.goto(f"{run_at}/checkpoints")
    page.get_by_role("button", name="Register as model").first.click()
    look("register a checkpoint")
    page.goto(f"{home}/settings/tokens")
    settle(page)
    assert not found, "\n".join(f"{what}: {line}" for what, lines in found.items() for line in lines)


def test_the_keyboard_reaches_everything_and_comes_back(page: Page, run_at: str) -> None:
    home = project_of(page)
    page.goto(f"{home}/runs")
    settle(page)
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"

    project = page.get_by_role("button", name=re.compile("^Project:"))
    project.focus()
    page.keyboard.press("Enter")
    page.get_by_role("menuitem", name="New project").click()
    dialog = page.get_by_role("dialog", name="New project")
    expect(dialog.get_by_label("Name")).to_be_focused()
    for _ in range(6):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('[role=dialog]') !== null"), "focus left the dialog"
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()

    page.goto(f"{run_at}/curves")
    chart = page.get_by_role("slider", name=re.compile("^Reward: arrow keys"))
    expect(chart).to_be_visible(timeout=SLOW)
    chart.focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    expect(chart).to_have_attribute("aria-valuetext", re.compile(r"^step 2: "))
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Step 2")).to_be_visible()


def test_nothing_moves_for_those_who_ask_for_rest(page: Page, run_at: str) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{run_at}/curves")
    settle(page)
    longest = page.evaluate(
        "() => Math.max(0, ...[...document.querySelectorAll('*')].flatMap(one => "
        "getComputedStyle(one).transitionDuration.split(',').map(parseFloat)))"
    )
    assert longest <= 0.001

"""The main job as a person does it, in a real browser: bring data, launch, watch, steer, stop, find the checkpoint."""

import json
import random
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import SHOTS, Stack

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
SLOW = 120_000


def project_of(page: Page) -> str:
    """The address of the demo project's home, which the page leads to after sign-in."""
    page.goto("/")
    page.wait_for_url(re.compile(r"/(p/prj_\w+|welcome)"))
    session = page.evaluate("fetch('/api/v1/session').then((answer) => answer.json())")
    return f"/p/{session['projects'][0]['id']}"


def sums(path: Path, rows: int) -> Path:
    """A JSONL file of one-digit sums with their answers."""
    draw = random.Random(3)
    lines = [f"{a}+{b}=" for a, b in ((draw.randrange(10), draw.randrange(10)) for _ in range(rows))]
    path.write_text("".join(json.dumps({"prompt": line, "answer": str(eval(line[:-1]))}) + "\n" for line in lines))
    return path


def step_of(page: Page) -> int:
    """The step that the run's header shows."""
    shown = page.locator("header b").first.inner_text()
    return int(shown.replace(",", "") or 0)


def wait_for_step(page: Page, step: int) -> None:
    """Until the header shows at least `step`. Polled from here: the page's policy forbids evaluating strings."""
    for _ in range(SLOW // 200):
        if step_of(page) >= step:
            return
        page.wait_for_timeout(200)
    raise AssertionError(f"The header never showed step {step}.")


def choose(page: Page, label: str, option: str) -> None:
    """Opens the select `label` and takes the first option that holds `option`."""
    page.get_by_role("combobox", name=label, exact=True).click()
    page.get_by_role("option", name=re.compile(option)).first.click()


def upload(page: Page, home: str, file: Path, name: str) -> None:
    page.goto(f"{home}/data")
    page.get_by_label("File to upload").set_input_files(file)
    expect(page.get_by_text("rows looked at")).to_be_visible(timeout=SLOW)
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Create v1").click()
    page.wait_for_url(re.compile(r"/data/ds_\w+/v/1/rows"))


def launch(page: Page, home: str, data: str) -> None:
    """GRPO on `data` from the form, with the numeric match that the form proposes."""
    page.goto(f"{home}/runs/new")
    page.get_by_role("radio", name=re.compile("Group relative policy")).click()
    page.get_by_role("button", name="Demo", exact=True).click()
    choose(page, "Model", "Tiny Llama")
    choose(page, "Data", data)
    button = page.get_by_role("button", name=re.compile("Launch run"))
    expect(button).not_to_have_attribute("aria-disabled", "true", timeout=SLOW)
    button.click()
    page.wait_for_url(re.compile(r"/runs/run_\w+"), timeout=SLOW)


def test_a_person_launches_watches_steers_and_stops_a_run(page: Page, stack: Stack, tmp_path: Path) -> None:
    home = project_of(page)
    with stack.api() as api:
        for _ in range(240):
            models = api.get(f"/projects/{home.split('/')[2]}/models").json()["items"]
            if any(model["state"] == "ready" for model in models):
                break
            page.wait_for_timeout(500)
    upload(page, home, sums(tmp_path / "sums.jsonl", 500), "One-digit sums")
    expect(page.get_by_text("500 rows")).to_be_visible(timeout=SLOW)
    launch(page, home, "One-digit sums")
    expect(page.locator("header").get_by_text("running")).to_be_visible(timeout=SLOW)
    wait_for_step(page, 2)
    expect(page.get_by_role("img", name=re.compile("reward", re.IGNORECASE)).or_(page.locator("canvas")).first).to_be_visible()
    page.screenshot(path=SHOTS / "run-curves.png")

    page.get_by_role("link", name="Rollouts").click()
    page.get_by_role("button", name=re.compile(r"\d\+\d=")).first.click()
    expect(page.get_by_label("Answer 1", exact=True)).to_be_visible(timeout=SLOW)
    page.screenshot(path=SHOTS / "run-rollouts.png")

    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible(timeout=SLOW)
    held = step_of(page)
    page.get_by_role("button", name="Live settings", exact=True).click()
    field = page.get_by_label(re.compile("Learning rate", re.IGNORECASE)).last
    field.fill("2e-5")
    field.press("Enter")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Resume").click()
    wait_for_step(page, held + 1)

    page.reload()
    wait_for_step(page, held + 1)
    page.get_by_role("button", name="Stop and keep checkpoint").click()
    expect(page.locator("header").get_by_text("stopped", exact=True)).to_be_visible(timeout=SLOW)
    page.get_by_role("link", name="Checkpoints").click()
    expect(page.get_by_role("button", name="Register as model").first).to_be_visible(timeout=SLOW)
    page.screenshot(path=SHOTS / "run-checkpoints.png")

    run = page.url.split("/runs/")[1].split("/")[0]
    with stack.api() as api:
        changes = api.get(f"/runs/{run}/events", params={"types": "change"}).json()["items"]
        steps = api.get(f"/runs/{run}/series", params={"names": "reward"}).json()["series"]["reward"]["step"]
    assert [item["event"]["new"] for item in changes] == [2e-5]
    assert steps == sorted(set(steps)), "each step has one point"


def test_a_broken_file_is_refused_with_its_lines(page: Page, stack: Stack, tmp_path: Path) -> None:
    home = project_of(page)
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"prompt": "1+1=", "answer": "2"}\n{"prompt": "1+2="\n[1, 2]\n')
    page.goto(f"{home}/data")
    page.get_by_label("File to upload").set_input_files(broken)
    expect(page.get_by_text("refused; nothing was stored")).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("Line 2, column 18")).to_be_visible()
    expect(page.get_by_text("Line 3, column 1")).to_be_visible()
    with stack.api() as api:
        names = [row["name"] for row in api.get(f"/projects/{home.split('/')[2]}/datasets").json()["items"]]
    assert not any("broken" in name for name in names)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_every_page_opens_without_a_complaint(page: Page, theme: str, width: int) -> None:
    home = project_of(page)
    page.context.add_cookies([{"name": "lodestar_theme", "value": theme, "url": page.url}])
    page.set_viewport_size({"width": width, "height": 900})
    pages = ["", "/runs", "/runs/new?method=grpo", "/data", "/models", "/settings/members", "/settings/tokens", "/settings/audit"]
    for at in [*(home + path for path in pages), "/welcome", "/me", "/ops/workers"]:
        page.goto(at)
        expect(page.get_by_role("heading").first).to_be_visible()
        expect(page.get_by_role("alert")).to_have_count(0)
        page.wait_for_load_state("networkidle")
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, f"{at} scrolls sideways by {overflow} px at {width}"
        page.screenshot(path=SHOTS / f"{at.strip('/').replace('/', '-').split('?')[0] or 'home'}-{theme}-{width}.png")

"""Annotation as its people do it: ten pairs by keys alone with one undo, without the network, and the labels as data."""

import re
import time
from typing import Any

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.datasets.desk import jsonl
from tests.e2e.conftest import SHOTS, Stack
from tests.e2e.test_main_job import project_of

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
SLOW = 60_000
PAIRS = 10
ROWS = [
    {"prompt": f"What is {n} + {n}?", "chosen": f"It is {2 * n}.", "rejected": f"It is {2 * n + 1}."}
    for n in range(1, PAIRS + 1)
]


def until(api: httpx.Client, path: str, *states: str) -> dict[str, Any]:
    for _ in range(240):
        found: dict[str, Any] = api.get(path).raise_for_status().json()
        if found["state"] in states:
            return found
        time.sleep(0.25)  # polls a real process
    raise AssertionError(found)


@pytest.fixture(scope="module")
def version(stack: Stack) -> dict[str, Any]:
    """A preference data set whose better answers are known."""
    content = jsonl(*ROWS)
    with stack.api() as api:
        project = api.get("/projects").json()["items"][0]["id"]
        upload = api.post(f"/projects/{project}/uploads", json={"filename": "sums.jsonl", "size_bytes": len(content)}).json()
        sent = {"Upload-Offset": "0", "Content-Type": "application/octet-stream"}
        api.patch(f"/uploads/{upload['id']}", content=content, headers=sent).raise_for_status()
        until(api, f"/uploads/{upload['id']}", "inspected")
        body = {"name": "Doubled sums", "source": {"upload_id": upload["id"]}}
        made = api.post(f"/projects/{project}/datasets", json=body).raise_for_status().json()
        return until(api, f"/dataset-versions/{made['version']['id']}", "ready")


def campaign(stack: Stack, version: dict[str, Any], name: str, **given: Any) -> dict[str, Any]:
    with stack.api() as api:
        project = api.get("/projects").json()["items"][0]["id"]
        body = {"name": name, "source": {"kind": "dataset", "version_id": version["id"]}, **given}
        made: dict[str, Any] = api.post(f"/projects/{project}/campaigns", json=body).raise_for_status().json()
        return made


def better_key(page: Page) -> str:
    """The key of the right answer on the screen, read as a person reads it."""
    prompt = page.get_by_label("Prompt").inner_text()
    right = 2 * int(re.findall(r"\d+", prompt)[0])
    return "a" if f"It is {right}." in page.get_by_label("Answer A").inner_text() else "b"


def judge(page: Page, key: str) -> None:
    """One key; the next pair is there at once."""
    before = page.get_by_label("Prompt").inner_text()
    page.keyboard.press(key)
    expect(page.get_by_label("Prompt").filter(has_text=before)).to_have_count(0)


def test_a_campaign_is_made_beside_the_screen_that_people_will_see(page: Page, version: dict[str, Any]) -> None:
    home = project_of(page)
    page.goto(f"{home}/annotate/new?version={version['id']}")
    expect(page.get_by_label("Answer A")).to_be_visible(timeout=SLOW)
    page.get_by_label("Name").fill("Sums by hand")
    page.get_by_label("Guidelines").fill("# Rule\n- Prefer the **right** sum.")
    page.screenshot(path=SHOTS / "campaign-new.png")
    page.get_by_role("button", name="Create campaign").click()
    expect(page.get_by_role("heading", name="Sums by hand", level=1)).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("0 of 10").first).to_be_visible()


def test_ten_pairs_by_keys_alone_with_one_undo_then_exported(page: Page, stack: Stack, version: dict[str, Any]) -> None:
    made = campaign(stack, version, "Keys alone", guidelines="Prefer the right sum.")
    at = f"/p/{made['project_id']}/annotate/{made['id']}"
    page.goto(f"{at}/work")
    expect(page.get_by_label("Answer A")).to_be_visible(timeout=SLOW)
    page.keyboard.press("h")
    expect(page.get_by_role("region", name="Guidelines")).to_have_count(0)
    page.keyboard.press("d")
    expect(page.locator("mark").first).to_be_visible()
    page.screenshot(path=SHOTS / "annotate-work.png")
    page.keyboard.press("d")
    for number in range(3):
        judge(page, better_key(page).upper() if number == 0 else better_key(page))
    wrong = {"a": "b", "b": "a"}[better_key(page)]
    mistaken = page.get_by_label("Prompt").inner_text()
    judge(page, wrong)
    page.keyboard.press("u")
    expect(page.get_by_label("Prompt")).to_have_text(mistaken)
    page.keyboard.press("c")
    page.keyboard.type("ab: not commands while typing")
    page.keyboard.press("Escape")
    judge(page, better_key(page))
    for _ in range(PAIRS - 5):
        judge(page, better_key(page))
    page.keyboard.press(better_key(page))
    expect(page.get_by_text("Thank you, all pairs are judged")).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("saved ✓")).to_be_visible()

    page.goto(f"{at}/overview")
    expect(page.get_by_text("10 of 10").first).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("100 %").first).to_be_visible()
    page.screenshot(path=SHOTS / "campaign-overview.png")
    page.get_by_role("link", name="Export").click()
    page.get_by_role("button", name="Make v1").click()
    expect(page.get_by_role("cell", name="ready")).to_be_visible(timeout=SLOW)
    page.screenshot(path=SHOTS / "campaign-export.png")
    with stack.api() as api:
        [export] = api.get(f"/campaigns/{made['id']}/exports").json()
        items = api.get(f"/dataset-versions/{export['version_id']}/rows").json()["items"]
    rows = {item["record"]["prompt"]: item["record"] for item in items}
    assert {prompt: (row["chosen"], row["rejected"]) for prompt, row in rows.items()} == {
        row["prompt"]: (row["chosen"], row["rejected"]) for row in ROWS
    }
    assert rows[mistaken]["extra"]["comment"] == "ab: not commands while typing"
    assert sorted(row["extra"]["strength"] for row in rows.values()) == [1] * 9 + [2]


def test_judgments_wait_in_the_browser_while_the_network_is_gone(
    page: Page, signed_in: BrowserContext, stack: Stack, version: dict[str, Any]
) -> None:
    made = campaign(stack, version, "On a train")
    page.goto(f"/p/{made['project_id']}/annotate/{made['id']}/work")
    expect(page.get_by_label("Answer A")).to_be_visible(timeout=SLOW)
    signed_in.set_offline(True)
    try:
        for key in ("a", "t", "x"):
            judge(page, key)
        expect(page.get_by_text("3 waiting, kept in this browser")).to_be_visible()
        page.screenshot(path=SHOTS / "annotate-offline.png")
        page.keyboard.press("u")
        expect(page.get_by_text("2 waiting")).to_be_visible()
        with stack.api() as api:
            assert api.get(f"/campaigns/{made['id']}").json()["judgments"] == 0
    finally:
        signed_in.set_offline(False)
    expect(page.get_by_text("saved ✓")).to_be_visible(timeout=SLOW)
    with stack.api() as api:
        assert api.get(f"/campaigns/{made['id']}/overview").json()["verdicts"] == {"a": 1, "tie": 1}


def test_a_reload_sends_what_the_browser_kept(page: Page, stack: Stack, version: dict[str, Any]) -> None:
    made = campaign(stack, version, "Reloaded")
    page.goto(f"/p/{made['project_id']}/annotate/{made['id']}/work")
    expect(page.get_by_label("Answer A")).to_be_visible(timeout=SLOW)
    page.route("**/judgments", lambda route: route.abort())
    judge(page, "b")
    expect(page.get_by_text("1 waiting, kept in this browser")).to_be_visible()
    page.unroute("**/judgments")
    page.reload()
    expect(page.get_by_text("saved ✓")).to_be_visible(timeout=SLOW)
    expect(page.get_by_label("Answer A")).to_be_visible(timeout=SLOW)
    with stack.api() as api:
        assert api.get(f"/campaigns/{made['id']}/overview").json()["verdicts"] == {"b": 1}


def test_a_judgment_that_did_not_count_says_so_and_keeps_the_text(page: Page, stack: Stack, version: dict[str, Any]) -> None:
    made = campaign(stack, version, "Ended meanwhile")
    page.goto(f"/p/{made['project_id']}/annotate/{made['id']}/work")
    expect(page.get_by_label("Answer A")).to_be_visible(timeout=SLOW)
    with stack.api() as api:
        api.post(f"/campaigns/{made['id']}/finish").raise_for_status()
    page.keyboard.press("c")
    page.keyboard.type("Thought long about this.")
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    notice = page.get_by_role("alert").filter(has_text="was not counted")
    expect(notice).to_be_visible(timeout=SLOW)
    expect(notice).to_contain_text("Thought long about this.")
    page.screenshot(path=SHOTS / "annotate-not-counted.png")
    page.get_by_role("button", name="I have read it").click()
    expect(notice).to_have_count(0)

"""From the click on Launch to the first drawn point, and from an event of the engine to the pixel of a watching page.

    python tests/benchmarks/launch_to_pixel.py [launches]

A whole Lodestar (`lodestar up`) and a headless Chromium on this machine; GRPO on one-digit sums with the tiny model.
Both clocks are this machine's. Drawn means: the first frame after the canvas was stroked, itself after the socket's
message with that step came. Goals: under 10 s, and p95 under 300 ms. Prints figures; asserts nothing about time.
"""

import statistics
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.e2e.conftest import CHROMIUM, Stack, start_stack, stop_stack  # noqa: E402 - needs the path above
from tests.e2e.test_main_job import launch, project_of, sums, upload, wait_for_step  # noqa: E402

STEPS = 40
WATCH = """
window.seen = {arrived: {}, drawn: []};
const now = () => performance.timeOrigin + performance.now();
const Native = window.WebSocket;
window.WebSocket = class extends Native {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", ({data}) => {
      for (const [, step] of String(data).matchAll(/"step":(\\d+)/g)) window.seen.arrived[step] ??= now();
    });
  }
};
const stroke = CanvasRenderingContext2D.prototype.stroke;
let asked = false;
CanvasRenderingContext2D.prototype.stroke = function (...given) {
  if (!asked) { asked = true; requestAnimationFrame(() => { asked = false; window.seen.drawn.push(now()); }); }
  return stroke.apply(this, given);
};
"""


def first_after(times: list[float], start: float) -> float | None:
    return next((moment for moment in times if moment >= start), None)


def events_of(api: httpx.Client, run: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = api.get(f"/runs/{run}/events", params={"cursor": cursor} if cursor else {}).raise_for_status().json()
        found += page["items"]
        if not (cursor := page["next"]):
            return found


def milliseconds(when: str | float) -> float:
    return 1000 * (when if isinstance(when, int | float) else datetime.fromisoformat(when).timestamp())


def one_launch(page: Page, api: httpx.Client, home: str) -> tuple[float, list[float], list[str]]:
    """Seconds to the first drawn point, milliseconds from event to pixel for each step, and where the start's time went."""
    clicked: list[float] = []
    page.on("request", lambda request: clicked.append(1000 * time.time())
            if request.method == "POST" and request.url.endswith("/runs") and not clicked else None)
    launch(page, home, "One-digit sums")
    run = page.url.split("/runs/")[1].split("/")[0]
    wait_for_step(page, STEPS)
    page.wait_for_timeout(500)
    seen = page.evaluate("window.seen")
    drawn = seen["drawn"]
    events = events_of(api, run)
    metrics = [item["event"] for item in events if item["event"]["type"] == "metrics"]
    pixels = []
    for event in metrics:
        arrived = seen["arrived"].get(str(event["step"]))
        shown = first_after(drawn, arrived) if arrived else None
        if shown is not None and event["step"] > 1:
            pixels.append(shown - milliseconds(event["time"]))
    first = first_after(drawn, seen["arrived"][str(metrics[0]["step"])])
    assert first is not None, "the first step was never drawn"
    parts = []
    for item in events:
        event = item["event"]
        if event["type"] in ("status", "metrics"):
            words = event.get("state") or event.get("status") or event["type"]
            parts.append(f"{(milliseconds(event['time']) - clicked[0]) / 1000:.2f} s {words} {event.get('detail', '')}".strip())
        if event["type"] == "metrics":
            break
    api.post(f"/runs/{run}/control", json={"type": "cancel"})
    return (first - clicked[0]) / 1000, pixels, parts


def measure(context: BrowserContext, stack: Stack, launches: int) -> None:
    with stack.api() as api, tempfile.TemporaryDirectory() as folder:
        page = context.new_page()
        home = project_of(page)
        models = f"/projects/{home.split('/')[2]}/models"
        while not any(model["state"] == "ready" for model in api.get(models).json()["items"]):
            time.sleep(0.5)
        upload(page, home, sums(Path(folder) / "sums.jsonl", 500), "One-digit sums")
        expect(page.get_by_text("500 rows")).to_be_visible(timeout=120_000)
        page.close()
        starts, pixels = [], []
        for _ in range(launches):
            page = context.new_page()
            page.add_init_script(WATCH)
            took, found, parts = one_launch(page, api, home)
            page.close()
            print(f"click to first point {took:.2f} s: " + "; ".join(parts), flush=True)
            starts.append(took)
            pixels += found
    cuts = statistics.quantiles(pixels, n=100)
    print(f"click on Launch to first point: median {statistics.median(starts):.2f} s, worst {max(starts):.2f} s of {launches}")
    print(f"event to pixel over {len(pixels)} steps: p50 {cuts[49]:.0f} ms, p95 {cuts[94]:.0f} ms, worst {max(pixels):.0f} ms")


def main() -> None:
    launches = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    if CHROMIUM is None:
        raise SystemExit("No Chromium on this machine: install the package chromium.")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        home = Path(folder) / "state"
        home.mkdir()
        server, stack = start_stack(home)
        try:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            context = browser.new_context(viewport={"width": 1440, "height": 900}, base_url=stack.url)
            page = context.new_page()
            page.goto(stack.lodestar("user", "link", "--quiet").split()[-1])
            page.get_by_text("Skip for now").click()
            page.wait_for_url(lambda url: "/sign-in" not in url)
            page.close()
            measure(context, stack, launches)
            browser.close()
        finally:
            stop_stack(server, home)


if __name__ == "__main__":
    main()

"""A whole Lodestar in a directory of its own, started as a person starts it, and a headless browser that is signed in."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

CHROMIUM = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
ROOT = Path(__file__).resolve().parents[2]
SHOTS = ROOT / ".screenshots"
SHOTS.mkdir(exist_ok=True)


@dataclass(frozen=True)
class Stack:
    """A running server: its address, its state directory, and how to ask it for a token or a sign-in link."""

    url: str
    home: Path
    environment: dict[str, str]

    def lodestar(self, *arguments: str) -> str:
        """What the command line prints for `arguments`, run against this server's state."""
        command = [sys.executable, "-m", "lodestar", *arguments]
        done = subprocess.run(command, env=self.environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def api(self) -> httpx.Client:
        """A client that carries the first administrator's token."""
        token = self.lodestar("token", "create", "--name", "browser tests", "--quiet")
        return httpx.Client(base_url=f"{self.url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=60)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def processes_of(home: Path) -> list[psutil.Process]:
    """Every process that was started with this state directory."""
    marker, found = str(home), []
    for process in psutil.process_iter():
        try:
            if process.environ().get("LODESTAR_HOME") == marker and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def start_stack(home: Path) -> tuple["subprocess.Popen[str]", Stack]:
    """`lodestar up` on a free port; waits until its health page answers."""
    port = _free_port()
    environment = {**os.environ, "LODESTAR_HOME": str(home), "LODESTAR_PORT": str(port), "PYTHONUNBUFFERED": "1"}
    log = (home.parent / "up.log").open("w")
    command = [sys.executable, "-m", "lodestar", "up"]
    server = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log, text=True, start_new_session=True)
    url, end = f"http://127.0.0.1:{port}", time.monotonic() + 120
    while time.monotonic() < end:
        assert server.poll() is None, (home.parent / "up.log").read_text()
        try:
            if httpx.get(f"{url}/healthz", timeout=5).status_code == 200:
                return server, Stack(url, home, environment)
        except httpx.TransportError:
            pass
        time.sleep(0.2)  # polls a real process
    raise AssertionError("No answer in 120 s:\n" + (home.parent / "up.log").read_text())


def stop_stack(server: "subprocess.Popen[str]", home: Path) -> list[psutil.Process]:
    """Interrupts the server as Ctrl-C does and returns the processes that are left 20 s later: there should be none."""
    server.send_signal(signal.SIGINT)
    server.wait(timeout=60)
    _, left = psutil.wait_procs(processes_of(home), timeout=20)
    for process in left:
        process.kill()
    return list(left)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    home = tmp_path_factory.mktemp("lodestar") / "state"
    home.mkdir()
    server, running = start_stack(home)
    yield running
    left = stop_stack(server, home)
    assert not left, f"processes outlived an interrupt: {left}"


def policies(api: httpx.Client, project: str) -> list[dict[str, Any]]:
    """The project's models that are ready and write text: another test may have left a reward model."""
    found = api.get(f"/projects/{project}/models").json()["items"]
    return [one for one in found if one["state"] == "ready" and one["kind"] == "causal"]


@pytest.fixture(scope="session")
def run_at(stack: Stack) -> str:
    """The address of a short GRPO run that has ended: its curves, answers, log and checkpoint are there."""
    with stack.api() as api:
        project = api.get("/projects").json()["items"][0]["id"]
        for _ in range(240):
            models = policies(api, project)
            sets = [one for one in api.get(f"/projects/{project}/datasets").json()["items"]
                    if (new := one["latest"]) and new["kind"] == "prompt_answer" and new["state"] == "ready"]
            if models and sets:
                break
            time.sleep(0.5)  # polls a real process
        draft = {
            "name": "a very long name עברית 🦉 " + "that_has_no_place_to_break_" * 3,
            "method": "grpo",
            "tags": ["axe", "two words"],
            "config": {
                "max_steps": 3, "num_generations": 4, "prompts_per_step": 4, "max_completion_length": 8, "rollout_steps": 1,
            },
            "models": {"policy": models[0]["id"]},
            "datasets": {"train": {"version_id": sets[0]["latest"]["id"], "split": "train"}},
            "reward": {"terms": [{"name": "correct", "kind": "numeric_match", "weight": 1, "params": {}}]},
        }
        answer = api.post(f"/projects/{project}/runs", json=draft, headers={"Idempotency-Key": "accessibility"})
        assert answer.status_code in (200, 201), answer.text
        run = answer.json()["id"]
        for _ in range(480):
            state = api.get(f"/runs/{run}").json()["state"]
            if state in ("succeeded", "failed", "cancelled"):
                break
            time.sleep(0.5)  # polls a real process
        assert state == "succeeded"
    return f"/p/{project}/runs/{run}"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM:
        pytest.skip("No Chromium on this machine; install the package `chromium` to run the browser tests.")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def signed_in(stack: Stack, browser: Browser) -> Iterator[BrowserContext]:
    """A browser context that came in through a one-time link and has a session."""
    link = re.search(r"https?://\S+", stack.lodestar("user", "link", "--quiet"))
    assert link, "lodestar user link prints an address"
    context = browser.new_context(viewport={"width": 1440, "height": 900}, base_url=stack.url)
    page = context.new_page()
    page.goto(link.group())
    page.get_by_text("Skip for now").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)
    page.close()
    yield context
    context.close()


@pytest.fixture
def page(signed_in: BrowserContext) -> Iterator[Page]:
    """A fresh tab; a script error on the page or a refused script fails the test."""
    opened, complaints = signed_in.new_page(), []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda line: complaints.append(line.text) if "Content Security Policy" in line.text else None)
    yield opened
    opened.close()
    signed_in.clear_cookies(name="lodestar_theme")
    assert not complaints, complaints

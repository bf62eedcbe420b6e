"""From a verdict to the next pair at the server, with 20 annotators who each judge about once a second.

    python tests/benchmarks/annotation.py [annotators] [seconds]

Goal (must): p95 below 150 ms on 2 cores. The server and its processes are started as `lodestar web` does; the annotators
are threads of this process, so that both share the machine. Prints figures; asserts nothing about time.
"""

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "platform")]

from tests.benchmarks.serving import address, serving, site  # noqa: E402 - needs the path above

PAIRS = 4000
VERDICTS = ["a_much", "a", "tie", "both_bad", "b", "b_much"]
SEED = """
import json, sys
from runs.accounts.access import Actor, Role
from runs.accounts.models import Membership, Project, User
from runs.accounts.secrets import create_token
from runs.annotation.models import Campaign, Task
people, pairs = int(sys.argv[1]), int(sys.argv[2])
project = Project.objects.create(name="Benchmark")
campaign = Campaign.objects.create(project=project, name="Pairs", question="Which is better?", overlap=2, tasks=pairs)
text = "So the answer is what remains when the others are taken away. " * 10
Task.objects.bulk_create([
    Task(campaign=campaign, number=n, prompt=f"{n}: {text}", first={"text": text + "a"}, second={"text": text + "b"},
         swapped=n % 2 == 0, wanted=2) for n in range(1, pairs + 1)], batch_size=500)
tokens = []
for number in range(people):
    user = User.objects.create(email=f"p{number}@example.org", name=f"P{number}")
    Membership.objects.create(project=project, user=user, role=Role.ANNOTATOR)
    tokens.append(create_token(Actor(user), name="bench")[1])
print(json.dumps({"campaign": campaign.id, "tokens": tokens}))
"""


def seed(environment: dict[str, str], people: int) -> dict[str, Any]:
    start = "import django; django.setup()\n"
    command = [sys.executable, "-c", start + SEED, str(people), str(PAIRS)]
    paths = f"{ROOT}{os.pathsep}{ROOT / 'platform'}"
    settings = environment | {"DJANGO_SETTINGS_MODULE": "lodestar.settings", "PYTHONPATH": paths}
    found: dict[str, Any] = json.loads(subprocess.check_output(command, env=settings, cwd=ROOT, text=True))
    return found


class Annotator(threading.Thread):
    """Holds five pairs, judges one about every second, and is handed the next with the answer."""

    def __init__(self, url: str, campaign: str, token: str, until: float) -> None:
        super().__init__()
        self.path = f"{url}/api/v1/campaigns/{campaign}"
        self.headers = {"Authorization": f"Bearer {token}"}
        self.until = until
        self.taken: list[float] = []
        self.rng = random.Random(token)

    def run(self) -> None:
        with httpx.Client(headers=self.headers, timeout=60) as client:
            tasks = client.post(f"{self.path}/tasks", json={"want": 5}).raise_for_status().json()["tasks"]
            while time.monotonic() < self.until and tasks:
                time.sleep(self.rng.uniform(0.5, 1.5))  # reads
                task, verdict = tasks[0]["id"], self.rng.choice(VERDICTS)
                body = {"task_id": task, "client_id": f"{task}-x", "verdict": verdict, "want": 5}
                started = time.perf_counter()
                answer = client.post(f"{self.path}/judgments", json=body).raise_for_status()
                self.taken.append(time.perf_counter() - started)
                tasks = answer.json()["tasks"]


def processor_seconds(process: psutil.Process) -> float:
    """Of the process and all it has started, so far."""
    times = [part.cpu_times() for part in (process, *process.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def main() -> None:
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 30
    with tempfile.TemporaryDirectory() as home:
        environment = site(home)
        given = seed(environment, people)
        with serving(environment) as web:
            spent = processor_seconds(web)
            until = time.monotonic() + seconds
            crowd = [Annotator(address(environment), given["campaign"], token, until) for token in given["tokens"]]
            for annotator in crowd:
                annotator.start()
            for annotator in crowd:
                annotator.join()
            spent = processor_seconds(web) - spent
    taken = [each for annotator in crowd for each in annotator.taken]
    cuts = statistics.quantiles(taken, n=100)
    shown = ", ".join(f"p{cut} {1000 * cuts[cut - 1]:.1f} ms" for cut in (50, 95, 99))
    print(f"{people} annotators, {len(taken)} judgments in {seconds:.0f} s ({len(taken) / seconds:.1f}/s): {shown}")
    print(f"the web server's processor time: {1000 * spent / len(taken):.1f} ms a judgment, whatever else the machine does")


if __name__ == "__main__":
    main()

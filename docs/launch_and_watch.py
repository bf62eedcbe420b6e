#!/usr/bin/env python3
"""The main job by the REST API: upload data, launch a run, watch it, steer it, stop it, find its checkpoint.

    export LODESTAR_URL=http://127.0.0.1:8000
    export LODESTAR_TOKEN=$(lodestar token create --name script --quiet)
    python docs/launch_and_watch.py            # a short run on data this script makes, steered on the way
    python docs/launch_and_watch.py --demo     # waits for the demo: supervised warm-up, then GRPO, held-out score

Only httpx is needed. Exit status 0 means that everything happened as described.
"""

import argparse
import json
import os
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx

Json = dict[str, Any]


class Lodestar:
    """A thin client: raises with the server's own sentence when it refuses."""

    def __init__(self, url: str, token: str) -> None:
        self.http = httpx.Client(base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=60)

    def call(self, method: str, path: str, **kwargs: Any) -> Any:
        answer = self.http.request(method, path, **kwargs)
        if answer.is_error:
            raise SystemExit(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None

    def get(self, path: str, **params: Any) -> Any:
        return self.call("GET", path, params=params)

    def post(self, path: str, body: Json | None = None, key: str | None = None) -> Any:
        return self.call("POST", path, json=body or {}, headers={"Idempotency-Key": key} if key else {})

    def pages(self, path: str, **params: Any) -> Iterator[Json]:
        """Every item of a listing, page after page."""
        cursor = None
        while True:
            page = self.get(path, **params, **({"cursor": cursor} if cursor else {}))
            yield from page["items"]
            cursor = page["next"]
            if not cursor:
                return


def wait(what: str, ask: Callable[[], Any], seconds: float) -> Any:
    """Asks until the answer is true; says how long it took, or what was waited for when the time is over."""
    started = time.monotonic()
    while not (answer := ask()):
        if time.monotonic() > started + seconds:
            raise SystemExit(f"Waited {seconds:.0f} s in vain for {what}.")
        time.sleep(0.5)
    print(f"✓ {what} ({time.monotonic() - started:.0f} s)", flush=True)
    return answer


def finished(api: Lodestar, kind: str, identifier: str) -> Json | None:
    """The job or run once it has ended well; leaves with its reason when it ended badly."""
    found = api.get(f"/{kind}/{identifier}")
    if found["state"] in {"failed", "cancelled", "refused"}:
        raise SystemExit(f"{identifier} {found['state']}: {json.dumps(found.get('error') or found.get('failure'))}")
    return found if found["state"] in {"succeeded", "ready"} else None


def sums(count: int, seed: int) -> bytes:
    """JSONL rows of two-digit sums, as demonstrations."""
    draw = random.Random(seed)  # noqa: S311 - practice problems, no secret
    rows = ((draw.randrange(10, 100), draw.randrange(10, 100)) for _ in range(count))
    return "".join(json.dumps({"prompt": f"{a}+{b}=", "completion": str(a + b)}) + "\n" for a, b in rows).encode()


def upload(api: Lodestar, project: str, name: str, content: bytes) -> Json:
    """Sends a file in pieces, takes the mapping the server detects, waits until the version stands."""
    sent = api.post(f"/projects/{project}/uploads", {"filename": f"{name}.jsonl", "size_bytes": len(content)})
    while sent["offset"] < len(content):
        start, size = sent["offset"], sent["chunk_bytes"]
        headers = {"Upload-Offset": str(start), "Content-Type": "application/octet-stream"}
        sent = api.call("PATCH", f"/uploads/{sent['id']}", content=content[start : start + size], headers=headers)
    inspected = wait("the file's columns are known", lambda: _inspected(api, sent["id"]), 60)
    detected = inspected["inspection"]["detected"]
    print(f"  read as {detected['kind']}: {detected['columns']}")
    splits = {"mode": "fraction", "test_fraction": 0.1, "seed": 0}
    body = {"name": name, "source": {"upload_id": sent["id"]}, "mapping": detected, "splits": splits}
    made = api.post(f"/projects/{project}/datasets", body)
    return wait(f"data set {name} is read", lambda: finished(api, "dataset-versions", made["version"]["id"]), 120)


def _inspected(api: Lodestar, identifier: str) -> Json | None:
    found = api.get(f"/uploads/{identifier}")
    if found["state"] == "refused":
        raise SystemExit(f"The file was refused: {json.dumps(found['error'] or found['inspection'])}")
    return found if found["state"] == "inspected" else None


def steer(api: Lodestar, project: str) -> None:
    """Launch, watch, pause, change the learning rate, resume, stop, find the checkpoint."""
    version = upload(api, project, f"Sums {int(time.time())}", sums(2000, seed=1))
    model = wait("the demo model is ready", lambda: _first(api, f"/projects/{project}/models", "ready"), 120)
    draft = {
        "method": "grpo",
        "name": "steered from a script",
        "config": {"max_steps": 400, "per_device_train_batch_size": 32, "num_generations": 8, "max_completion_length": 6,
                   "lr_scheduler_type": "constant", "warmup_ratio": 0},
        "models": {"policy": model["id"]},
        "datasets": {"train": {"version_id": version["id"], "split": "train"}},
        "reward": {"terms": [{"name": "correct", "kind": "numeric_match", "weight": 1.0}]},
        "seed": 7,
        "tags": ["script"],
    }
    key = f"steer-{time.time_ns()}"
    run = api.post(f"/projects/{project}/runs", draft, key=key)
    again = api.post(f"/projects/{project}/runs", draft, key=key)
    if again["id"] != run["id"]:
        raise SystemExit("The same idempotency key started two runs.")
    path = f"/runs/{run['id']}"
    wait("the first reward is on record", lambda: _metric(api, run["id"], "reward"), 90)
    api.post(f"{path}/control", {"type": "pause"})
    wait("the run is paused", lambda: api.get(path)["state"] == "paused", 60)
    api.post(f"{path}/control", {"type": "set", "field": "learning_rate", "value": 2e-5})
    api.post(f"{path}/control", {"type": "resume"})
    wait("the run goes on", lambda: api.get(path)["state"] == "running", 60)
    wait("the new learning rate holds", lambda: abs(_last(api, run["id"], "learning_rate") - 2e-5) < 1e-9, 60)
    rollouts = wait("rollouts are there", lambda: api.get(f"{path}/rollouts")["items"], 60)
    newest = rollouts[0]
    print(f"  step {newest['step']}: {newest['prompt']!r} → {[answer['text'] for answer in newest['answers'][:4]]}")
    api.post(f"{path}/control", {"type": "stop", "checkpoint": True})
    wait("the run has stopped", lambda: api.get(path)["state"] == "succeeded", 90)
    checkpoints = api.get(f"{path}/checkpoints")
    last = max((checkpoints if isinstance(checkpoints, list) else checkpoints["items"]), key=lambda found: found["step"])
    print(f"✓ checkpoint of step {last['step']}: {last['path']} ({last['size_bytes']} bytes)")
    _check_cursors(api, run["id"])


def _first(api: Lodestar, path: str, state: str) -> Json | None:
    return next((found for found in api.pages(path) if found["state"] == state), None)


def _metric(api: Lodestar, run: str, name: str) -> Json | None:
    return next((found for found in api.get(f"/runs/{run}/metrics")["names"] if found["name"] == name), None)


def _last(api: Lodestar, run: str, name: str) -> float:
    """The newest value of a metric, NaN when there is none yet."""
    return float((_metric(api, run, name) or {}).get("last", "nan"))


def _check_cursors(api: Lodestar, run: str) -> None:
    """The event log has every number once, in order."""
    seen, after = [], 0
    while True:
        page = api.get(f"/runs/{run}/events", after=after, limit=500)
        seen += [item["cursor"] for item in page["items"]]
        if not page["items"] or not page["next"]:
            break
        after = seen[-1]
    if seen != list(range(1, len(seen) + 1)):
        raise SystemExit("The event log has a gap or a repeat.")
    print(f"✓ {len(seen)} events, numbered without a gap")


def demo(api: Lodestar, project: str) -> None:
    """Waits for the demo's two runs and prints the held-out score before and after."""
    started = time.monotonic()
    runs = wait("the demo's runs are listed", lambda: _demo_runs(api, project), 120)
    for run in runs:
        wait(f"{run['name']} succeeded", lambda run=run: finished(api, "runs", run["id"]), 900)
    name = "eval/exact_match"
    curve = api.get(f"/runs/{runs[-1]['id']}/series", names=name, points=1000)["series"][name]["value"]
    print(f"✓ held-out exact match {curve[0]:.3f} → {curve[-1]:.3f} in {time.monotonic() - started:.0f} s of watching")
    if not (curve[0] < 0.5 and curve[-1] > 0.9):
        raise SystemExit("The demo should lift exact match from below 0.5 to above 0.9.")


def _demo_runs(api: Lodestar, project: str) -> list[Json] | None:
    found = sorted(api.pages(f"/projects/{project}/runs", tag="demo"), key=lambda run: run["created_at"])
    return found if {"grpo"} <= {run["method"] for run in found} else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--demo", action="store_true", help="wait for the demo project's runs instead of steering one")
    options = parser.parse_args()
    api = Lodestar(os.environ.get("LODESTAR_URL", "http://127.0.0.1:8000"), os.environ["LODESTAR_TOKEN"])
    projects = list(api.pages("/projects"))
    chosen = next((project for project in projects if project["is_demo"]), projects[0])
    print(f"Project {chosen['name']}")
    (demo if options.demo else steer)(api, chosen["id"])


if __name__ == "__main__":
    main()

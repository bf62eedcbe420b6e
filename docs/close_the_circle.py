#!/usr/bin/env python3
"""The whole circle by the REST API: sample a policy, label its answers, train on the labels, and measure what it gave.

    export LODESTAR_URL=http://127.0.0.1:8000
    export LODESTAR_TOKEN=$(lodestar token create --name script --quiet)
    python docs/close_the_circle.py             # step by step: each stage launched by this script
    python docs/close_the_circle.py --recipe    # the same as one recipe, started once; only the labelling is done here

It uses the demo project: its tiny model and its sums. Who labels is this script, which prefers the right answer, as a
person would. Only httpx is needed. Exit status 0 means that everything happened as described.
"""

import argparse
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx

Json = dict[str, Any]
WARM_UP = {"max_steps": 1000, "learning_rate": 0.001, "adam_beta2": 0.98, "max_length": 64, "per_device_train_batch_size": 32}
ANSWER_LENGTH = 8


class Lodestar:
    """A thin client: leaves with the server's own sentence when it refuses."""

    def __init__(self, url: str, token: str) -> None:
        self.http = httpx.Client(base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=60)

    def call(self, method: str, path: str, **kwargs: Any) -> Any:
        answer = self.http.request(method, path, **kwargs)
        if answer.is_error:
            raise SystemExit(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None

    def get(self, path: str, **params: Any) -> Any:
        return self.call("GET", path, params=params)

    def post(self, path: str, body: Json | None = None) -> Any:
        return self.call("POST", path, json=body or {}, headers={"Idempotency-Key": os.urandom(12).hex()})

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
    """Asks until the answer is true; says how long it took, and what was waited for when the time is over."""
    start = time.monotonic()
    while not (answer := ask()):
        if time.monotonic() > start + seconds:
            raise SystemExit(f"Waited {seconds:.0f} s in vain for {what}.")
        time.sleep(0.5)
    print(f"✓ {what} ({time.monotonic() - start:.0f} s)", flush=True)
    return answer


class Circle:
    """The demo project's model and data, and each step of the circle."""

    def __init__(self, api: Lodestar, project: str, options: argparse.Namespace) -> None:
        self.api, self.project, self.options = api, project, options
        self.model = wait("the demo's model is ready", self._demo_model, 180)["id"]
        self.demonstrations = wait("the demonstrations are ready", lambda: self._version("demonstration"), 180)
        self.prompts = wait("the prompts are ready", lambda: self._version("prompt_answer"), 180)

    def _demo_model(self) -> Json | None:
        found = self.api.pages(f"/projects/{self.project}/models")
        return next((one for one in found if one["source"] == "demo" and one["state"] == "ready"), None)

    def _version(self, kind: str) -> str | None:
        found = self.api.pages(f"/projects/{self.project}/datasets", kind=kind)
        made = [one["latest"] for one in found if "world" in one["latest"]["source"]]
        return next((version["id"] for version in made if version["state"] == "ready"), None)

    def run(self, title: str, draft: Json) -> Json:
        """A run that has ended well."""
        name = f"circle: {title}"
        started = self.api.post(f"/projects/{self.project}/runs", {"name": name, "tags": ["circle"], **draft})
        return wait(f"{title} has ended", lambda: self._ended(started["id"]), 900)

    def _ended(self, run: str) -> Json | None:
        found = self.api.get(f"/runs/{run}")
        if found["state"] in {"failed", "cancelled"}:
            raise SystemExit(f"{found['name']} {found['state']}: {found['failure']}")
        return found if found["state"] == "succeeded" else None

    def model_of(self, run: Json) -> str:
        """The model that a run made, once the library has looked at it."""
        wait("its model is in the library", lambda: self._ready(run["id"]), 120)
        return str(self.api.get(f"/runs/{run['id']}")["final_model_id"])

    def _ready(self, run: str) -> bool:
        model = self.api.get(f"/runs/{run}")["final_model_id"]
        return bool(model) and self.api.get(f"/models/{model}")["state"] == "ready"

    def artifact(self, run: Json, kind: str) -> str:
        return str(next(one["id"] for one in self.api.get(f"/runs/{run['id']}/artifacts") if one["kind"] == kind))

    def rows(self, version: str, split: str, **more: Any) -> Json:
        return {"version_id": version, "split": split, **more}

    def warm_up(self) -> str:
        """The demo's own warm-up where it has ended already, else one with its settings."""
        for run in self.api.pages(f"/projects/{self.project}/runs", tag="demo"):
            if run["method"] == "sft-instruct" and run["state"] == "succeeded":
                print("✓ the demo's warm-up is there already")
                return self.model_of(run)
        return self.model_of(self.run("warm-up", {
            "method": "sft-instruct", "config": WARM_UP, "models": {"policy": self.model},
            "datasets": {"train": self.rows(self.demonstrations, "train")},
        }))

    def sample(self, model: str) -> str:
        return self.artifact(self.run("samples", {
            "method": "generate-samples", "models": {"policy": model},
            "config": {"prompts": self.options.pairs * 5, "num_generations": 2, "max_completion_length": ANSWER_LENGTH},
            "datasets": {"prompts": self.rows(self.prompts, "train")},
        }), "samples")

    def campaign(self, samples: str) -> str:
        made = self.api.post(f"/projects/{self.project}/campaigns", {
            "name": f"Circle {int(time.time())}", "question": "Which answer is right?", "limit": self.options.pairs,
            "source": {"kind": "samples", "artifact_ids": [samples]},
        })
        print(f"✓ campaign of {made['tasks']} pairs, left out: {made['left_out']}")
        return str(made["id"])

    def label(self, campaign: str) -> None:
        """Judges every pair: the right answer is better; where both or none are right, it says so."""
        counts: dict[str, int] = {}
        handed = self.api.post(f"/campaigns/{campaign}/tasks", {"want": 5})
        started = time.monotonic()
        while handed["tasks"]:
            task = handed["tasks"][0]
            verdict = judge(task)
            counts[verdict] = counts.get(verdict, 0) + 1
            body = {"task_id": task["id"], "client_id": os.urandom(8).hex(), "verdict": verdict, "version": task["version"]}
            handed = self.api.post(f"/campaigns/{campaign}/judgments", {**body, "want": 5})
        spent = time.monotonic() - started
        print(f"✓ {sum(counts.values())} pairs judged in {spent:.1f} s: {counts}")

    def export(self, campaign: str) -> str:
        made = self.api.post(f"/campaigns/{campaign}/exports", {"shape": "preference"})
        found = wait("the labels are a version of a data set", lambda: self._exported(made["id"]), 120)
        print(f"  {found['rows']} rows")
        return str(found["version_id"])

    def _exported(self, export: str) -> Json | None:
        found: Json = self.api.get(f"/campaign-exports/{export}")
        if found["state"] in {"refused", "cancelled", "failed"}:
            raise SystemExit(f"The labels were {found['state']}: {found['error']}")
        return found if found["state"] == "ready" else None

    def reward_model(self, model: str, version: str) -> str:
        run = self.run("reward model", {
            "method": "rm-bt", "config": {"num_train_epochs": 5}, "models": {"reward": model},
            "datasets": {"train": self.rows(version, "train")},
        })
        self.report(self.artifact(run, "reward_report"))
        return self.model_of(run)

    def report(self, artifact: str) -> None:
        found = self.api.get(f"/artifacts/{artifact}/document")
        print(f"  on {found['pairs']} {found['split']} pairs: accuracy {interval(found['accuracy'])}")

    def pipeline(self, reward_model: str) -> str:
        """A saved reward: the reward model's opinion beside the check of the answer."""
        terms = [
            {"name": "correct", "kind": "numeric_match", "weight": 1.0},
            {"name": "preferred", "kind": "reward_model", "weight": 0.2, "model_id": reward_model,
             "transforms": [{"kind": "sigmoid"}]},
        ]
        body = {"name": f"Circle {int(time.time())}", "pipeline": {"terms": terms}}
        version = self.api.post(f"/projects/{self.project}/rewards", body)["latest"]["id"]
        print(f"✓ reward saved as {version}")
        return str(version)

    def train(self, model: str, reward_version: str) -> str:
        algorithm = self.options.algorithm
        return self.model_of(self.run(algorithm, {
            "method": algorithm, "config": {**self._preset(algorithm), "max_steps": self.options.steps, "eval_steps": 0},
            "models": {"policy": model}, "datasets": {"train": self.rows(self.prompts, "train")},
            "reward_version_id": reward_version,
        }))

    def _preset(self, method: str) -> Json:
        """The settings for this world, from the catalogue."""
        return dict(next(one["config"] for one in self.api.get(f"/algorithms/{method}")["presets"] if one["name"] == "demo"))

    def evaluate(self, title: str, model: str) -> Json:
        run = self.run(f"evaluation {title}", {
            "method": "evaluate-answers", "config": {"max_completion_length": ANSWER_LENGTH}, "models": {"policy": model},
            "datasets": {"prompts": self.rows(self.prompts, "test", limit=256)},
        })
        return self.measured(self.artifact(run, "evaluation"), title)

    def measured(self, artifact: str, title: str) -> Json:
        found = self.api.get(f"/artifacts/{artifact}/document")
        value: Json = found["metrics"][found["primary"]]
        print(f"  {title}: {found['primary']} {interval(value)}")
        return value

    def step_by_step(self) -> tuple[Json, Json]:
        start = self.warm_up()
        before = self.evaluate("before", start)
        campaign = self.campaign(self.sample(start))
        self.label(campaign)
        reward_version = self.pipeline(self.reward_model(start, self.export(campaign)))
        return before, self.evaluate("after", self.train(start, reward_version))

    def by_recipe(self) -> tuple[Json, Json]:
        """Starts RLHF with one request, judges when it waits for people, and reads its two evaluations."""
        params = {
            "base_model": self.model, "demonstrations": self.rows(self.demonstrations, "train"),
            "prompts": self.rows(self.prompts, "train"), "held_out": self.rows(self.prompts, "test", limit=256),
            "pairs": self.options.pairs, "sampled_prompts": self.options.pairs * 5, "algorithm": self.options.algorithm,
            "steps": self.options.steps, "answer_length": ANSWER_LENGTH,
        }  # fmt: skip
        started = self.api.post(f"/projects/{self.project}/recipe-runs", {"recipe": "rlhf", "params": params})
        print(f"✓ {started['name']} started: {' → '.join(one['name'] for one in started['stages'])}")
        path, told = f"/recipe-runs/{started['id']}", set()
        end = time.monotonic() + 1800
        while time.monotonic() < end:
            found = self.api.get(path)
            stages = {one["name"]: one for one in found["stages"]}
            for name, stage in stages.items():
                if (name, stage["state"]) not in told and stage["state"] != "waiting":
                    told.add((name, stage["state"]))
                    print(f"  {name}: {stage['state'].replace('_', ' ')}", flush=True)
            if stages["label"]["state"] == "waits_for_people":
                self.label(stages["label"]["subject_id"])
            if found["state"] == "succeeded":
                self.report(stages["reward"]["outputs"]["reward_report"])
                before, after = (stages[name]["outputs"]["evaluation"] for name in ("before", "after"))
                return self.measured(before, "before"), self.measured(after, "after")
            if found["state"] in {"failed", "cancelled"}:
                raise SystemExit(f"The recipe {found['state']}: {[one['failure'] for one in found['stages'] if one['failure']]}")
            time.sleep(0.5)
        raise SystemExit("The recipe did not end in half an hour.")


def judge(task: Json) -> str:
    """`a` or `b` for the one that is right, `tie` when both are, `both_bad` when none is."""
    a, b = (is_right(task["prompt"], task[side]) for side in ("a", "b"))
    if a == b:
        return "tie" if a else "both_bad"
    return "a" if a else "b"


def is_right(prompt: Any, answer: Any) -> bool:
    """Whether `answer` is the sum that `prompt` asks for, as in `12+34=`."""
    asked = re.search(r"(\d+)\s*\+\s*(\d+)", str(prompt))
    said = re.search(r"-?\d+", str(answer))
    if asked is None:
        raise SystemExit(f"This script judges sums only, not {prompt!r}.")
    return said is not None and int(said[0]) == int(asked[1]) + int(asked[2])


def interval(found: Json) -> str:
    return f"{found['value']:.3f} [{found['low']:.3f}, {found['high']:.3f}] (95 %, n={found['n']})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", action="store_true", help="start the recipe `rlhf` instead of launching each stage")
    parser.add_argument("--algorithm", default="grpo", choices=["ppo", "grpo", "rloo"])
    parser.add_argument("--pairs", type=int, default=40, help="pairs to label")
    parser.add_argument("--steps", type=int, default=30, help="steps of reinforcement learning")
    options = parser.parse_args()
    started = time.monotonic()
    api = Lodestar(os.environ.get("LODESTAR_URL", "http://127.0.0.1:8000"), os.environ["LODESTAR_TOKEN"])
    project = next((one for one in api.pages("/projects") if one["is_demo"]), None)
    if project is None:
        raise SystemExit("This server has no demo project. `lodestar demo` makes one.")
    circle = Circle(api, project["id"], options)
    before, after = circle.by_recipe() if options.recipe else circle.step_by_step()
    apart = "the intervals are apart" if after["low"] > before["high"] else "the intervals overlap"
    print(f"Exact match before {interval(before)}, after {interval(after)}: {apart}. {time.monotonic() - started:.0f} s in all.")
    if not after["value"] > before["value"]:
        raise SystemExit("Exact match did not rise.")


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""The whole circle by the REST API: sample a policy, label its answers, train on the labels, and measure what it gave.

    export LODESTAR_URL=http://127.0.0.1:8000
    export LODESTAR_TOKEN=$(lodestar token create --name script --quiet)
    python docs/close_the_circle.py             # step by step: each stage launched by this script
    python docs/close_the_circle.py --recipe    # the same as one recipe, started once; only the labelling is done here

It uses the demo project: its tiny model and its sums. Who labels is this script, which prefers the right answer, as a
person would. Only httpx is needed, and launch_and_watch.py beside it, which has the client. Exit status 0 means that
everything happened as described and that exact match rose, by a paired test on the same questions.
"""

import argparse
import os
import re
import time
from collections import Counter
from functools import partial
from typing import Any

from launch_and_watch import Json, Lodestar, finished, wait

ANSWER_LENGTH = 8
REWARD_EPOCHS = 5
QUESTIONS = 256
CHECK = "exact_match"
"""What makes an answer right, in the reward and in the evaluations."""


class Circle:
    """The demo project's model and data, and the requests of each stage."""

    def __init__(self, api: Lodestar, project: str, options: argparse.Namespace) -> None:
        self.api, self.project, self.options = api, project, options
        self.model = wait("the demo's model is ready", self._demo_model, 180)
        demonstrations = wait("the demonstrations are ready", partial(self._version, "Arithmetic demonstrations"), 180)
        prompts = wait("the prompts are ready", partial(self._version, "Arithmetic problems"), 180)
        self.demonstrations = {"version_id": demonstrations, "split": "train"}
        self.prompts = {"version_id": prompts, "split": "train"}
        self.held_out = {"version_id": prompts, "split": "test", "limit": QUESTIONS}

    def _demo_model(self) -> str | None:
        found = self.api.pages(f"/projects/{self.project}/models")
        return next((one["id"] for one in found if one["source"] == "demo" and one["state"] == "ready"), None)

    def _version(self, name: str) -> str | None:
        """The version of a data set that the demo project came with."""
        found = self.api.pages(f"/projects/{self.project}/datasets", q=name)
        return next((one["latest"]["id"] for one in found if one["name"] == name and one["latest"]["state"] == "ready"), None)

    def step_by_step(self) -> tuple[str, str]:
        """Launches each stage when the one before has ended; answers the runs that evaluated before and after."""
        start = self.warm_up()
        before = self.evaluate("before", start)
        campaign = self.campaign(self.sample(start))
        label(self.api, campaign)
        reward_model = self.reward_model(start, self.labels(campaign))
        return before, self.evaluate("after", self.train(start, reward_model, self.reward(reward_model)))

    def run(self, title: str, **draft: Any) -> str:
        """Launches a run and answers its id once it has ended well."""
        body = {"name": f"circle: {title}", "tags": ["circle"], **draft}
        run = self.api.post(f"/projects/{self.project}/runs", body)["id"]
        wait(f"{title} has ended", lambda: finished(self.api, "runs", run), 900)
        return str(run)

    def model_of(self, run: str) -> str:
        """The model that a run made, once the library has looked at it."""

        def ready() -> Json | None:
            model = self.api.get(f"/runs/{run}")["final_model_id"]
            return finished(self.api, "models", model) if model else None

        return str(wait("its model is in the library", ready, 120)["id"])

    def artifact(self, run: str, kind: str) -> str:
        return str(next(one["id"] for one in self.api.get(f"/runs/{run}/artifacts") if one["kind"] == kind))

    def demo_settings(self, method: str) -> Json:
        """The settings for this world, from the catalogue, without the evaluations in between."""
        presets = self.api.get(f"/algorithms/{method}")["presets"]
        return next(dict(one["config"]) for one in presets if one["name"] == "demo") | {"eval_steps": 0}

    def warm_up(self) -> str:
        """The model of the demo's own warm-up where it has ended already, else of one with its settings."""
        for run in self.api.pages(f"/projects/{self.project}/runs", tag="demo"):
            if run["method"] == "sft-instruct" and run["state"] == "succeeded":
                print("✓ the demo's warm-up is there already")
                return self.model_of(run["id"])
        return self.model_of(self.run(
            "warm-up", method="sft-instruct", config=self.demo_settings("sft-instruct"), models={"policy": self.model},
            datasets={"train": self.demonstrations},
        ))  # fmt: skip

    def evaluate(self, title: str, model: str) -> str:
        return self.run(
            f"evaluation {title}", method="evaluate-answers", models={"policy": model}, datasets={"prompts": self.held_out},
            config={"max_completion_length": ANSWER_LENGTH, "verifier": CHECK},
        )  # fmt: skip

    def sample(self, model: str) -> str:
        """Two answers to each of more prompts than there are pairs to label: pairs of equal answers are left out."""
        return self.artifact(self.run(
            "samples", method="generate-samples", models={"policy": model}, datasets={"prompts": self.prompts},
            config={"prompts": self.options.pairs * 5, "num_generations": 2, "max_completion_length": ANSWER_LENGTH},
        ), "samples")  # fmt: skip

    def campaign(self, samples: str) -> str:
        made = self.api.post(f"/projects/{self.project}/campaigns", {
            "name": f"Circle {int(time.time())}", "question": "Which answer is right?", "limit": self.options.pairs,
            "source": {"kind": "samples", "artifact_ids": [samples]},
        })  # fmt: skip
        print(f"✓ campaign of {made['tasks']} pairs, left out: {made['left_out']}")
        return str(made["id"])

    def labels(self, campaign: str) -> str:
        """What was judged, as a version of a data set of preferences."""
        export = self.api.post(f"/campaigns/{campaign}/exports", {"shape": "preference"})["id"]
        found = wait("the labels are a data set", lambda: finished(self.api, "campaign-exports", export), 120)
        print(f"  {found['rows']} rows")
        return str(found["version_id"])

    def reward_model(self, model: str, labels: str) -> str:
        run = self.run(
            "reward model", method="rm-bt", config={"num_train_epochs": REWARD_EPOCHS}, models={"reward": model},
            datasets={"train": {"version_id": labels, "split": "train"}},
        )  # fmt: skip
        self.tell_report(self.artifact(run, "reward_report"))
        return self.model_of(run)

    def tell_report(self, artifact: str) -> None:
        found = self.api.get(f"/artifacts/{artifact}/document")
        print(f"  on {found['pairs']} {found['split']} pairs: accuracy {interval(found['accuracy'])}")

    def reward(self, reward_model: str) -> str:
        """A version of a saved reward: the check of the answer, and beside it what the reward model thinks."""
        terms = [
            {"name": "correct", "kind": CHECK, "weight": 1.0},
            {"name": "preferred", "kind": "reward_model", "weight": 0.2, "model_id": reward_model,
             "transforms": [{"kind": "sigmoid"}]},
        ]  # fmt: skip
        body = {"name": f"Circle {int(time.time())}", "pipeline": {"terms": terms}}
        version = self.api.post(f"/projects/{self.project}/rewards", body)["latest"]["id"]
        print(f"✓ reward saved as {version}")
        return str(version)

    def train(self, model: str, reward_model: str, reward: str) -> str:
        """Reinforcement learning; PPO's critic starts from the reward model."""
        algorithm = self.options.algorithm
        critic = {"critic": reward_model} if algorithm == "ppo" else {}
        return self.model_of(self.run(
            algorithm, method=algorithm, config=self.demo_settings(algorithm) | {"max_steps": self.options.steps},
            models={"policy": model, **critic}, datasets={"train": self.prompts}, reward_version_id=reward,
        ))  # fmt: skip

    def by_recipe(self) -> tuple[str, str]:
        """Starts RLHF with one request and judges when it waits for people; answers the runs that evaluated."""
        params = {
            "base_model": self.model, "demonstrations": self.demonstrations, "prompts": self.prompts,
            "held_out": self.held_out, "pairs": self.options.pairs, "sampled_prompts": self.options.pairs * 5,
            "reward_epochs": REWARD_EPOCHS, "algorithm": self.options.algorithm, "steps": self.options.steps, "check": CHECK,
            "answer_length": ANSWER_LENGTH,
        }  # fmt: skip
        started = self.api.post(f"/projects/{self.project}/recipe-runs", {"recipe": "rlhf", "params": params})
        print(f"✓ {started['name']} started: {' → '.join(one['name'] for one in started['stages'])}")
        told: set[tuple[str, str]] = set()
        ended = wait("the recipe has ended", lambda: self._look_after(started["id"], told), 1800)
        stages = {one["name"]: one for one in ended["stages"]}
        self.tell_report(stages["reward"]["outputs"]["reward_report"])
        return stages["before"]["subject_id"], stages["after"]["subject_id"]

    def _look_after(self, recipe_run: str, told: set[tuple[str, str]]) -> Json | None:
        """Tells what is new, labels where people are waited for; the recipe run once it has ended well."""
        found = self.api.get(f"/recipe-runs/{recipe_run}")
        for stage in found["stages"]:
            now = (stage["name"], stage["state"])
            if now not in told and stage["state"] != "waiting":
                told.add(now)
                print(f"  {stage['title']}: {stage['state'].replace('_', ' ')}", flush=True)
            if stage["kind"] == "campaign" and stage["state"] == "waits_for_people":
                label(self.api, stage["subject_id"])
        if found["state"] in {"failed", "cancelled"}:
            raise SystemExit(f"The recipe {found['state']}: {[one['failure'] for one in found['stages'] if one['failure']]}")
        return dict(found) if found["state"] == "succeeded" else None


def label(api: Lodestar, campaign: str) -> None:
    """Judges every pair: the right answer is better; where both or none are right, it says so."""
    counts: Counter[str] = Counter()
    started = time.monotonic()
    handed = api.post(f"/campaigns/{campaign}/tasks", {"want": 5})
    while handed["tasks"]:
        task = handed["tasks"][0]
        verdict = judge(task)
        counts[verdict] += 1
        said = {"task_id": task["id"], "version": task["version"], "verdict": verdict, "client_id": os.urandom(8).hex()}
        handed = api.post(f"/campaigns/{campaign}/judgments", {**said, "want": 5})
    print(f"✓ {counts.total()} pairs judged in {time.monotonic() - started:.1f} s: {dict(counts)}", flush=True)


def judge(task: Json) -> str:
    """`a` or `b` for the one that is right, `tie` when both are, `both_bad` when none is."""
    a, b = (is_right(task["prompt"], task[side]) for side in ("a", "b"))
    if a == b:
        return "tie" if a else "both_bad"
    return "a" if a else "b"


def is_right(prompt: str, answer: str) -> bool:
    """Whether `answer` is the sum that `prompt` asks for, as in `12+34=`."""
    asked = re.search(r"(\d+)\s*\+\s*(\d+)", prompt)
    if asked is None:
        raise SystemExit(f"This script judges sums only, not {prompt!r}.")
    return answer.strip() == str(int(asked[1]) + int(asked[2]))


def rose(api: Lodestar, before: str, after: str) -> bool:
    """Whether the second evaluation is better than the first by the test of the evaluations' page, which is printed."""
    first, second = (api.get(f"/runs/{run}/evaluations")[0]["id"] for run in (before, after))
    found = api.get(f"/evaluations/{first}/comparisons", others=second)["comparisons"][0]
    print(f"Exact match before {interval(found['first'])}, after {interval(found['second'])}.")
    print(f"{found['gained']} questions gained, {found['lost']} lost. {found['sentence']}")
    return bool(found["verdict"] == "better")


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
    is_better = rose(api, before, after)
    print(f"{time.monotonic() - started:.0f} s in all.")
    if not is_better:
        raise SystemExit("Exact match did not rise.")


if __name__ == "__main__":
    main()

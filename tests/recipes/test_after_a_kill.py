"""A recipe on a whole Lodestar: everything is killed in the middle, twice; it goes on, and a stage is done anew."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from lodestar.environment import ROOT
from tests.e2e.conftest import _free_port
from tests.server.test_fault_campaign import Api
from tests.server.test_up import Up, until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("up"), pytest.mark.timeout(900)]

STEPS, SAVE_STEPS = 300, 20
RECIPE = f"""
title: Learn, look, measure
params:
  base: {{kind: model, title: Base model}}
  rows: {{kind: dataset, title: Demonstrations, rows: [demonstration]}}
  held_out: {{kind: dataset, title: Held out, rows: [prompt_answer]}}
stages:
  - name: learn
    kind: run
    run:
      method: sft-instruct
      config: {{max_steps: {STEPS}, save_steps: {SAVE_STEPS}, per_device_train_batch_size: 8}}
      models: {{policy: "${{params.base}}"}}
      datasets: {{train: "${{params.rows}}"}}
  - {{name: look, kind: approve, after: [learn], approve: {{question: "Measure it?"}}}}
  - name: measure
    kind: run
    after: [look]
    run:
      method: evaluate-answers
      config: {{max_completion_length: 8}}
      models: {{policy: "${{stages.learn.model}}"}}
      datasets: {{prompts: "${{params.held_out}}"}}
"""


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Up]]:
    """Starts Lodestar on one state directory and one port; what is left running is killed."""
    monkeypatch.setenv("LODESTAR_LEASE_SECONDS", "5")
    home, port = tmp_path / "state", _free_port()
    home.mkdir()
    started: list[Up] = []

    def up() -> Up:
        started.append(Up(home, port).well())
        return started[-1]

    yield up
    kill(started[-1])


def kill(up: Up) -> None:
    """The power goes: web server, worker, Redis, engine and all, at once, with no word to any of them."""

    def dead() -> bool:
        for process in up.processes():  # those too that were just being started
            with suppress(psutil.NoSuchProcess):
                process.kill()
        return up.gone()

    up.process.kill()
    up.process.wait()
    until(dead, "every process has left")


def client(up: Up) -> Api:
    make_token = [sys.executable, "-m", "lodestar", "token", "create", "--name", "recipe", "--quiet"]
    return Api(up.port, subprocess.check_output(make_token, env=up.environment(), cwd=ROOT, text=True).strip())


def first(api: Api, path: str, **query: Any) -> Any:
    """The first of a listing, once a worker has made it ready."""

    def ready() -> Any:
        found = api.get(path, **query)["items"]
        return next((one for one in found if one.get("latest", one)["state"] == "ready"), None)

    until(ready, f"{path} {query}", 180)
    return ready()


def begin(api: Api, project: str) -> str:
    params = {"base": first(api, f"/projects/{project}/models")["id"]}
    for name, kind, split in (("rows", "demonstration", "train"), ("held_out", "prompt_answer", "test")):
        version = first(api, f"/projects/{project}/datasets", kind=kind)["latest"]["id"]
        params[name] = {"version_id": version, "split": split, "limit": 64}
    recipe = api.post(f"/projects/{project}/recipes", {"text": RECIPE}, "recipe")["id"]
    return str(api.post(f"/projects/{project}/recipe-runs", {"recipe": recipe, "params": params}, "start")["id"])


def stages_of(api: Api, recipe_run: str) -> dict[str, Any]:
    return {one["name"]: one for one in api.get(f"/recipe-runs/{recipe_run}")["stages"]}


def reaches(api: Api, recipe_run: str, state: str) -> None:
    def there() -> bool:
        found = api.get(f"/recipe-runs/{recipe_run}")
        assert found["state"] not in {"failed", "cancelled"}, [one["failure"] for one in found["stages"]]
        return bool(found["state"] == state)

    until(there, f"the recipe run {state}", 240)


def metrics_of(api: Api, run: str) -> Any:
    [evaluation] = api.get(f"/runs/{run}/evaluations")
    return evaluation["metrics"]


def test_a_recipe_goes_on_after_everything_was_killed_and_a_stage_is_done_anew(start: Callable[[], Up]) -> None:
    up = start()
    api = client(up)
    project = api.get("/projects")["items"][0]["id"]
    recipe_run = begin(api, project)
    learn = stages_of(api, recipe_run)["learn"]["subject_id"]
    until(lambda: api.get(f"/runs/{learn}/checkpoints"), "the first checkpoint", 180)
    assert api.get(f"/runs/{learn}")["step"] < STEPS, "it was killed too late to tell anything"
    kill(up)

    up = start()
    reaches(api, recipe_run, "waits_for_people")
    found = stages_of(api, recipe_run)["learn"]
    assert (found["subject_id"], found["attempt"], found["state"]) == (learn, 1, "succeeded")
    run = api.get(f"/runs/{learn}")
    assert run["step"] == STEPS
    assert [bool(attempt["resumed_from"]) for attempt in run["attempts"]] == [False, True]
    assert api.post(f"/recipe-runs/{recipe_run}/stages/look/approve", {}, "approve")["state"] == "running"
    kill(up)

    start()
    reaches(api, recipe_run, "succeeded")
    measure = stages_of(api, recipe_run)["measure"]
    assert measure["attempt"] == 1
    assert {one["id"] for one in api.get(f"/projects/{project}/runs")["items"]} == {learn, measure["subject_id"]}

    again = api.post(f"/recipe-runs/{recipe_run}/restart", {"stage": "measure"}, "restart")["id"]
    reaches(api, again, "succeeded")
    anew = stages_of(api, again)
    assert [(one["state"], one["reused_from"]) for one in anew.values()] == [
        ("reused", recipe_run), ("reused", recipe_run), ("succeeded", None),
    ]  # fmt: skip
    assert anew["learn"]["subject_id"] == learn
    assert anew["measure"]["subject_id"] != measure["subject_id"]
    assert metrics_of(api, anew["measure"]["subject_id"]) == metrics_of(api, measure["subject_id"])

"""What models wrote becomes rows to learn from: by a judge, by references, and as a stage of a recipe."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from runs.accounts.models import Project
from runs.datasets import storage
from runs.datasets.models import DatasetVersion, VersionState
from runs.launches.models import Artifact, Run
from runs.launches.states import State
from runs.problems import Invalid
from runs.recipes.checking import check_definition
from runs.recipes.definition import parse, read_text
from runs.recipes.sampled_rows import rows
from runs.recipes.services import advance
from tests.launches.builders import make_model, make_version
from tests.recipes.conftest import Api
from workers.contract.samples import SAMPLES_FILE, SampledAnswer, SampledPrompt

RECIPE = """
title: Sampled
params:
  model: {kind: model, title: Model}
  prompts: {kind: dataset, title: Prompts, rows: [prompt_answer]}
stages:
  - {name: sample, kind: run, run: {method: generate-samples, models: {policy: "${params.model}"}, datasets: {prompts: "${params.prompts}"}}}
  - {name: pairs, title: Pairs, kind: dataset, dataset: {samples: "${stages.sample.samples}", shape: preference}}
"""  # noqa: E501


def samples(folder: Path, *prompts: SampledPrompt) -> Any:
    folder.mkdir(exist_ok=True)
    (folder / SAMPLES_FILE).write_text("".join(one.model_dump_json() + "\n" for one in prompts), encoding="utf-8")
    return SimpleNamespace(id="art_1", kind="samples", path=str(folder))


def prompt(*answers: dict[str, Any], asked: Any = "2+2=") -> SampledPrompt:
    return SampledPrompt(row=0, prompt=asked, answers=[SampledAnswer(**answer) for answer in answers])


def test_a_judges_choice_stands_before_references_and_keeps_its_chance(tmp_path: Path) -> None:
    judged = prompt({"text": "5", "preferred": 0.7}, {"text": "4", "preferred": 0.3, "right": True})
    marked = prompt({"text": "3", "right": False}, {"text": "4", "right": True}, {"text": "5", "right": False},
                    asked=[{"role": "user", "content": "2+2="}])
    torn = prompt({"text": "5", "preferred": 0.5}, {"text": "4", "preferred": 0.5})
    found = rows(samples(tmp_path / "a", judged, marked, torn, prompt({"text": "4", "right": True})), "preference")
    turn = [{"role": "assistant", "content": text} for text in "43"]
    assert found == [
        {"prompt": "2+2=", "chosen": "5", "rejected": "4", "chosen_chance": 0.7},
        {"prompt": [{"role": "user", "content": "2+2="}], "chosen": turn[:1], "rejected": turn[1:], "chosen_chance": 1.0}]


def test_right_answers_are_demonstrations_each_once_and_nothing_is_refused(tmp_path: Path) -> None:
    many = prompt(*({"text": text, "right": text == "4"} for text in ("4", "3", "4")))
    assert rows(samples(tmp_path / "a", many), "demonstration") == [{"prompt": "2+2=", "completion": "4"}]
    for shape in ("preference", "demonstration"):
        with pytest.raises(Invalid, match="The samples hold no"):
            rows(samples(tmp_path / "b", prompt({"text": "4"}, {"text": "5"})), shape)
    (tmp_path / "b" / SAMPLES_FILE).unlink()
    with pytest.raises(Invalid, match="are gone"):
        rows(SimpleNamespace(id="art_1", kind="samples", path=str(tmp_path / "b")), "preference")  # type: ignore[arg-type]
    with pytest.raises(Invalid, match="not samples"):
        rows(SimpleNamespace(id="art_1", kind="model", path=""), "preference")  # type: ignore[arg-type]


@pytest.mark.parametrize(("body", "said"), [
    ("{samples: \"${stages.sample.samples}\", shape: unpaired}", "gives no rows of the shape unpaired"),
    ("{shape: preference}", "name one of them"),
    ("{samples: \"${stages.sample.run}\"}", "is run; samples belongs here")])
def test_a_stage_of_rows_names_one_source_that_gives_them(body: str, said: str) -> None:
    text = RECIPE.replace('{samples: "${stages.sample.samples}", shape: preference}', body)
    assert said in " ".join(error.message for error in check_definition(parse(read_text(text))))


def test_a_stage_reads_samples_in_as_a_data_set(api: Api, project: Project, ends: Any, tmp_path: Path) -> None:
    recipe = api("post", f"/projects/{project.id}/recipes", {"text": RECIPE})[1]["id"]
    asked = {"version_id": make_version(project, "prompt_answer").id, "split": "train"}
    params = {"model": make_model(project).id, "prompts": asked}
    status, started = api("post", f"/projects/{project.id}/recipe-runs", {"recipe": recipe, "params": params})
    assert status == 201, started
    run = Run.objects.get(id=started["stages"][0]["subject_id"])
    folder = samples(tmp_path / "s", prompt({"text": "4", "right": True}, {"text": "5", "right": False})).path
    Artifact.objects.create(run=run, attempt=1, kind="samples", path=folder)
    ends(run.id, State.SUCCEEDED)
    stage = api("get", f"/recipe-runs/{started['id']}")[1]["stages"][1]
    assert stage["state"] == "running"
    version = DatasetVersion.objects.get(id=stage["subject_id"])
    assert version.dataset.name.endswith(": Pairs")
    assert (version.kind, version.source["run_id"]) == ("preference", run.id)
    written = storage.upload_path(version.source["upload_id"]).read_text(encoding="utf-8")
    assert json.loads(written) == {"prompt": "2+2=", "chosen": "4", "rejected": "5", "chosen_chance": 1.0}
    DatasetVersion.objects.filter(id=version.id).update(state=VersionState.READY)
    advance(started["id"])
    found = api("get", f"/recipe-runs/{started['id']}")[1]
    assert (found["state"], found["stages"][1]["outputs"]["dataset_version"]) == ("succeeded", version.id)

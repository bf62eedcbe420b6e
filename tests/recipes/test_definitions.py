"""A recipe is data: what is wrong with one is told by its field before anything starts."""

from typing import Any

import pytest

from runs.accounts.models import Project
from runs.launches.models import Run
from runs.problems import Invalid
from runs.recipes.checking import check_definition
from runs.recipes.definition import parse, read_text
from runs.recipes.gallery import built_in
from runs.recipes.models import RecipeRun
from runs.recipes.references import ABSENT, Reference, resolve
from tests.launches.builders import make_model, make_version
from tests.recipes.conftest import Api
from tests.recipes.definitions import CHAIN
from workers.contract.catalogue import load_catalogue


def changed(**replaced: str) -> dict[str, Any]:
    text = CHAIN
    for old, new in replaced.items():
        assert old in text
        text = text.replace(old, new)
    return read_text(text)


def faults_of(text: str) -> dict[str, str]:
    return {error.field: error.message for error in check_definition(parse(read_text(text)))}


def test_the_recipes_of_the_house_hold_together_for_every_choice():
    assert built_in()
    for name, definition in built_in().items():
        assert check_definition(definition) == [], name


def test_a_sound_recipe_has_no_fault():
    assert faults_of(CHAIN) == {}


@pytest.mark.parametrize(
    ("old", "new", "field", "said"),
    [
        ("${params.base}", "${params.bass}", "stages.0.run.models.policy", "names no parameter"),
        ("${stages.first.model}", "${stages.frist.model}", "stages.2.run.models.policy", "names no stage"),
        ("${stages.first.model}", "${stages.second.model}", "stages.2.run.models.policy", "the stage itself"),
        ("${stages.first.model}", "${stages.first.samples}", "stages.2.run", "first gives run, model, no samples"),
        ("${stages.first.model}", "${params.rows}", "stages.2.run.models.policy", "is data set; a model belongs here"),
        ("${stages.first.model}", "${stages.first}", "stages.2.run.models.policy", "cannot be read"),
        ("${stages.first.model}", "${stages.first.model", "stages.2.run.models.policy", "cannot be read"),
        ('train: "${params.rows}"}', 'train: "${params.base}"}', "stages.2.run.datasets.train", "a data set belongs here"),
        ("rows: [demonstration]}\n  held", "rows: [ranking]}\n  held", "stages.0.run.datasets.train", "of the kind ranking"),
        ("Base model}", "Base model, head: reward}", "stages.0.run.models.policy", "is a reward model; a causal model"),
        ("method: sft-instruct\n      config", "method: alchemy\n      config", "stages.0.run.method", "No method is called"),
        ("policy: \"${params.base}\"", "critic: \"${params.base}\"", "stages.0.run.models.policy", "Choose a model"),
        ("{policy: \"${params.base}\"", "{critic: \"${params.base}\"", "stages.0.run.models.critic", "takes no model in"),
        ("train: \"${params.rows}\", eval", "eval", "stages.0.run.datasets.train", "Choose a data set"),
        ("train: \"${params.rows}\", eval", "prompts", "stages.0.run.datasets.prompts", "takes no data set in"),
        ("max_steps:", "max_stepz:", "stages.0.run.config.max_stepz", "Did you mean `max_steps`?"),
        ("after: [look]", "after: [lok]", "stages.2.after.0", "No other stage is called"),
        ("after: [first]", "after: [second]", "stages.2.name", "wait for each other"),
        ("name: second\n", "name: first\n", "stages.2.name", "Two stages"),
        ('{question: "Does the first answer well?"}', "{quest: x}", "stages.1.approve.quest", "Extra inputs"),
    ],
)  # fmt: skip
def test_a_fault_is_told_at_its_place(old, new, field, said):
    assert old in CHAIN
    faults = faults_of(CHAIN.replace(old, new))
    found = {place: message for place, message in faults.items() if place == f"definition.{field}"}
    assert found, faults
    assert said in found[f"definition.{field}"]


def test_a_model_that_a_stage_makes_of_the_other_head_does_not_fit():
    head = "params: {base: {kind: model, title: B, head: reward}}\nstages:\n"
    stage = "  - {name: a, kind: run, run: {method: sft-instruct, models: {policy: '${params.base}'}, datasets: {}}}\n"
    assert "definition.stages.0.run.models.policy" in faults_of(f"title: T\n{head}{stage}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: &x [1]\nb: *x", "alias"),
        ("title: [", "Line"),
        ("when: 2026-11-21", "what JSON cannot"),
        ("rate: .nan", "what JSON cannot"),
        ("- a", "A recipe is an object"),
        ("title: \"\\0\"", "A recipe is an object"),
        ("x" * 300_000, "fit. Shorten it"),
        ("[" * 900 + "]" * 900, "nested deeper than"),
        ("[" * 200_000, "nested deeper than"),
        ("{a: " * 60_000, "nested deeper than"),
        ("a: " + ":".join(["1"] * 3000) + ".5", "what JSON cannot"),
        ("a: !!bool x", "what JSON cannot"),
        ("a: !!timestamp x", "what JSON cannot"),
    ],
)
def test_text_that_is_no_recipe_is_refused(text, said):
    with pytest.raises(Invalid) as refusal:
        read_text(text)
    assert said in refusal.value.detail


def test_choose_takes_what_stands_under_the_value():
    template = {"config": {"choose": "${params.how}", "from": {"a": {"x": 1}, "b": {"y": "${params.n}"}}}, "gone": "${params.no}"}
    values = {"how": "b", "n": 7, "no": ABSENT}

    def look_up(reference: Reference) -> Any:
        return values[reference.name]

    assert resolve(template, look_up) == {"config": {"y": 7}}
    assert resolve("${params.n} pairs", look_up) == "7 pairs"


def test_a_choice_without_its_part_is_a_fault():
    text = CHAIN.replace("{max_steps: \"${params.steps}\"}", "{choose: '${params.how}', from: {a: {max_steps: 3}}}")
    text = text.replace("params:\n", "params:\n  how: {kind: choice, title: How, choices: [a, b], default: a}\n")
    assert "Nothing is said for “b”" in faults_of(text)["definition.stages.0.run.config.from"]


def test_every_choice_is_tried_not_only_the_default():
    chosen = "{choose: '${params.how}', from: {a: {max_steps: 3}, b: {max_stepz: 3}}}"
    text = CHAIN.replace("{max_steps: \"${params.steps}\"}", chosen)
    text = text.replace("params:\n", "params:\n  how: {kind: choice, title: How, choices: [a, b], default: a}\n")
    assert "definition.stages.0.run.config.max_stepz" in faults_of(text)


def policy_of_rlhf(algorithm: str) -> dict[str, Any]:
    """The stage that learns by reinforcement, with the parameters' defaults; outputs of stages stand as they are written."""
    rlhf = built_in()["rlhf"]

    def look_up(reference: Reference) -> Any:
        if reference.root == "stages":
            return reference.text
        return algorithm if reference.name == "algorithm" else rlhf.params[reference.name].default

    return dict(resolve({name: rlhf.stage("policy").body[name] for name in ("models", "config")}, look_up))


@pytest.mark.parametrize("algorithm", built_in()["rlhf"].params["algorithm"].choices)
def test_rlhf_fills_every_role_of_its_algorithm_and_the_reward_model_is_the_critic(algorithm: str):
    models = policy_of_rlhf(algorithm)["models"]
    assert set(models) == {need.role for need in load_catalogue().method(algorithm).models}
    assert models.get("critic") == ("${stages.reward.model}" if algorithm == "ppo" else None)


@pytest.mark.parametrize("algorithm", built_in()["rlhf"].params["algorithm"].choices)
def test_rlhf_learns_with_the_catalogues_settings_for_the_demo(algorithm: str):
    """But for how long, and for evaluations on the way: the recipe has its own before and after."""
    preset = next(one.config for one in load_catalogue().method(algorithm).presets if one.name == "demo")
    config, others = policy_of_rlhf(algorithm)["config"], {"max_steps", "eval_steps", "eval_limit", "eval_max_new_tokens"}
    assert {name: config[name] for name in config.keys() - others} == {name: preset[name] for name in preset.keys() - others}


def test_nothing_starts_when_a_parameter_does_not_fit(api: Api, project: Project, params: dict[str, Any]):
    recipe = api("post", f"/projects/{project.id}/recipes", {"text": CHAIN})[1]["id"]
    wrong = {
        "base": make_model(project, kind="reward").id, "rows": {"version_id": make_version(project, "preference").id},
        "steps": 0, "nonsense": 1,
    }  # fmt: skip
    status, problem = api("post", f"/projects/{project.id}/recipe-runs", {"recipe": recipe, "params": wrong})
    assert status == 422
    assert {"params.base", "params.rows", "params.steps", "params.nonsense"} <= {error["field"] for error in problem["errors"]}
    status, problem = api("post", f"/projects/{project.id}/recipe-runs", {"recipe": recipe, "params": {"rows": "dsv_x"}})
    assert {"params.base", "params.rows"} <= {error["field"] for error in problem["errors"]}
    assert (RecipeRun.objects.count(), Run.objects.count()) == (0, 0)


def test_validation_tells_all_and_changes_nothing(api: Api, project: Project, params: dict[str, Any]):
    path = f"/projects/{project.id}/recipes/validate"
    found = api("post", path, {"text": CHAIN, "params": params})[1]
    assert found["valid"], found
    needs = {one["name"]: one["needs"] for one in found["stages"]}
    assert needs == {"first": [], "look": ["first"], "second": ["look", "first"]}
    assert not api("post", path, {"text": CHAIN, "params": {}})[1]["valid"]
    assert not api("post", path, {"text": "title: x"})[1]["valid"]
    assert api("post", path, {})[1]["errors"][0]["field"] == "definition"
    assert RecipeRun.objects.count() == 0


def test_a_recipe_is_saved_changed_listed_and_put_away(api: Api, project: Project):
    made = api("post", f"/projects/{project.id}/recipes", {"text": CHAIN})[1]
    assert api("put", f"/recipes/{made['id']}", {"definition": changed(Twice="Thrice")})[1]["title"] == "Thrice"
    listed = api("get", f"/projects/{project.id}/recipes")[1]["items"]
    assert [one["id"] for one in listed] == [*built_in(), made["id"]]
    assert api("delete", f"/recipes/{made['id']}")[0] == 204
    assert made["id"] not in [one["id"] for one in api("get", f"/projects/{project.id}/recipes")[1]["items"]]
    assert api("put", f"/recipes/{made['id']}", {"text": "title: x"})[0] == 422

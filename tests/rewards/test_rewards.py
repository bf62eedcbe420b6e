"""Rewards are saved in versions that never change, checked before anything is kept, and launched with by id."""

from typing import Any

import pytest

from runs.accounts.models import AuditEntry
from runs.launches import services as launches
from runs.launches.models import Run
from runs.launches.selectors import run_list
from runs.problems import Invalid
from runs.rewards import services
from runs.rewards.models import Reward, RewardVersion
from tests.datasets.desk import Desk
from tests.launches.builders import draft_of, make_actor, make_model, make_project
from workers.contract.run_spec import RewardPipeline

CORRECT = {"name": "correct", "kind": "numeric_match", "transforms": [{"kind": "clip", "low": 0, "high": 1}]}
FORMAT = {"name": "format", "kind": "length", "weight": 0.2, "params": {"limit": 64, "cache": 8}, "gate": {"at_least": -0.5}}


def body(*terms: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "Right and short", "pipeline": {"terms": list(terms or (CORRECT,))}, **more}


def made(desk: Desk, *terms: dict[str, Any], **more: Any) -> Any:
    return desk.post(f"/projects/{desk.project.id}/rewards", body(*terms, **more))


def refused(desk: Desk, *terms: dict[str, Any]) -> list[str]:
    """The fields that the refusal names; nothing may have been kept."""
    answer = desk.call("POST", f"/projects/{desk.project.id}/rewards", body(*terms))
    assert answer.status_code == 422, answer.content
    assert not Reward.objects.exists()
    return [error["field"] for error in answer.json()["errors"]]


def test_a_reward_is_kept_with_every_default_as_its_first_version(desk: Desk) -> None:
    reward = made(desk, CORRECT, FORMAT, note="First try")
    latest = reward["latest"]
    assert (reward["name"], reward["versions"], latest["number"], latest["note"]) == ("Right and short", 1, 1, "First try")
    correct, length = latest["pipeline"]["terms"]
    assert correct["transforms"] == [{"kind": "clip", "low": 0, "high": 1}]
    assert length["params"] == {"mode": "soft_overlong", "limit": 64, "cache": 8}
    assert latest["created_by"]["name"] == "editor"
    assert set(AuditEntry.objects.values_list("action", flat=True)) >= {"reward.version", "reward.create"}


def test_versions_count_up_and_the_earlier_ones_stay(desk: Desk) -> None:
    reward = made(desk)
    second = desk.post(f"/rewards/{reward['id']}/versions", {"pipeline": {"terms": [CORRECT, FORMAT]}})
    assert second["number"] == 2
    listed = desk.get(f"/rewards/{reward['id']}/versions")["items"]
    assert [(one["number"], len(one["pipeline"]["terms"])) for one in listed] == [(2, 2), (1, 1)]
    assert desk.get(f"/reward-versions/{reward['latest']['id']}") == reward["latest"]
    assert desk.get(f"/rewards/{reward['id']}")["versions"] == 2


GRADER = {"type": "multi", "name": "m", "calculate_output": "0.8 * right + 0.2 * near", "graders": {
    "right": {"type": "string_check", "name": "right", "input": "{{ sample.output_text }}", "reference": "{{ item.answer }}",
              "operation": "ilike"},
    "near": {"type": "text_similarity", "name": "near", "input": "{{ sample.output_text }}", "reference": "{{ item.answer }}",
             "evaluation_metric": "rouge_l"}}}


def test_openais_grader_becomes_a_reward_that_can_be_saved(desk: Desk) -> None:
    answer = desk.call("POST", f"/projects/{desk.project.id}/rewards/from-grader", {"grader": GRADER})
    assert answer.status_code == 200, answer.content
    pipeline = answer.json()
    assert [(term["name"], term["kind"], term["weight"]) for term in pipeline["terms"]] == [
        ("right", "string_check", 0.8), ("near", "text_similarity", 0.2)]
    assert not Reward.objects.exists()
    assert made(desk, *pipeline["terms"])["latest"]["pipeline"] == pipeline


def test_a_grader_that_is_no_reward_is_refused_by_field(desk: Desk) -> None:
    wrong = GRADER | {"calculate_output": "right ** 2"}
    answer = desk.call("POST", f"/projects/{desk.project.id}/rewards/from-grader", {"grader": wrong})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["grader.calculate_output"]


def test_saving_what_did_not_change_makes_no_version(desk: Desk) -> None:
    reward = made(desk)
    answer = desk.call("POST", f"/rewards/{reward['id']}/versions", {"pipeline": reward["latest"]["pipeline"]})
    assert (answer.status_code, answer.json()["code"]) == (409, "unchanged")
    assert RewardVersion.objects.count() == 1


@pytest.mark.parametrize(
    ("term", "field"),
    [
        ({"name": "x", "kind": "no_such_term"}, "pipeline.terms.0.kind"),
        ({"name": "x", "kind": "length", "params": {"limit": 0}}, "pipeline.terms.0.params.limit"),
        ({"name": "x", "kind": "length", "params": {"size": 3}}, "pipeline.terms.0.params.size"),
        ({"name": "X Y", "kind": "length"}, "pipeline.terms.0.name"),
        ({"name": "x", "kind": "length", "model_id": "mdl_x"}, "pipeline.terms.0.model_id"),
        ({"name": "x", "kind": "length", "gate": {"at_least": 0}}, "pipeline.terms"),
        ({"name": "x", "kind": "length", "transforms": [{"kind": "clip", "low": "a"}]}, "pipeline.terms.0.transforms.0.clip.low"),
    ],
)
def test_a_fault_is_told_at_its_field_and_nothing_kept(desk: Desk, term: dict[str, Any], field: str) -> None:
    assert field in refused(desk, term)


def test_more_terms_than_a_worker_has_processes_for_are_refused(desk: Desk) -> None:
    many = [{"name": f"t{number}", "kind": "length"} for number in range(65)]
    assert refused(desk, *many) == ["pipeline.terms"]


def test_two_terms_of_one_name_are_refused(desk: Desk) -> None:
    assert refused(desk, CORRECT, CORRECT) == ["pipeline.terms.1.name"]


def test_a_path_from_outside_never_becomes_a_model(desk: Desk) -> None:
    reward = made(desk, {**CORRECT, "model": {"path": "/etc", "kind": "causal"}})
    assert reward["latest"]["pipeline"]["terms"][0]["model"] is None


def test_who_may_look_may_not_save(desk: Desk) -> None:
    reward = made(desk)
    path = f"/rewards/{reward['id']}"
    for who, status in (("viewer", 403), ("annotator", 403), ("stranger", 404)):
        assert desk.call("POST", f"/projects/{desk.project.id}/rewards", body(), who=who).status_code == status
        assert desk.call("POST", f"{path}/versions", {"pipeline": {"terms": [FORMAT]}}, who=who).status_code == status
        assert desk.call("PATCH", path, {"name": "x"}, who=who).status_code == status
        assert desk.call("DELETE", path, who=who).status_code == status
        seen = {"viewer": 200, "annotator": 403, "stranger": 404}[who]
        assert desk.call("GET", path, who=who).status_code == seen
        assert desk.call("GET", f"/reward-versions/{reward['latest']['id']}", who=who).status_code == seen


def test_rewards_are_searched_renamed_deleted_and_restored(desk: Desk) -> None:
    reward, other = made(desk), made(desk, name="Other", description="For sums")
    rewards = f"/projects/{desk.project.id}/rewards"

    def names(query: str = "") -> list[str]:
        return [one["name"] for one in desk.get(rewards + query)["items"]]

    assert names() == ["Other", "Right and short"]
    assert names("?q=sums") == ["Other"]
    renamed = desk.call("PATCH", f"/rewards/{other['id']}", {"name": "Sums"}).json()
    assert (renamed["name"], renamed["description"]) == ("Sums", "For sums")
    assert desk.call("DELETE", f"/rewards/{reward['id']}").status_code == 204
    assert (names(), names("?deleted=true")) == (["Sums"], ["Right and short"])
    answer = desk.call("POST", f"/rewards/{reward['id']}/versions", {"pipeline": {"terms": [FORMAT, CORRECT]}})
    assert (answer.status_code, answer.json()["code"]) == (409, "reward_deleted")
    assert desk.call("POST", f"/rewards/{reward['id']}/restore").json()["deleted_at"] is None
    assert names() == ["Sums", "Right and short"]


def saved(project: Any, *terms: dict[str, Any]) -> RewardVersion:
    pipeline = RewardPipeline.model_validate({"terms": list(terms or (CORRECT,))})
    return services.create_reward(project, make_actor(), name="Right", pipeline=pipeline).versions.get()


@pytest.mark.django_db
def test_a_run_takes_a_saved_version_and_keeps_a_copy_with_its_id() -> None:
    project = make_project(make_actor())
    version = saved(project, CORRECT, FORMAT)
    draft = draft_of(project, method="grpo", config={}, reward_version_id=version.id)
    run = launches.create_run(project, draft, make_actor())
    reward = run.spec["reward"]
    assert reward["version_id"] == version.id
    assert [term["name"] for term in reward["terms"]] == ["correct", "format"]
    assert (run.draft["reward_version_id"], run.draft["reward"]) == (version.id, None)


@pytest.mark.django_db
def test_runs_are_found_by_the_reward_they_learn_from() -> None:
    project = make_project(make_actor())
    version = saved(project)
    draft = draft_of(project, method="grpo", config={}, reward_version_id=version.id)
    run = launches.create_run(project, draft, make_actor())
    launches.create_run(project, draft_of(project), make_actor())
    for of in (version.id, version.reward_id):
        assert [one.id for one in run_list(project, reward=of)] == [run.id]
    assert not run_list(project, reward="rwd_unknown")


def faults(project: Any, **values: Any) -> list[str]:
    with pytest.raises(Invalid) as refusal:
        launches.create_run(project, draft_of(project, method="grpo", config={}, **values), make_actor())
    assert not Run.objects.exists()
    return [error.field for error in refusal.value.errors]


@pytest.mark.django_db
def test_a_version_that_is_unknown_foreign_or_deleted_is_refused() -> None:
    project, other = make_project(make_actor()), make_project(make_actor(), name="Other")
    foreign, deleted = saved(other), saved(project)
    services.delete_reward(deleted.reward, make_actor())
    for version_id in ("rwv_unknown", foreign.id, deleted.id):
        assert faults(project, reward_version_id=version_id) == ["reward_version_id"]


@pytest.mark.django_db
def test_a_draft_has_one_reward_not_two() -> None:
    project = make_project(make_actor())
    assert faults(project, reward={"terms": [CORRECT]}, reward_version_id=saved(project).id) == ["reward_version_id"]


@pytest.mark.django_db
def test_an_inline_reward_cannot_claim_to_be_a_version_or_bring_a_path() -> None:
    project = make_project(make_actor())
    forged = {**CORRECT, "model": {"path": "/etc"}}
    draft = draft_of(project, method="grpo", config={}, reward={"terms": [forged], "version_id": saved(project).id})
    reward = launches.create_run(project, draft, make_actor()).spec["reward"]
    assert (reward["version_id"], reward["terms"][0]["model"]) == ("", None)


@pytest.mark.django_db
def test_a_model_of_another_project_is_not_taken() -> None:
    project, other = make_project(make_actor()), make_project(make_actor(), name="Other")
    term = {**CORRECT, "model_id": make_model(other).id}
    assert faults(project, reward={"terms": [term]}) == ["reward.terms.0.model_id"]

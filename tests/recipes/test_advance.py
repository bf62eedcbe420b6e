"""A recipe run moves on from signals and from the sweep, never twice, and says why it stops."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from runs.accounts.models import AuditEntry, Membership, Project
from runs.launches.models import Run
from runs.launches.services import delete_run
from runs.launches.states import State
from runs.library.models import LibraryModel
from runs.recipes import services
from runs.recipes.models import RecipeRun, Stage, StageStart
from tests.launches.builders import make_actor
from tests.recipes.conftest import Api, client_of, model_of


def states(found: dict[str, Any]) -> list[str]:
    return [stage["state"] for stage in found["stages"]]


def look(api: Api, chain: dict[str, Any]) -> dict[str, Any]:
    return dict(api("get", f"/recipe-runs/{chain['id']}")[1])


def run_of(found: dict[str, Any], place: int) -> str:
    return str(found["stages"][place]["subject_id"])


def act(api: Api, chain: dict[str, Any], deed: str, body: Any = None) -> tuple[int, Any]:
    status, found = api("post", f"/recipe-runs/{chain['id']}/{deed}", body or {})
    return status, found


def test_a_chain_goes_to_its_end(api: Api, chain: dict[str, Any], ends: Any):
    assert (chain["state"], states(chain)) == ("running", ["running", "waiting", "waiting"])
    first = run_of(chain, 0)
    assert Run.objects.get(id=first).spec["config"]["max_steps"] == 3
    ends(first, State.SUCCEEDED)
    found = look(api, chain)
    assert (found["state"], states(found)) == ("waits_for_people", ["succeeded", "waits_for_people", "waiting"])
    assert act(api, chain, "stages/look/approve")[0] == 200
    found = look(api, chain)
    assert states(found) == ["succeeded", "succeeded", "running"]
    assert found["stages"][1]["approved_by"]["name"] == "Ada"
    second = Run.objects.get(id=run_of(found, 2))
    assert (second.name, second.tags) == ("second of 3 steps", ["recipe"])
    assert second.draft["models"]["policy"] == model_of(first).id
    ends(second.id, State.SUCCEEDED)
    found = look(api, chain)
    assert (found["state"], bool(found["finished_at"])) == ("succeeded", True)


def test_a_missed_signal_is_made_up_for_by_the_sweep(api: Api, chain: dict[str, Any], ends: Any):
    ends(run_of(chain, 0), State.SUCCEEDED, by_signal=False)
    assert states(look(api, chain))[0] == "running"
    assert services.advance_open() == 1
    assert states(look(api, chain)) == ["succeeded", "waits_for_people", "waiting"]


def test_advancing_again_and_again_begins_nothing_twice(api: Api, chain: dict[str, Any]):
    for _ in range(5):
        services.advance(chain["id"])
    assert (Run.objects.count(), StageStart.objects.count()) == (1, 1)
    stage = Stage.objects.get(recipe_run_id=chain["id"], name="first")
    with pytest.raises(IntegrityError), transaction.atomic():
        StageStart.objects.create(stage=stage, attempt=1)


def test_a_model_counts_once_the_library_has_looked_at_it(api: Api, chain: dict[str, Any], ends: Any):
    first = run_of(chain, 0)
    ends(first, State.SUCCEEDED, by_signal=False)
    LibraryModel.objects.filter(run_id=first).update(state="inspecting")
    services.advance(chain["id"])
    assert states(look(api, chain))[0] == "running"
    LibraryModel.objects.filter(run_id=first).update(state="refused")
    services.advance(chain["id"])
    found = look(api, chain)
    assert found["state"] == "failed"
    assert found["stages"][0]["failure"]["message"] == "Its run ended without a model that can be used."


def test_a_failure_stops_what_depends_and_says_why(api: Api, chain: dict[str, Any], ends: Any):
    ends(run_of(chain, 0), State.FAILED)
    found = look(api, chain)
    assert (found["state"], states(found)) == ("failed", ["failed", "waiting", "waiting"])
    assert found["stages"][0]["failure"]["message"] == "The GPU is full."
    assert found["stages"][1]["waits_for"] == ["first"]


def test_a_retry_lets_the_very_run_go_on(api: Api, chain: dict[str, Any], ends: Any):
    first = run_of(chain, 0)
    ends(first, State.FAILED)
    status, found = act(api, chain, "stages/first/retry")
    assert (status, found["state"], states(found)[0], run_of(found, 0)) == (200, "running", "running", first)
    assert Run.objects.get(id=first).state == "queued"
    ends(first, State.SUCCEEDED)
    assert states(look(api, chain))[0] == "succeeded"


def test_a_run_retried_on_its_own_page_takes_the_stage_along(api: Api, chain: dict[str, Any], ends: Any):
    first = run_of(chain, 0)
    ends(first, State.FAILED)
    ends(first, State.QUEUED)
    found = look(api, chain)
    assert (found["state"], states(found)[0]) == ("running", "running")


def test_a_deleted_run_fails_its_stage_and_a_retry_makes_a_new_one(api: Api, chain: dict[str, Any], ends: Any):
    first = run_of(chain, 0)
    ends(first, State.CANCELLED)
    delete_run(Run.objects.get(id=first), make_actor())
    services.advance(chain["id"])
    found = act(api, chain, "stages/first/retry")[1]
    assert run_of(found, 0) not in ("", first)
    assert [start.attempt for start in StageStart.objects.order_by("attempt")] == [1, 2]


def test_a_stage_that_cannot_begin_fails_in_the_words_of_the_refusal(api: Api, chain: dict[str, Any], ends: Any):
    ends(run_of(chain, 0), State.SUCCEEDED)
    LibraryModel.objects.filter(run_id=run_of(chain, 0)).update(state="refused")
    found = act(api, chain, "stages/look/approve")[1]
    assert (found["state"], states(found)) == ("failed", ["succeeded", "succeeded", "failed"])
    assert "is refused, not ready" in found["stages"][2]["failure"]["message"]
    assert Run.objects.count() == 1
    LibraryModel.objects.filter(run_id=run_of(chain, 0)).update(state="ready")
    assert states(act(api, chain, "stages/second/retry")[1])[2] == "running"


def test_who_may_launch_no_more_launches_no_more_stages(api: Api, chain: dict[str, Any], ends: Any, project: Project):
    Membership.objects.filter(project=project).update(role="viewer")
    ends(run_of(chain, 0), State.SUCCEEDED)
    Stage.objects.filter(name="look").update(approved_by=make_actor().user)
    services.advance(chain["id"])
    found = look(api, chain)
    assert "may not launch runs here any more" in found["stages"][1]["failure"]["message"]


def test_a_restart_reuses_what_was_done_and_shows_it(api: Api, chain: dict[str, Any], ends: Any):
    first = run_of(chain, 0)
    ends(first, State.SUCCEEDED)
    act(api, chain, "stages/look/approve")
    ends(run_of(look(api, chain), 2), State.FAILED)
    status, again = act(api, chain, "restart", {"stage": "second"})
    assert status == 201, again
    assert (states(again), again["restarted_from"]) == (["reused", "reused", "running"], chain["id"])
    assert [stage["reused_from"] for stage in again["stages"]] == [chain["id"], chain["id"], None]
    assert Run.objects.get(id=run_of(again, 2)).draft["models"]["policy"] == model_of(first).id
    assert look(api, chain)["state"] == "failed"


def test_a_restart_may_not_change_what_a_reused_stage_used(api: Api, chain: dict[str, Any], ends: Any):
    ends(run_of(chain, 0), State.SUCCEEDED)
    act(api, chain, "cancel")
    status, problem = act(api, chain, "restart", {"stage": "look", "params": {"steps": 9}})
    assert (status, problem["errors"][0]["field"]) == (422, "params.steps")
    status, again = act(api, chain, "restart", {"stage": "first", "params": {"steps": 9}})
    assert (status, states(again)) == (201, ["running", "waiting", "waiting"])
    assert Run.objects.get(id=run_of(again, 0)).spec["config"]["max_steps"] == 9
    assert act(api, chain, "restart", {"stage": "nothing"})[0] == 422
    assert act(api, again, "restart", {"stage": "first"})[0] == 409


def test_cancel_stops_what_runs_and_begins_nothing_more(api: Api, chain: dict[str, Any]):
    status, found = act(api, chain, "cancel")
    assert (status, found["state"], set(states(found))) == (200, "cancelled", {"cancelled"})
    assert Run.objects.get(id=run_of(chain, 0)).state == "cancelled"
    assert act(api, chain, "cancel")[0] == 409
    services.advance_open()
    assert Run.objects.count() == 1
    again = act(api, chain, "stages/first/retry")[1]
    assert (again["state"], states(again)) == ("running", ["running", "waiting", "waiting"])


def test_a_gate_opens_once_and_nothing_else_is_approved(api: Api, chain: dict[str, Any], ends: Any):
    assert act(api, chain, "stages/look/approve")[0] == 409
    assert act(api, chain, "stages/first/approve")[0] == 409
    assert act(api, chain, "stages/none/approve")[0] == 404
    assert act(api, chain, "stages/first/retry")[0] == 409
    ends(run_of(chain, 0), State.SUCCEEDED)
    assert act(api, chain, "stages/look/approve")[0] == act(api, chain, "stages/look/approve")[0] == 200
    assert Run.objects.count() == 2
    assert AuditEntry.objects.filter(action="recipe.approve").count() == 1


def test_a_fault_in_the_middle_leaves_nothing_half_done(chain: dict[str, Any], ends: Any, monkeypatch: pytest.MonkeyPatch):
    """As a kill would: the transaction ends before the note that the stage was begun."""
    ends(run_of(chain, 0), State.SUCCEEDED)
    Stage.objects.filter(name="look").update(approved_by=make_actor().user)
    with monkeypatch.context() as broken:
        broken.setattr(StageStart.objects, "create", lambda **values: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            services.advance(chain["id"])
    assert (Run.objects.count(), Stage.objects.get(name="look").state) == (1, "waits_for_people")
    services.advance(chain["id"])
    assert (Run.objects.count(), Stage.objects.get(name="second").state) == (2, "running")


def test_a_viewer_looks_and_does_no_more(api: Api, chain: dict[str, Any], project: Project):
    viewer = client_of("vera@example.org")
    Membership.objects.create(project=project, user=make_actor("vera@example.org").user, role="viewer")
    assert viewer.get(f"/api/v1/recipe-runs/{chain['id']}").status_code == 200
    assert viewer.post(f"/api/v1/recipe-runs/{chain['id']}/cancel").status_code == 403
    answer = viewer.post(f"/api/v1/projects/{project.id}/recipe-runs", {"recipe": "x"}, content_type="application/json")
    assert answer.status_code == 403


def test_recipe_runs_are_listed_with_their_stages(api: Api, chain: dict[str, Any], project: Project):
    listed = api("get", f"/projects/{project.id}/recipe-runs")[1]["items"]
    assert [(one["id"], one["name"], len(one["stages"])) for one in listed] == [(chain["id"], "Twice 1", 3)]
    assert RecipeRun.objects.get().params["steps"] == 3

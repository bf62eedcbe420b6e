"""Questions, answers as events, blind votes and who may do what."""

import json
from typing import Any

import pytest
from django.test import AsyncClient, Client

from runs.accounts.access import Role
from runs.launches.models import Run
from runs.library.models import LibraryModel
from runs.playground.models import Exchange, Serving
from tests.launches.builders import make_model
from tests.playground.conftest import Desk

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION = {"messages": [{"role": "user", "content": "2+2?"}]}


def call(desk: Desk, method: str, path: str, body: Any = None, *, who: str = Role.EDITOR) -> Any:
    content = {} if body is None else {"data": body, "content_type": "application/json"}
    return getattr(Client(), method)(f"/api/v1{path}", headers=desk.headers(who), **content)


def asked(desk: Desk, *, who: str = Role.EDITOR, models: int = 2, **more: Any) -> dict[str, Any]:
    body = QUESTION | {"models": [model.id for model in desk.models[:models]]} | more
    made = call(desk, "post", f"/projects/{desk.project.id}/exchanges", body, who=who)
    assert made.status_code == 201, made.content
    return made.json()  # type: ignore[no-any-return]


async def streamed(desk: Desk, exchange_id: str, side: str = "a", headers: Any = None, **more: Any) -> list[dict[str, Any]]:
    answer: Any = await AsyncClient().post(f"/api/v1/exchanges/{exchange_id}/answers", {"side": side, **more},
                                      content_type="application/json", headers=headers)
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "text/event-stream; charset=utf-8"
    text = b"".join([part async for part in answer.streaming_content]).decode()
    return [json.loads(event.removeprefix("data: ")) for event in text.strip().split("\n\n")]


def answer_sides(desk: Desk, exchange_id: str, *sides: str) -> list[list[dict[str, Any]]]:
    from asgiref.sync import async_to_sync

    return [async_to_sync(streamed)(desk, exchange_id, side, desk.headers()) for side in sides]


def test_an_answer_streams_and_is_kept(desk: Desk) -> None:
    exchange = asked(desk, models=1)
    (said,) = answer_sides(desk, exchange["id"], "a")
    assert [word["type"] for word in said] == ["begun", "token", "token", "token", "done"]
    kept = call(desk, "get", f"/exchanges/{exchange['id']}").json()["answers"]["a"]
    assert (kept["text"], kept["finish_reason"], kept["prompt_tokens"], kept["completion_tokens"]) == ("It is 4.", "stop", 7, 3)
    again = call(desk, "post", f"/exchanges/{exchange['id']}/answers", {"side": "a"})
    assert (again.status_code, again.json()["code"]) == (409, "answered")


def test_a_blind_vote_hides_the_names_until_it_is_given_and_is_given_once(desk: Desk) -> None:
    desk.engines[0].script, desk.engines[1].script = (lambda chat: ["worse"]), (lambda chat: ["better"])
    exchange = asked(desk, blind=True)
    assert exchange["sides"] == {"a": {"model_id": "", "name": ""}, "b": {"model_id": "", "name": ""}}
    early = call(desk, "post", f"/exchanges/{exchange['id']}/vote", {"verdict": "a"})
    assert (early.status_code, early.json()["code"]) == (409, "not_answered")
    answers = answer_sides(desk, exchange["id"], "a", "b")
    better = "ab"[[said[1]["text"] for said in answers].index("better")]
    voted = call(desk, "post", f"/exchanges/{exchange['id']}/vote", {"verdict": better}).json()
    assert voted["sides"][better]["name"] == "After"
    assert call(desk, "post", f"/exchanges/{exchange['id']}/vote", {"verdict": better}).status_code == 200
    changed = call(desk, "post", f"/exchanges/{exchange['id']}/vote", {"verdict": "tie"})
    assert (changed.status_code, changed.json()["code"]) == (409, "voted")
    votes = call(desk, "get", f"/projects/{desk.project.id}/votes").json()
    (tally,) = votes["tallies"]
    wins = {tally["first_name"]: tally["first_wins"], tally["second_name"]: tally["second_wins"]}
    assert (votes["votes"], votes["rows"], wins, tally["blind"]) == (1, 1, {"Before": 0, "After": 1}, 1)


def test_what_goes_wrong_in_a_blind_comparison_names_no_model(desk: Desk) -> None:
    exchange = asked(desk, blind=True)
    named = {model.name for model in desk.models} | {model.id for model in desk.models}
    Run.objects.filter(id=desk.engines[0].run.id).update(state="paused")
    desk.engines[1].refusal = {"code": "engine", "message": "After (of models/After) cannot be read.", "remedy": "Look."}
    faults = [call(desk, "post", f"/exchanges/{exchange['id']}/answers", {"side": side}) for side in "ab"]
    assert {fault.status_code for fault in faults} == {409, 504}
    Serving.objects.all().delete()
    LibraryModel.objects.all().delete()
    faults += [call(desk, "post", f"/exchanges/{exchange['id']}/answers", {"side": side}) for side in "ab"]
    assert [fault.status_code for fault in faults[2:]] == [404, 404]
    for fault in faults:
        assert not [name for name in named if name in fault.content.decode()], fault.content


def test_a_fault_in_the_midst_of_a_blind_answer_names_no_model(desk: Desk) -> None:
    exchange = asked(desk, blind=True)
    for engine in desk.engines:
        engine.fault = f"The folder of {engine.run.name} is gone."
    said = answer_sides(desk, exchange["id"], "a", "b")
    assert [words[-1]["message"] for words in said] == ["The folder of this model is gone."] * 2


def test_an_answer_that_holds_nul_is_kept(desk: Desk) -> None:
    desk.engines[0].script = lambda chat: ["nothing \x00"]
    exchange = asked(desk, models=1)
    answer_sides(desk, exchange["id"], "a")
    assert call(desk, "get", f"/exchanges/{exchange['id']}").json()["answers"]["a"]["text"] == "nothing \ufffd"


def test_sides_of_a_blind_comparison_are_drawn_by_chance(desk: Desk) -> None:
    for _ in range(24):
        asked(desk, blind=True)
    firsts = {exchange.sides["a"]["name"] for exchange in Exchange.objects.all()}
    assert firsts == {"Before", "After"}


def test_votes_become_rows_of_a_data_set_with_who_when_and_which_models(desk: Desk, tmp_path: Any, settings: Any) -> None:
    from tests.datasets.desk import desk_at

    settings.FILE_UPLOAD_TEMP_DIR = tmp_path
    files = desk_at(tmp_path, settings)
    empty = call(desk, "post", f"/projects/{desk.project.id}/votes/collect", {})
    assert (empty.status_code, empty.json()["code"]) == (409, "no_rows")
    desk.engines[0].script, desk.engines[1].script = (lambda chat: ["worse"]), (lambda chat: ["better"])
    exchange = asked(desk, blind=True)
    answers = answer_sides(desk, exchange["id"], "a", "b")
    better = "ab"[[said[1]["text"] for said in answers].index("better")]
    call(desk, "post", f"/exchanges/{exchange['id']}/vote", {"verdict": better})
    made = call(desk, "post", f"/projects/{desk.project.id}/votes/collect", {"name": "Votes"})
    assert (made.status_code, made.json()["rows"], made.json()["number"]) == (201, 1, 1)
    assert files.work(made.json()["job_id"]).state == "succeeded"
    rows = call(desk, "get", f"/dataset-versions/{made.json()['version_id']}/rows?split=train").json()["items"]
    (record,) = [row["record"] for row in rows]
    assert (record["chosen"][0]["content"], record["rejected"][0]["content"]) == ("better", "worse")
    assert record["prompt"] == [{"role": "user", "content": "2+2?"}]
    extra = record["extra"]
    assert (extra["annotator"], extra["chosen_model"], extra["rejected_model"]) == ("editor@example.org", "After", "Before")
    again = call(desk, "post", f"/projects/{desk.project.id}/votes/collect", {"dataset_id": made.json()["dataset_id"]})
    assert again.json()["number"] == 2
    foreign = call(desk, "post", f"/projects/{desk.project.id}/votes/collect", {"dataset_id": "ds_x"})
    assert foreign.json()["errors"][0]["field"] == "dataset_id"


def test_equal_answers_and_ties_make_votes_but_no_rows(desk: Desk) -> None:
    for verdict in ("a", "tie"):
        exchange = asked(desk)
        answer_sides(desk, exchange["id"], "a", "b")
        call(desk, "post", f"/exchanges/{exchange['id']}/vote", {"verdict": verdict})
    votes = call(desk, "get", f"/projects/{desk.project.id}/votes").json()
    assert (votes["votes"], votes["rows"]) == (2, 0)


@pytest.mark.parametrize(("body", "field"), [
    ({"messages": []}, "messages"),
    ({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}, "messages"),
    ({"blind": True}, "models"),
    ({"settings": {"temperature": 3}}, "settings.temperature"),
    ({"settings": {"max_tokens": 0}}, "settings.max_tokens"),
    ({"settings": {"stop": [""]}}, "settings.stop.0"),
    ({"speed": 1}, "speed"),
])
def test_a_faulty_question_names_its_field(desk: Desk, body: dict[str, Any], field: str) -> None:
    given = QUESTION | {"models": [desk.models[0].id]} | body
    answer = call(desk, "post", f"/projects/{desk.project.id}/exchanges", given)
    assert answer.status_code == 422
    assert field in [error["field"].removeprefix("body.") for error in answer.json()["errors"]]


def test_an_unknown_model_and_a_run_that_stands_still_are_not_found(desk: Desk) -> None:
    still = Run.objects.create(project=desk.project, name="x", method="grpo", state="succeeded")
    for model in ("mdl_x", "ckp_x", still.id):
        answer = call(desk, "post", f"/projects/{desk.project.id}/exchanges", QUESTION | {"models": [model]})
        assert answer.status_code == 404


def test_what_one_person_asked_another_member_does_not_see(desk: Desk) -> None:
    exchange = asked(desk, models=1)
    for who in (Role.OWNER, "stranger"):
        assert call(desk, "get", f"/exchanges/{exchange['id']}", who=who).status_code == 404
        vote = call(desk, "post", f"/exchanges/{exchange['id']}/vote", {"verdict": "a"}, who=who)
        assert vote.status_code == 404
    assert call(desk, "get", f"/projects/{desk.project.id}/exchanges", who=Role.OWNER).json()["items"] == []
    assert len(call(desk, "get", f"/projects/{desk.project.id}/exchanges").json()["items"]) == 1


def test_a_viewer_may_not_ask_and_an_annotator_may_not_start_a_model(desk: Desk) -> None:
    body = QUESTION | {"models": [desk.models[0].id]}
    assert call(desk, "post", f"/projects/{desk.project.id}/exchanges", body, who=Role.VIEWER).status_code == 403
    start = {"model_id": desk.models[0].id}
    assert call(desk, "post", f"/projects/{desk.project.id}/servings", start, who=Role.ANNOTATOR).status_code == 403
    cold = make_model(desk.project, name="Cold")
    exchange = call(desk, "post", f"/projects/{desk.project.id}/exchanges", QUESTION | {"models": [cold.id]}, who=Role.ANNOTATOR)
    refused = call(desk, "post", f"/exchanges/{exchange.json()['id']}/answers", {}, who=Role.ANNOTATOR)
    assert (refused.status_code, "starting it needs the role editor" in refused.json()["detail"]) == (403, True)


def test_a_conversation_can_be_forgotten_but_for_its_votes(desk: Desk) -> None:
    kept, gone = asked(desk), asked(desk)
    together = {"conversation_id": kept["conversation_id"]}
    asked(desk, **together)
    answer_sides(desk, kept["id"], "a", "b")
    call(desk, "post", f"/exchanges/{kept['id']}/vote", {"verdict": "tie"})
    path = f"/projects/{desk.project.id}/conversations/{kept['conversation_id']}"
    assert call(desk, "delete", path).status_code == 204
    assert set(Exchange.objects.values_list("id", flat=True)) == {kept["id"], gone["id"]}
    assert call(desk, "delete", path).status_code == 404


def test_a_model_is_started_once_and_its_run_is_found_again(desk: Desk) -> None:
    cold = make_model(desk.project, name="Cold", path="/m")
    first, again = (call(desk, "post", f"/projects/{desk.project.id}/servings", {"model_id": cold.id}) for _ in range(2))
    assert (first.status_code, first.json()["state"], first.json()["ready"]) == (201, "queued", False)
    assert again.json()["id"] == first.json()["id"]
    run = Run.objects.get(id=first.json()["run_id"])
    assert (run.kind, run.method, run.spec["models"]["policy"]["model_id"]) == ("serve", "serve-chat", cold.id)
    assert call(desk, "delete", f"/servings/{first.json()['id']}").status_code == 204
    run.refresh_from_db()
    assert run.state == "cancelled"
    assert len(call(desk, "get", f"/projects/{desk.project.id}/servings").json()) == 2


def test_a_third_model_takes_the_place_of_the_one_asked_longest_ago(desk: Desk) -> None:
    from datetime import timedelta

    from django.utils import timezone

    old = Serving.objects.get(model_id=desk.models[0].id)
    Serving.objects.filter(id=old.id).update(used_at=timezone.now() - timedelta(minutes=1))
    call(desk, "post", f"/projects/{desk.project.id}/servings", {"model_id": make_model(desk.project, name="Cold").id})
    wishes = dict(Run.objects.values_list("name", "desired"))
    assert (wishes["Before"], wishes["After"]) == ("stop", "run")


def test_a_reward_model_is_not_served(desk: Desk) -> None:
    judge = make_model(desk.project, name="Judge", kind="reward")
    answer = call(desk, "post", f"/projects/{desk.project.id}/servings", {"model_id": judge.id})
    assert (answer.status_code, "is a reward model" in answer.json()["detail"]) == (422, True)


def test_a_stream_refuses_an_idempotency_key(desk: Desk) -> None:
    exchange = asked(desk, models=1)
    answer = Client().post(f"/api/v1/exchanges/{exchange['id']}/answers", {}, content_type="application/json",
                           headers=desk.headers() | {"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


def test_who_asks_too_fast_waits(desk: Desk, monkeypatch: Any) -> None:
    from runs.accounts.limits import Limit
    from runs.playground import services

    monkeypatch.setattr(services, "QUESTIONS", Limit("chats-test", 1, 60))
    exchange = asked(desk)
    answer_sides(desk, exchange["id"], "a")
    refused = call(desk, "post", f"/exchanges/{exchange['id']}/answers", {"side": "b"})
    assert (refused.status_code, "Retry-After" in refused) == (429, True)


def test_an_annotator_is_not_told_which_models_there_are(desk: Desk) -> None:
    listed = {who: Client().get("/v1/models", headers=desk.headers(who)).json()["data"] for who in (Role.VIEWER, Role.ANNOTATOR)}
    assert ({one["name"] for one in listed[Role.VIEWER]}, listed[Role.ANNOTATOR]) == ({"Before", "After"}, [])
    for known in (desk.models[0].id, "Before"):
        answers = {who: Client().get(f"/v1/models/{known}", headers=desk.headers(who)).status_code for who in listed}
        assert answers == {Role.VIEWER: 200, Role.ANNOTATOR: 404}
    body = {"model": "Before", "messages": QUESTION["messages"]}
    asked_by_name = Client().post("/v1/chat/completions", body, content_type="application/json",
                                  headers=desk.headers(Role.ANNOTATOR))
    assert asked_by_name.status_code == 404

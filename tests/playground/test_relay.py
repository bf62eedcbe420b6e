"""From a question to its words and back, over a real Redis and the real relay."""

import asyncio
import time
from typing import Any

import pytest

from runs.launches.models import Run
from runs.playground import relay
from runs.playground.relay import ChatFault, begin, words
from tests.playground.conftest import Desk
from workers.contract.control import Chat

pytestmark = pytest.mark.django_db(transaction=True)


def ask(text: str = "2+2?", **given: Any) -> Chat:
    made = {"request_id": relay.new_request_id(), "messages": [{"role": "user", "content": text}], **given}
    return Chat.model_validate(made)


def answer(run: Run, question: Chat) -> list[Any]:
    async def gathered() -> list[Any]:
        return [word async for word in words(run, question.request_id)]

    return asyncio.run(gathered())


def until(holds: Any) -> None:
    give_up = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def test_the_words_come_in_order_and_leave_nothing_behind(desk: Desk, redis_server: Any) -> None:
    engine, question = desk.engines[0], ask()
    assert begin(engine.run, question).prompt_tokens == 7
    said = answer(engine.run, question)
    assert "".join(word.text for word in said) == "It is 4."
    assert [word.type for word in said] == ["token", "token", "token", "done"]
    assert not engine.heard("chat_stop")


def test_two_answers_at_once_do_not_mix(desk: Desk) -> None:
    engine = desk.engines[0]
    engine.script = lambda chat: [chat.messages[0].content] * 3
    questions = [ask(text) for text in ("one ", "two ")]
    for question in questions:
        begin(engine.run, question)
    assert ["".join(word.text for word in answer(engine.run, question)) for question in questions] == ["one " * 3, "two " * 3]


def test_a_refusal_says_why_and_has_its_status(desk: Desk) -> None:
    desk.engines[0].refusal = {"code": "context_length", "message": "Too long.", "remedy": "Shorten it."}
    with pytest.raises(ChatFault, match="Shorten it") as caught:
        begin(desk.engines[0].run, ask())
    assert (caught.value.status, caught.value.code) == (422, "context_length")


def test_an_engine_that_dies_in_the_middle_ends_the_answer_with_its_cause(desk: Desk) -> None:
    engine, question = desk.engines[0], ask()
    engine.hold.clear()
    begin(engine.run, question)
    engine.die()
    said = answer(engine.run, question)
    assert (said[-1].type, said[-1].code) == ("refused", "engine_gone")
    with pytest.raises(ChatFault, match="has ended"):
        begin(engine.run, ask())


def test_a_supervisor_that_dies_is_noticed_by_its_lease(desk: Desk, monkeypatch: Any) -> None:
    monkeypatch.setattr(relay, "LOOK_SECONDS", 0.1)
    engine, question = desk.engines[0], ask()
    engine.hold.clear()
    begin(engine.run, question)
    Run.objects.filter(id=engine.run.id).update(lease_until=None)
    assert answer(engine.run, question)[-1].code == "engine_gone"


def test_a_run_that_has_ended_answers_nobody(desk: Desk) -> None:
    run = Run.objects.create(project=desk.project, name="x", method="serve-chat", state="failed",
                             failure={"code": "oom", "message": "Memory ran out."})
    with pytest.raises(ChatFault, match=r"has ended \(failed\). Memory ran out."):
        begin(run, ask())


def test_a_model_that_never_comes_is_given_up(desk: Desk) -> None:
    run = Run.objects.create(project=desk.project, name="x", method="serve-chat", state="queued",
                             waiting_for="a free place on ant")
    with pytest.raises(ChatFault, match="It waits for a free place on ant") as caught:
        begin(run, ask(), patience=0.2)
    assert caught.value.status == 504


def test_who_leaves_stops_the_engine(desk: Desk) -> None:
    engine, question = desk.engines[0], ask()
    engine.hold.clear()
    begin(engine.run, question)

    async def leave() -> None:
        stream = words(engine.run, question.request_id)
        assert (await anext(stream)).type == "token"
        task = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(leave())
    until(lambda: engine.heard("chat_stop"))
    assert engine.heard("chat_stop")[0]["request_id"] == question.request_id


def test_a_redis_that_was_away_is_found_again(desk: Desk, redis_server: Any) -> None:
    engine = desk.engines[0]
    redis_server.stop()
    with pytest.raises(ChatFault, match="cannot reach its Redis"):
        begin(engine.run, ask())
    redis_server.start()
    question = ask()
    begin(engine.run, question)
    assert answer(engine.run, question)[-1].type == "done"


def test_what_is_no_question_is_passed_over(desk: Desk, redis_server: Any) -> None:
    from redis import Redis

    engine = desk.engines[0]
    with Redis.from_url(redis_server.url) as redis:
        until(lambda: redis.publish(f"lodestar:chat:{engine.run.id}", b'{"type":"dance"}'))
    question = ask()
    begin(engine.run, question)
    assert answer(engine.run, question)[-1].type == "done"
    assert len(engine.asked) == 1


"""A real model held ready by a real engine below a real supervisor: asked, killed, asked in vain, asked while it trains."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from runs.launches import services
from runs.launches.models import Run
from runs.launches.schemas import ControlIn, RunDraft
from runs.playground.relay import ChatFault, begin, new_request_id, words
from tests.agent.test_real_engine import Launch, launch, tiny  # noqa: F401 - fixtures
from tests.agent.watching import engine_of, state_of, steps_of, until
from tests.launches.builders import make_actor, make_model, make_project
from workers.contract.control import Chat

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def redis_at_hand(settings: Any, redis_server: Any) -> None:
    settings.REDIS_URL = redis_server.url


@pytest.fixture
def served(home: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch, supervise: Any) -> Any:  # noqa: F811
    """A serving run, its supervisor started."""
    monkeypatch.delenv("LODESTAR_ENGINE_COMMAND")

    def start(**config: Any) -> tuple[Run, Any]:
        project = make_project(make_actor())
        model = make_model(project, path=str(tiny))
        draft = RunDraft(method="serve-chat", config=config, models={"policy": model.id})
        run = services.create_run(project, draft, make_actor())
        return run, supervise(run)

    return start


def ask(text: str = "2+2?", **given: Any) -> Chat:
    return Chat.model_validate({"request_id": new_request_id(), "messages": [{"role": "user", "content": text}], **given})


def answer(run: Run, question: Chat) -> list[Any]:
    async def gathered() -> list[Any]:
        return [word async for word in words(run, question.request_id)]

    begin(run, question)
    return asyncio.run(gathered())


def test_a_served_model_is_asked_before_it_is_loaded_and_ends_when_nobody_asks(served: Any) -> None:
    run, supervisor = served(idle_seconds=1.0)
    said = answer(run, ask(max_tokens=6, temperature=0))
    assert said[-1].type == "done"
    assert said[-1].completion_tokens == 6
    with pytest.raises(ChatFault, match="this model reads 2048"):
        begin(run, ask("x" * 3000))
    assert supervisor.wait(60) == 0
    assert state_of(run) == "succeeded"
    with pytest.raises(ChatFault, match="has ended"):
        begin(run, ask())


def test_a_killed_engine_ends_the_answer_at_once(served: Any) -> None:
    run, supervisor = served(idle_seconds=60.0)
    answer(run, ask(max_tokens=1))
    question = ask(max_tokens=1024, temperature=1.0)
    begin(run, question)

    engine = engine_of(run)

    async def killed() -> Any:
        last = None
        async for last in words(run, question.request_id):
            if last.type == "token":
                engine.kill()
        return last

    last = asyncio.run(killed())
    assert (last.type, last.code) == ("refused", "engine_gone")
    assert supervisor.wait(60) == 0


def test_who_leaves_frees_the_only_place(served: Any) -> None:
    run, supervisor = served(idle_seconds=60.0, max_chats=1)
    answer(run, ask(max_tokens=1))
    question = ask(max_tokens=1024, seed=1)
    begin(run, question)

    async def leave() -> None:
        stream: Any = words(run, question.request_id)
        await anext(stream)
        await stream.aclose()

    asyncio.run(leave())
    assert answer(run, ask(max_tokens=2))[-1].type == "done"
    services.request_control(run, ControlIn(type="stop", checkpoint=False), make_actor())
    assert supervisor.wait(60) == 0


def test_the_policy_of_a_run_that_trains_is_asked_as_it_stands(launch: Launch, supervise: Any) -> None:  # noqa: F811
    run = launch(max_steps=100_000, save_steps=0)
    supervisor = supervise(run)
    until(lambda: state_of(run) == "running" and steps_of(run) > 2, 60)
    said = answer(run, ask("1+1=", max_tokens=3))
    assert said[-1].type == "done"
    services.request_control(run, ControlIn(type="stop", checkpoint=False), make_actor())
    assert supervisor.wait(60) == 0

"""/v1 asked by OpenAI's own client against a real server process's application."""

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest
import uvicorn
from django.test import Client

from runs.accounts.access import Role, Scope
from runs.playground.openai_shapes import CompletionIn, question
from runs.problems import Invalid
from tests.launches.builders import make_model
from tests.playground.conftest import Desk

pytestmark = pytest.mark.django_db(transaction=True)
MESSAGES: Any = [{"role": "user", "content": "2+2?"}]


@pytest.fixture
def server(desk: Desk) -> Iterator[str]:
    """The address of this process's application behind a real uvicorn."""
    from lodestar.asgi import application

    running = uvicorn.Server(uvicorn.Config(application, port=0, log_config=None, lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(running.serve()), daemon=True)
    thread.start()
    give_up = time.monotonic() + 60
    while not running.started:
        assert time.monotonic() < give_up
        time.sleep(0.01)
    yield f"http://127.0.0.1:{running.servers[0].sockets[0].getsockname()[1]}/v1"
    running.should_exit = True
    thread.join(20)


def client(desk: Desk, server: str, who: str = Role.EDITOR, **token: Any) -> openai.OpenAI:
    return openai.OpenAI(base_url=server, api_key=desk.token(who, **token), max_retries=0)


def test_a_completion_and_its_usage(desk: Desk, server: str) -> None:
    made = client(desk, server).chat.completions.create(model=desk.models[0].id, messages=MESSAGES, max_tokens=9, seed=3)
    (choice,) = made.choices
    assert (made.object, choice.message.content, choice.finish_reason) == ("chat.completion", "It is 4.", "stop")
    assert made.usage is not None
    assert (made.usage.prompt_tokens, made.usage.completion_tokens, made.usage.total_tokens) == (7, 3, 10)
    chat = desk.engines[0].heard("chat")[0]
    assert (chat["max_tokens"], chat["seed"], chat["temperature"]) == (9, 3, 1.0)


def test_a_streamed_completion_by_the_models_name(desk: Desk, server: str) -> None:
    stream = client(desk, server).chat.completions.create(
        model="After", messages=MESSAGES, stream=True, stream_options={"include_usage": True}, logprobs=True)
    chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "It is 4."
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 10
    logprobs = [chunk.choices[0].logprobs for chunk in chunks if chunk.choices and chunk.choices[0].logprobs]
    assert [entry.logprob for one in logprobs for entry in one.content or []] == [-0.5] * 3
    assert len({chunk.id for chunk in chunks}) == 1


def test_the_list_of_models_has_those_that_write(desk: Desk, server: str) -> None:
    make_model(desk.project, name="Judge", kind="reward")
    make_model(desk.project, name="Looked at", state="inspecting")
    assert {one.id for one in client(desk, server).models.list()} == {model.id for model in desk.models}
    assert client(desk, server).models.retrieve("Before").id == desk.models[0].id


def test_errors_have_openais_shape(desk: Desk, server: str) -> None:
    ours = client(desk, server)
    with pytest.raises(openai.NotFoundError, match="is not there") as missing:
        ours.chat.completions.create(model="gpt-5", messages=MESSAGES)
    assert (missing.value.code, missing.value.type) == ("model_not_found", "invalid_request_error")
    with pytest.raises(openai.BadRequestError, match="gives one choice") as two:
        ours.chat.completions.create(model="Before", messages=MESSAGES, n=2)
    assert two.value.param == "n"
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(base_url=server, api_key="lds_wrong", max_retries=0).models.list()
    desk.engines[0].refusal = {"code": "context_length", "message": "Too long.", "remedy": ""}
    with pytest.raises(openai.BadRequestError) as long:
        ours.chat.completions.create(model="Before", messages=MESSAGES)
    assert (long.value.code, long.value.param) == ("context_length_exceeded", "messages")
    desk.engines[0].refusal = {"code": "busy", "message": "Busy.", "remedy": ""}
    with pytest.raises(openai.RateLimitError):
        ours.chat.completions.create(model="Before", messages=MESSAGES, stream=True)


def test_an_engine_that_dies_is_an_error_also_in_the_middle_of_a_stream(desk: Desk, server: str) -> None:
    engine = desk.engines[0]
    engine.hold.clear()
    stream = client(desk, server).chat.completions.create(model="Before", messages=MESSAGES, stream=True)
    assert [next(stream).choices[0].delta.content for _ in range(2)] == ["", "It"]
    engine.die()
    with pytest.raises(openai.APIError, match="engine that holds the model has ended"):
        list(stream)


def test_strangers_viewers_and_reading_tokens_get_no_answer(desk: Desk, server: str) -> None:
    stranger = client(desk, server, "stranger")
    assert list(stranger.models.list()) == []
    with pytest.raises(openai.NotFoundError):
        stranger.chat.completions.create(model=desk.models[0].id, messages=MESSAGES)
    with pytest.raises(openai.PermissionDeniedError):
        client(desk, server, Role.VIEWER).chat.completions.create(model=desk.models[0].id, messages=MESSAGES)
    with pytest.raises(openai.PermissionDeniedError, match="may only read"):
        client(desk, server, scopes=[Scope.READ]).chat.completions.create(model=desk.models[0].id, messages=MESSAGES)
    assert Client().get("/v1/models").json()["error"]["code"] == "invalid_api_key"
    assert desk.engines[0].asked == []


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_stops_the_engine(desk: Desk, server: str, *, stream: bool) -> None:
    import httpx

    engine = desk.engines[0]
    engine.hold.clear()
    body = {"model": "Before", "messages": MESSAGES, "stream": stream}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{server}/chat/completions", json=body, headers=desk.headers(), timeout=3)
    give_up = time.monotonic() + 30
    while not engine.heard("chat_stop"):
        assert time.monotonic() < give_up
        time.sleep(0.02)


@pytest.mark.parametrize(("given", "field"), [
    ({"tools": [{"type": "function"}]}, "tools"), ({"frequency_penalty": 0.5}, "frequency_penalty"),
    ({"response_format": {"type": "json_object"}}, "response_format"), ({"top_logprobs": 3}, "top_logprobs"),
    ({"stop": ["a"] * 5}, "stop"), ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages"),
])
def test_what_is_not_offered_is_refused_by_its_name(given: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        question(CompletionIn.model_validate({"model": "m", "messages": MESSAGES} | given))
    assert refused.value.errors[0].field == field


def test_harmless_fields_and_parts_of_text_are_taken() -> None:
    parts = [{"role": "user", "content": [{"type": "text", "text": "2+"}, {"type": "text", "text": "2?"}]}]
    chat = question(CompletionIn.model_validate({
        "model": "m", "messages": parts, "presence_penalty": 0, "tools": [], "user": "x", "stop": "\n", "seed": -1}))
    assert (chat.messages[0].content, chat.stop, chat.seed) == ("2+2?", ["\n"], 2**63 - 1)

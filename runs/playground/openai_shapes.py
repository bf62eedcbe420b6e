"""The OpenAI shapes of chat completions and models: requests read, answers and errors written.

https://platform.openai.com/docs/api-reference/chat. What would change the answer and is not offered here (tools, several
choices, penalties, answers bound to a schema) is refused, never passed over; other unknown fields are ignored, as there.
"""

import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field

from runs.playground.relay import ChatFault, new_request_id
from runs.problems import FieldError, Invalid, Problem
from workers.contract.chat import ChatBegun, ChatDone, ChatRefused, ChatToken
from workers.contract.control import Chat

KIND_OF_ERROR = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
NOT_OFFERED = ("tools", "functions", "logit_bias", "audio", "frequency_penalty", "presence_penalty")
"""Fields that would change the answer unless they are empty or 0."""


class Part(Schema):
    """A piece of a message's content."""

    type: str
    text: str = ""


class CompletionMessage(Schema):
    model_config = ConfigDict(extra="ignore")
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[Part] | None = None
    name: str | None = None


class StreamOptions(Schema):
    include_usage: bool = False


class CompletionIn(Schema):
    """The body of POST /v1/chat/completions."""

    model_config = ConfigDict(extra="ignore")
    model: str = Field(min_length=1, max_length=200)
    messages: list[CompletionMessage] = Field(min_length=1, max_length=1000)
    stream: bool = False
    stream_options: StreamOptions | None = None
    max_tokens: int | None = Field(default=None, ge=1, le=131_072)
    max_completion_tokens: int | None = Field(default=None, ge=1, le=131_072)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    stop: str | list[str] | None = None
    n: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=20)
    seed: int | None = None
    response_format: dict[str, Any] | None = None
    tools: list[Any] | None = None
    functions: list[Any] | None = None
    logit_bias: dict[str, Any] | None = None
    audio: dict[str, Any] | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None


def question(body: CompletionIn) -> Chat:
    """What the engine is asked. Raises Invalid naming the field that cannot be met."""
    _check_offered(body)
    stop = [body.stop] if isinstance(body.stop, str) else body.stop or []
    if len(stop) > 4 or not all(0 < len(one) <= 200 for one in stop):
        raise _invalid("stop", "Give at most 4 stop texts of 1 to 200 characters.")
    return Chat.model_validate({
        "request_id": new_request_id(),
        "messages": [{"role": one.role, "content": _text(one), **({"name": one.name} if one.name else {})}
                     for one in body.messages],
        "max_tokens": body.max_completion_tokens or body.max_tokens,
        "temperature": 1.0 if body.temperature is None else body.temperature,
        "top_p": 1.0 if body.top_p is None else body.top_p,
        "stop": stop,
        "logprobs": bool(body.logprobs),
        "top_logprobs": body.top_logprobs or 0,
        "seed": None if body.seed is None else body.seed % 2**63,
    })


def _check_offered(body: CompletionIn) -> None:
    if body.n not in (None, 1):
        raise _invalid("n", "This server gives one choice. Leave n out, or ask several times.")
    for name in NOT_OFFERED:
        if getattr(body, name):
            raise _invalid(name, f"`{name}` is not offered by this server. Leave it out.")
    if (body.response_format or {}).get("type", "text") != "text":
        raise _invalid("response_format", "This server answers with text. Leave response_format out.")
    if body.top_logprobs and not body.logprobs:
        raise _invalid("top_logprobs", "top_logprobs needs logprobs: true.")


def _text(message: CompletionMessage) -> str:
    if not isinstance(message.content, list):
        return message.content or ""
    for part in message.content:
        if part.type != "text":
            raise _invalid("messages", f"Content of the kind {part.type} cannot be read. Send text.")
    return "".join(part.text for part in message.content)


def _invalid(field_name: str, message: str) -> Invalid:
    return Invalid(message, [FieldError(field_name, message)])


@dataclass
class Completion:
    """One answer on its way into the shape. `model` is what the caller named."""

    model: str
    begun: ChatBegun
    logprobs: bool
    created: int = field(default_factory=lambda: int(time.time()))

    @property
    def id(self) -> str:
        return f"chatcmpl-{self.begun.request_id.removeprefix('cht_')}"

    def whole(self, said: list[ChatToken], done: ChatDone) -> dict[str, Any]:
        """A `chat.completion`."""
        text = "".join(word.text for word in said) + done.text
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": text, "refusal": None},
            "logprobs": self._logprobs(said),
            "finish_reason": _reason(done),
        }
        return self._frame("chat.completion", [choice]) | {"usage": _usage(done)}

    async def chunks(self, words: AsyncIterator[ChatToken | ChatDone | ChatRefused], *, usage: bool) -> AsyncIterator[bytes]:
        """`chat.completion.chunk` events, the usage when asked for, and the closing mark."""
        try:
            yield self._chunk({"role": "assistant", "content": ""})
            async for word in words:
                if isinstance(word, ChatToken):
                    if word.text or self.logprobs:
                        yield self._chunk({"content": word.text}, said=[word])
                elif isinstance(word, ChatDone):
                    if word.text:
                        yield self._chunk({"content": word.text})
                    yield self._chunk({}, reason=_reason(word))
                    if usage:
                        yield _event(self._frame("chat.completion.chunk", []) | {"usage": _usage(word)})
                    yield b"data: [DONE]\n\n"
                else:
                    yield _event(error_body(ChatFault(word)))
        finally:
            await words.aclose()  # type: ignore[attr-defined]  # it is an async generator

    def _chunk(self, delta: dict[str, str], *, said: list[ChatToken] | None = None, reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": self._logprobs(said or []) if said else None, "finish_reason": reason}
        return _event(self._frame("chat.completion.chunk", [choice]))

    def _frame(self, kind: str, choices: list[Any]) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model, "choices": choices}

    def _logprobs(self, said: list[ChatToken]) -> dict[str, Any] | None:
        if not self.logprobs:
            return None
        content = [
            _token(word.text, word.logprob or 0.0) | {"top_logprobs": [_token(one.text, one.logprob) for one in word.top]}
            for word in said
        ]
        return {"content": content, "refusal": None}


def _reason(done: ChatDone) -> str:
    return "length" if done.finish_reason == "length" else "stop"


def _token(text: str, logprob: float) -> dict[str, Any]:
    return {"token": text, "logprob": logprob, "bytes": list(text.encode())}


def _usage(done: ChatDone) -> dict[str, int]:
    prompt, completion = done.prompt_tokens, done.completion_tokens
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _event(document: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(document).encode() + b"\n\n"


def error_status(problem: Problem) -> int:
    """OpenAI's status: what is wrong with a request is 400 there."""
    return 400 if problem.status == 422 else problem.status


def error_body(problem: Problem) -> dict[str, Any]:
    """A problem in OpenAI's shape of an error."""
    status = error_status(problem)
    kind = KIND_OF_ERROR.get(status, "server_error" if status >= 500 else "invalid_request_error")
    code = {"context_length": "context_length_exceeded", "not_found": "model_not_found", "not_signed_in": "invalid_api_key",
            "token_refused": "invalid_api_key"}.get(problem.code, problem.code)
    param = problem.errors[0].field if problem.errors else "messages" if problem.code == "context_length" else None
    return {"error": {"message": problem.detail, "type": kind, "param": param, "code": code}}

"""Chat: how a conversation reaches an engine that runs, and how its answer comes back, token by token.

    web process  --publish--> channel of the run --> supervisor --socket--> engine
    web process  <--pop------ list of the request <-- supervisor <--socket-- engine

On the socket each line is one JSON document: the engine reads `ChatAsk` (`control.Chat` and `control.ChatStop`) and
writes `ChatWord`. Nothing of a chat is an event: it leaves no trace in a run's log, and what is lost is asked again.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from workers.contract.control import Chat, ChatStop
from workers.contract.document import Document

SOCKET_VARIABLE = "LODESTAR_CHAT_FD"
"""Names to the engine the file descriptor of its end of the socket."""

Refusal = Literal["bad_request", "context_length", "busy", "no_template", "memory", "engine_gone", "engine"]


def asks_channel(run_id: str) -> str:
    """The Redis channel on which the supervisor of a run hears what is asked of its engine."""
    return f"lodestar:chat:{run_id}"


def words_list(request_id: str) -> str:
    """The Redis list to which the words of one answer are appended."""
    return f"lodestar:chat:words:{request_id}"


class TokenChoice(Document):
    """A token and its log-probability."""

    text: str
    logprob: float


class ChatBegun(Document):
    """The conversation was read and fits; its answer follows."""

    type: Literal["begun"] = "begun"
    request_id: str
    prompt_tokens: int = Field(ge=0)


class ChatToken(Document):
    """The next token. `text` is what it adds to the answer, empty while a character is not whole or may begin a stop text.

    `logprob` is that of softmax(logits/temperature) before any filter (at temperature 0: of softmax(logits)); `top` are
    the most likely tokens of the same distribution. Both only when asked for.
    """

    type: Literal["token"] = "token"
    request_id: str
    text: str
    logprob: float | None = None
    top: list[TokenChoice] = Field(default_factory=list)


class ChatDone(Document):
    """The answer's end: `stop` by an end token or a stop text, `length` by the limit, `cancelled` when asked to."""

    type: Literal["done"] = "done"
    request_id: str
    text: str = Field(default="", description="What was held back and belongs to the answer after all.")
    finish_reason: Literal["stop", "length", "cancelled"]
    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(ge=0)


class ChatRefused(Document):
    """No answer, or none any more: why, and what to do."""

    type: Literal["refused"] = "refused"
    request_id: str
    code: Refusal
    message: str
    remedy: str = ""


ChatWord = Annotated[ChatBegun | ChatToken | ChatDone | ChatRefused, Field(discriminator="type")]
CHAT_WORD: TypeAdapter[Any] = TypeAdapter(ChatWord)
CHAT_ASK: TypeAdapter[Any] = TypeAdapter(Annotated[Chat | ChatStop, Field(discriminator="type")])

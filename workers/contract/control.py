"""Control: one JSON line each to the engine's standard input, applied at a step boundary, answered by events."""

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from workers.contract.document import Document
from workers.contract.records import Message


class Pause(Document):
    type: Literal["pause"] = "pause"


class Resume(Document):
    type: Literal["resume"] = "resume"


class Stop(Document):
    type: Literal["stop"] = "stop"
    checkpoint: bool = True


class SaveCheckpoint(Document):
    type: Literal["checkpoint"] = "checkpoint"


class SetField(Document):
    """Sets a field that the method's catalogue entry lists under `live_fields`; a `change` event answers."""

    type: Literal["set"] = "set"
    field: str
    value: float
    by: str = ""


class SampleNow(Document):
    """Write the next step's rollouts whatever the rollout interval says."""

    type: Literal["sample"] = "sample"


class Chat(Document):
    """A conversation that the engine answers, token by token (see `contract.chat`).

    `max_tokens` None: as many as fit and the engine allows. An answer ends before any text of `stop`. With `logprobs`
    each token tells its own log-probability and those of the `top_logprobs` most likely. `seed` None: a new one.
    """

    type: Literal["chat"] = "chat"
    request_id: str
    messages: list[Message] = Field(min_length=1)
    max_tokens: int | None = Field(default=None, ge=1)
    temperature: float = Field(default=1.0, ge=0, le=100, allow_inf_nan=False)
    top_p: float = Field(default=1.0, gt=0, le=1)
    stop: list[Annotated[str, Field(min_length=1, max_length=200)]] = Field(default_factory=list, max_length=4)
    logprobs: bool = False
    top_logprobs: int = Field(default=0, ge=0, le=20)
    seed: int | None = Field(default=None, ge=0, le=2**63 - 1)


class ChatStop(Document):
    """Nobody waits for this answer any more."""

    type: Literal["chat_stop"] = "chat_stop"
    request_id: str


Control = Annotated[
    Pause | Resume | Stop | SaveCheckpoint | SetField | SampleNow | Chat | ChatStop, Field(discriminator="type")
]
CONTROL: TypeAdapter[Any] = TypeAdapter(Control)

"""Control: one JSON line each to the engine's standard input, applied at a step boundary, answered by events."""

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from workers.contract.document import Document


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
    type: Literal["chat"] = "chat"
    request_id: str
    messages: list[dict[str, Any]]
    max_tokens: int = Field(default=256, ge=1)
    temperature: float = Field(default=1.0, ge=0)


Control = Annotated[Pause | Resume | Stop | SaveCheckpoint | SetField | SampleNow | Chat, Field(discriminator="type")]
CONTROL: TypeAdapter[Any] = TypeAdapter(Control)

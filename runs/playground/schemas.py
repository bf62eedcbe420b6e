"""What the API takes and says about models held ready, questions, answers and votes."""

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field

from runs.launches.schemas import StateName
from runs.playground.models import Exchange, Serving
from workers.contract.records import Message

Verdict = Literal["a", "b", "tie", "bad"]
Side = Literal["a", "b"]
LONGEST_CONVERSATION = 200


class Body(Schema):
    """A request's body: a misspelt key is refused, not ignored."""

    model_config = ConfigDict(extra="forbid")


class ServingIn(Body):
    model_id: str = Field(max_length=40, description='"mdl_…" or "ckp_…".')
    gpus: int = Field(default=0, ge=0, le=8)


class ServingOut(Schema):
    """A model held ready by a run. `ready` once its engine answers."""

    id: str
    model_id: str
    name: str
    run_id: str
    state: StateName
    doing: str
    waiting_for: str
    ready: bool
    used_at: datetime
    created_at: datetime

    @staticmethod
    def resolve_state(serving: Serving) -> str:
        return serving.run.state

    @staticmethod
    def resolve_doing(serving: Serving) -> str:
        return serving.run.doing

    @staticmethod
    def resolve_waiting_for(serving: Serving) -> str:
        return serving.run.waiting_for

    @staticmethod
    def resolve_ready(serving: Serving) -> bool:
        return serving.run.state == "running" and serving.run.doing == READY


READY = "ready for questions"
"""What the engine's serving task says it is doing once the model is loaded."""


class ChatSettings(Body):
    """How an answer is drawn; `max_tokens` None: as many as fit and the model's run allows."""

    temperature: float = Field(default=1.0, ge=0, le=2, allow_inf_nan=False)
    top_p: float = Field(default=1.0, gt=0, le=1)
    max_tokens: int | None = Field(default=256, ge=1, le=131_072)
    stop: list[Annotated[str, Field(min_length=1, max_length=200)]] = Field(default_factory=list, max_length=4)
    seed: int | None = Field(default=None, ge=0, le=2**53)


class ExchangeIn(Body):
    """A question to one model, or to two side by side; `blind` hides which is which until the vote."""

    models: list[str] = Field(min_length=1, max_length=2)
    messages: list[Message] = Field(min_length=1, max_length=LONGEST_CONVERSATION)
    settings: ChatSettings = ChatSettings()
    blind: bool = False
    conversation_id: str = Field(default="", max_length=40, pattern=r"^[\w-]*$")


class SideOut(Schema):
    """Both empty while a blind exchange has no vote."""

    model_id: str = ""
    name: str = ""


class ExchangeAnswer(Schema):
    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    first_token_seconds: float | None
    seconds: float


class ExchangeOut(Schema):
    id: str
    conversation_id: str
    messages: list[Message]
    settings: ChatSettings
    sides: dict[Side, SideOut]
    answers: dict[Side, ExchangeAnswer]
    blind: bool
    verdict: Literal["", "a", "b", "tie", "bad"]
    voted_at: datetime | None
    created_at: datetime

    @staticmethod
    def resolve_sides(exchange: Exchange) -> dict[str, Any]:
        hidden = exchange.blind and not exchange.verdict
        return {side: {} if hidden else facts for side, facts in exchange.sides.items()}


class AnswerIn(Body):
    side: Side = "a"
    logprobs: bool = False


class VoteIn(Body):
    verdict: Verdict


class VoteTally(Schema):
    """Votes between two models of a project, blind ones and open ones: how often each was preferred."""

    first_id: str
    first_name: str
    second_id: str
    second_name: str
    first_wins: int
    second_wins: int
    ties: int
    both_bad: int
    blind: int


class VotesOut(Schema):
    """`rows` is how many votes make a preference row: one side preferred, and two different answers."""

    votes: int
    rows: int
    tallies: list[VoteTally]


class CollectIn(Body):
    """Where the votes go: a new version of a data set, or of a new one."""

    dataset_id: str | None = Field(default=None, max_length=40)
    name: str = Field(default="Playground votes", min_length=1, max_length=120)


class CollectOut(Schema):
    dataset_id: str
    version_id: str
    number: int
    rows: int
    job_id: str

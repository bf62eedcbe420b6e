"""The playground over REST; answers come as server-sent events, one word of the engine each."""

import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, StreamingHttpResponse
from ninja import Query, Router, Status

from runs.accounts.access import ApiRequest, Role, actor_of, get_visible, project_for
from runs.launches.models import Run
from runs.paging import Page, paginate
from runs.playground import relay, selectors, services
from runs.playground.models import Exchange, Serving
from runs.playground.schemas import (
    AnswerIn,
    CollectIn,
    CollectOut,
    ExchangeIn,
    ExchangeOut,
    ServingIn,
    ServingOut,
    VoteIn,
    VotesOut,
)
from runs.problems import Invalid, NotFound, Problem
from workers.contract.chat import ChatBegun, ChatDone, ChatRefused, ChatToken
from workers.contract.document import Document

router = Router(tags=["playground"])


@router.get("/projects/{project_id}/servings", response=list[ServingOut], operation_id="list_servings")
def list_servings(request: ApiRequest, project_id: str) -> list[Serving]:
    """Models that are held ready for chats, or soon will be."""
    return selectors.serving_list(project_for(request, project_id))


@router.post("/projects/{project_id}/servings", response={201: ServingOut}, operation_id="start_serving")
def start_serving(request: ApiRequest, project_id: str, body: ServingIn) -> Status[Serving]:
    """Holds a model or checkpoint ready; the run that does so already is answered again."""
    project = project_for(request, project_id, Role.EDITOR)
    return Status(201, services.start_serving(project, body.model_id, request.auth, gpus=body.gpus))


@router.delete("/servings/{serving_id}", response={204: None}, operation_id="stop_serving")
def stop_serving(request: ApiRequest, serving_id: str) -> Status[None]:
    services.stop_serving(get_visible(request, Serving, serving_id, at_least=Role.EDITOR), request.auth)
    return Status(204, None)


@router.get("/projects/{project_id}/exchanges", response=Page[ExchangeOut], operation_id="list_exchanges")
def list_exchanges(
    request: ApiRequest,
    project_id: str,
    *,
    conversation_id: str = "",
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> dict[str, Any]:
    """What you asked, the newest first; nobody sees what others asked."""
    project = project_for(request, project_id, annotators=True)
    rows = selectors.exchange_list(project, request.auth.user, conversation_id=conversation_id)
    items, following = paginate(rows, cursor, limit)
    return {"items": items, "next": following}


@router.post("/projects/{project_id}/exchanges", response={201: ExchangeOut}, operation_id="open_exchange")
def open_exchange(request: ApiRequest, project_id: str, body: ExchangeIn) -> Status[Exchange]:
    project = project_for(request, project_id, Role.ANNOTATOR)
    return Status(201, services.open_exchange(project, body, request.auth))


@router.delete(
    "/projects/{project_id}/conversations/{conversation_id}", response={204: None}, operation_id="forget_conversation"
)
def forget_conversation(request: ApiRequest, project_id: str, conversation_id: str) -> Status[None]:
    project = project_for(request, project_id, Role.ANNOTATOR)
    if not services.forget_conversation(project, conversation_id, request.auth):
        raise NotFound
    return Status(204, None)


@router.get("/exchanges/{exchange_id}", response=ExchangeOut, operation_id="get_exchange")
def get_exchange(request: ApiRequest, exchange_id: str) -> Exchange:
    return own_exchange(request, exchange_id)


@router.post("/exchanges/{exchange_id}/answers", response={200: None}, operation_id="answer_exchange")
def answer_exchange(request: ApiRequest, exchange_id: str, body: AnswerIn) -> StreamingHttpResponse:
    """One side's answer as `text/event-stream`: each event's data is a word (begun, token, done, refused).

    It takes no Idempotency-Key: a side answers once, and an answer on its way cannot be repeated.
    """
    if "Idempotency-Key" in request.headers:
        raise Invalid("A stream cannot be repeated. Leave the Idempotency-Key out; a side answers only once.")
    exchange = own_exchange(request, exchange_id, Role.ANNOTATOR)
    ask = services.question(exchange, body)
    services.count_question(request.auth)
    try:
        run = services.run_to_ask(exchange.project, exchange.sides[body.side]["model_id"], request.auth)
        began = time.monotonic()
        begun = relay.begin(run, ask)
    except Problem as problem:
        raise services.problem_without_names(exchange, problem) from problem
    return event_stream(_told(run, exchange, body.side, begun, began))


@router.post("/exchanges/{exchange_id}/vote", response=ExchangeOut, operation_id="vote")
def vote(request: ApiRequest, exchange_id: str, body: VoteIn) -> Exchange:
    """The verdict on two answers; the names of a blind comparison are told from then on."""
    return services.vote(own_exchange(request, exchange_id, Role.ANNOTATOR), body.verdict, request.auth)


@router.get("/projects/{project_id}/votes", response=VotesOut, operation_id="vote_summary")
def vote_summary(request: ApiRequest, project_id: str) -> VotesOut:
    return selectors.vote_summary(project_for(request, project_id))


@router.post("/projects/{project_id}/votes/collect", response={201: CollectOut}, operation_id="collect_votes")
def collect_votes(request: ApiRequest, project_id: str, body: CollectIn) -> Status[dict[str, Any]]:
    """The votes so far as a version of a data set of preferences: who, when, between which models."""
    project = project_for(request, project_id, Role.EDITOR)
    version, job, rows = services.collect_votes(project, body, request.auth)
    ids = {"dataset_id": version.dataset_id, "version_id": version.id, "job_id": job.id}
    return Status(201, ids | {"number": version.number, "rows": rows})


def own_exchange(request: HttpRequest, exchange_id: str, at_least: Role = Role.VIEWER) -> Exchange:
    """Raises NotFound for another person's."""
    exchange = get_visible(request, Exchange, exchange_id, at_least=at_least, annotators=True)
    if exchange.user_id != actor_of(request).user.id:
        raise NotFound
    return exchange


def event_stream(events: AsyncIterator[bytes]) -> StreamingHttpResponse:
    """Server-sent events that no proxy may hold back."""
    headers = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}
    return StreamingHttpResponse(events, content_type="text/event-stream; charset=utf-8", headers=headers)


async def _told(run: Run, exchange: Exchange, side: str, begun: ChatBegun, began: float) -> AsyncIterator[bytes]:
    """The words as events; what was said is kept however it ends."""
    text, tokens, first, reason = "", 0, None, "cancelled"
    stream = relay.words(run, begun.request_id)
    try:
        yield _event(begun)
        async for word in stream:
            if isinstance(word, ChatToken):
                text, tokens = text + word.text, tokens + 1
                first = time.monotonic() - began if first is None else first
            elif isinstance(word, ChatDone):
                text, tokens, reason = text + word.text, word.completion_tokens, word.finish_reason
            elif isinstance(word, ChatRefused):
                reason = word.code
                yield _event(word.model_copy(update={"message": services.without_names(exchange, word.message)}))
                continue
            yield _event(word)
    finally:
        await stream.aclose()  # type: ignore[attr-defined]  # it is an async generator
        answer = {
            "text": text,
            "finish_reason": reason,
            "prompt_tokens": begun.prompt_tokens,
            "completion_tokens": tokens,
            "first_token_seconds": first,
            "seconds": time.monotonic() - began,
        }
        if tokens or reason in ("stop", "length"):
            await sync_to_async(services.keep_answer)(exchange.id, side, answer)


def _event(word: Document) -> bytes:
    return b"data: " + word.model_dump_json(exclude_none=True).encode() + b"\n\n"

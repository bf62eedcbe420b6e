"""The web side of a chat: a question published to a run's supervisor, its words taken from the request's list.

See `workers.contract.chat`. Redis holds words for two minutes at most; nothing of it is kept.
"""

import time
from collections.abc import AsyncIterator
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db.models.functions import Now
from redis import Redis
from redis import asyncio as redis_async
from redis.exceptions import RedisError

from runs.ids import new_id
from runs.launches.models import Run
from runs.launches.states import FINAL, HELD
from runs.problems import Problem
from workers.contract.chat import CHAT_WORD, ChatBegun, ChatDone, ChatRefused, ChatToken, Refusal, asks_channel, words_list
from workers.contract.control import Chat, ChatStop

LOOK_SECONDS = 1.0
"""After so long without a word the run is looked at: an engine may be gone, and its supervisor with it."""
SILENCE_SECONDS = 60.0
READY_SECONDS = 120.0
"""A model is loaded, or a training run comes to the end of its step, within this."""
ASK_AGAIN_SECONDS = 0.1
WORDS_AT_ONCE = 200
STATUS: dict[Refusal, int] = {
    "bad_request": 422, "context_length": 422, "no_template": 422, "busy": 429, "memory": 503, "engine_gone": 503, "engine": 504,
}


class ChatFault(Problem):
    """A chat that is not answered; `code` is one of `contract.chat.Refusal`."""

    def __init__(self, refused: ChatRefused) -> None:
        detail = f"{refused.message} {refused.remedy}".strip()
        super().__init__(status=STATUS[refused.code], code=refused.code, detail=detail)


def new_request_id() -> str:
    return new_id("cht")


def begin(run: Run, ask: Chat, *, patience: float = READY_SECONDS) -> ChatBegun:
    """Puts the question and waits until the engine has read it. Raises ChatFault; the question is then taken back."""
    give_up = time.monotonic() + patience
    try:
        with Redis.from_url(settings.REDIS_URL) as redis:
            try:
                attempt = _put(redis, run, ask, give_up)
                return _first_word(redis, run, attempt, ask.request_id, give_up)
            except ChatFault:
                redis.publish(asks_channel(run.id), _stop(ask.request_id))
                raise
    except RedisError as error:
        raise _fault(ask.request_id, "engine", "The server cannot reach its Redis.", "Ask again in a moment.") from error


async def words(run: Run, request_id: str) -> AsyncIterator[ChatToken | ChatDone | ChatRefused]:
    """The words of an answer that has begun, the last one a `ChatDone` or a `ChatRefused`.

    Left before its end (the client has gone), it tells the engine to stop.
    """
    key = words_list(request_id)
    ended = False
    heard = time.monotonic()
    async with redis_async.Redis.from_url(settings.REDIS_URL) as redis:
        try:
            while not ended:
                found = await redis.blpop([key], timeout=LOOK_SECONDS)
                if found is None:
                    gone = await sync_to_async(_why_gone)(run, request_id, run.attempt, heard + SILENCE_SECONDS)
                    if gone is not None:
                        ended = True
                        yield gone
                    continue
                heard = time.monotonic()
                for line in [found[1], *(await redis.lpop(key, WORDS_AT_ONCE) or [])]:
                    word = CHAT_WORD.validate_json(line)
                    ended = ended or not isinstance(word, ChatToken)
                    yield word
        except RedisError:
            ended = True
            yield ChatRefused(request_id=request_id, code="engine", message="The server lost its Redis during the answer.",
                              remedy="Ask again in a moment.")
        finally:
            if not ended:
                await redis.publish(asks_channel(run.id), _stop(request_id))


def stop(run_id: str, request_id: str) -> None:
    """Nobody waits for this answer any more."""
    with Redis.from_url(settings.REDIS_URL) as redis:
        redis.publish(asks_channel(run_id), _stop(request_id))


def _put(redis: "Redis", run: Run, ask: Chat, give_up: float) -> int:
    """Publishes until a supervisor hears it; answers the attempt that did."""
    message = ask.model_dump_json()
    while not redis.publish(asks_channel(run.id), message):
        gone = _why_gone(run, ask.request_id, None, give_up)
        if gone is not None:
            raise ChatFault(gone)
        time.sleep(ASK_AGAIN_SECONDS)
    run.refresh_from_db(fields=["attempt"])
    return run.attempt


def _first_word(redis: "Redis", run: Run, attempt: int, request_id: str, give_up: float) -> ChatBegun:
    while True:
        found: Any = redis.blpop([words_list(request_id)], timeout=LOOK_SECONDS)
        if found is None:
            gone = _why_gone(run, request_id, attempt, give_up)
            if gone is not None:
                raise ChatFault(gone)
            continue
        word = CHAT_WORD.validate_json(found[1])
        if isinstance(word, ChatRefused):
            raise ChatFault(word)
        if isinstance(word, ChatBegun):
            return word


def _why_gone(run: Run, request_id: str, attempt: int | None, give_up: float) -> ChatRefused | None:
    """Why no word will come: the run has ended, the attempt that was asked lost it, it took too long. None while one may.

    `attempt` None: nobody has heard the question yet, and whoever takes the run next will.
    """
    now = Run.objects.filter(id=run.id).values("state", "attempt", "waiting_for", "failure").get()
    waiting = attempt is None
    held = Run.objects.filter(id=run.id, state__in=HELD, lease_until__gte=Now()).exists() and now["attempt"] == attempt
    if now["state"] in FINAL or not (waiting or held):
        why = (now["failure"] or {}).get("message", "")
        said = f"The run that holds the model has ended ({now['state']}). {why}".strip()
        return _refused(request_id, "engine_gone", said, "Start the model again.")
    if time.monotonic() > give_up:
        waits = f" It waits for {now['waiting_for']}." if waiting and now["waiting_for"] else ""
        return _refused(request_id, "engine", f"The model did not answer in time.{waits}", "Look at its run, then ask again.")
    return None


def _stop(request_id: str) -> str:
    return ChatStop(request_id=request_id).model_dump_json()


def _refused(request_id: str, code: Refusal, message: str, remedy: str) -> ChatRefused:
    return ChatRefused(request_id=request_id, code=code, message=message, remedy=remedy)


def _fault(request_id: str, code: Refusal, message: str, remedy: str) -> ChatFault:
    return ChatFault(_refused(request_id, code, message, remedy))

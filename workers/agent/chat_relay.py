"""Passes chats between the web side and the engine of one run: asks from a Redis channel, words to Redis lists.

Two threads of the supervisor and a socket pair. What is lost here (a Redis that restarts, a supervisor that dies) is
asked again by whoever waits; the run, its events and its lease know nothing of it.
"""

import contextlib
import socket
import threading
from collections import defaultdict
from collections.abc import Iterable

import orjson
import structlog
from django.conf import settings
from pydantic import ValidationError
from redis import Redis
from redis.exceptions import RedisError

from workers.contract.chat import CHAT_ASK, ChatRefused, asks_channel, words_list
from workers.contract.control import Chat

log = structlog.get_logger(__name__)

WORDS_SECONDS = 120
"""How long words wait for whoever asked; then nobody does any more."""
HEAR_SECONDS = 0.5
MOST_OPEN = 256
"""Beyond what any engine answers at once; a flood stops here."""


class ChatRelay:
    """`engine_end` goes to the engine, whose start closes it here; `stop` refuses what is still unanswered."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._line, self.engine_end = socket.socketpair()
        self._redis = Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2)
        self._open: set[str] = set()
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._gone = False

    def start(self) -> None:
        """Call when the engine has its end of the line: from then on, its end of the line is the engine's end."""
        self.engine_end.close()
        for work, name in ((self._pass_asks, "chat-asks"), (self._pass_words, "chat-words")):
            threading.Thread(target=work, name=name, daemon=True).start()

    def stop(self) -> None:
        self._done.set()
        with contextlib.suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)
        self.engine_end.close()
        self._refuse_all()

    def _pass_asks(self) -> None:
        while not self._done.is_set():
            try:
                self._hear()
            except RedisError as error:
                log.warning("chat_relay_waits_for_redis", run=self._run_id, error=str(error))
                self._done.wait(HEAR_SECONDS)

    def _hear(self) -> None:
        """Raises RedisError when the connection is lost; the channel is then subscribed to again."""
        with self._redis.pubsub(ignore_subscribe_messages=True) as channel:  # type: ignore[no-untyped-call]
            channel.subscribe(asks_channel(self._run_id))
            while not self._done.is_set():
                message = channel.get_message(timeout=HEAR_SECONDS)
                if message is not None:
                    self._pass(message["data"])

    def _pass(self, data: bytes) -> None:
        try:
            ask = CHAT_ASK.validate_json(data)
        except ValidationError as error:
            log.warning("chat_not_understood", run=self._run_id, error=error.errors()[0]["msg"])
            return
        if isinstance(ask, Chat):
            with self._lock:
                full = len(self._open) >= MOST_OPEN
                if not full:
                    self._open.add(ask.request_id)
            if full or self._gone:
                self._refuse([ask.request_id], *(("busy", "Too many questions wait.") if full else ENGINE_GONE))
                return
        try:
            self._line.sendall(ask.model_dump_json().encode() + b"\n")
        except OSError:
            self._refuse_all()

    def _pass_words(self) -> None:
        rest = b""
        while True:
            try:
                data = self._line.recv(65536)
            except OSError:
                data = b""
            if not data:
                break
            *lines, rest = (rest + data).split(b"\n")
            self._tell(lines)
        self._gone = True
        self._refuse_all()

    def _tell(self, lines: Iterable[bytes]) -> None:
        """Appends each word to the list of its request. Without Redis it is lost, and whoever waits gives up in time."""
        words: dict[str, list[bytes]] = defaultdict(list)
        for line in lines:
            said = orjson.loads(line)
            words[said["request_id"]].append(line)
            if said["type"] in ("done", "refused"):
                with self._lock:
                    self._open.discard(said["request_id"])
        try:
            with self._redis.pipeline(transaction=False) as pipe:
                for request_id, told in words.items():
                    pipe.rpush(words_list(request_id), *told)
                    pipe.expire(words_list(request_id), WORDS_SECONDS)
                pipe.execute()
        except RedisError as error:
            log.warning("chat_words_lost", run=self._run_id, error=str(error))

    def _refuse_all(self) -> None:
        with self._lock:
            waiting = list(self._open)
        self._refuse(waiting, *ENGINE_GONE)

    def _refuse(self, requests: list[str], code: str, message: str) -> None:
        refusals = [ChatRefused.model_validate(
            {"request_id": one, "code": code, "message": message, "remedy": "Ask again in a moment."}) for one in requests]
        if refusals:
            self._tell([refusal.model_dump_json().encode() for refusal in refusals])


ENGINE_GONE = ("engine_gone", "The engine that holds the model has ended.")

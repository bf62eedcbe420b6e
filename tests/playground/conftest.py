"""A run whose engine is a thread of the test, behind the real relay: what it says is what the test scripts."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from runs.accounts.access import Actor, Role
from runs.accounts.models import Membership, Project, User
from runs.accounts.secrets import create_token
from runs.launches.models import Run
from runs.playground.models import Serving
from tests.launches.builders import make_model
from workers.agent.chat_relay import ChatRelay
from workers.contract.chat import ChatBegun, ChatDone, ChatRefused, ChatToken
from workers.contract.control import Chat


@pytest.fixture(autouse=True)
def redis_at_hand(settings: Any, redis_server: Any) -> None:
    settings.REDIS_URL = redis_server.url
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": redis_server.url}}


class Engine:
    """Answers each question with the words of `script`, one token a word; `asked` are the questions and stops it heard."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.script: Callable[[Chat], list[str]] = lambda chat: ["It", " is", " 4."]
        self.refusal: dict[str, str] | None = None
        self.fault = ""
        self.hold = threading.Event()
        self.hold.set()
        self.asked: list[dict[str, Any]] = []
        self.relay = ChatRelay(run.id)
        self._line = self.relay.engine_end.dup()
        self.relay.start()
        threading.Thread(target=self._answer, daemon=True).start()

    def heard(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.asked if one["type"] == kind]

    def die(self) -> None:
        self._line.shutdown(2)
        self._line.close()

    def _answer(self) -> None:
        with self._line.makefile("rb") as lines:
            for line in lines:
                self.asked.append(json.loads(line))
                if self.asked[-1]["type"] == "chat":
                    threading.Thread(target=self._say, args=(Chat.model_validate(self.asked[-1]),), daemon=True).start()

    def _say(self, chat: Chat) -> None:
        if self.refusal:
            self._tell(ChatRefused.model_validate({"request_id": chat.request_id, **self.refusal}))
            return
        words = self.script(chat)
        self._tell(ChatBegun(request_id=chat.request_id, prompt_tokens=7))
        for place, word in enumerate(words):
            self._tell(ChatToken(request_id=chat.request_id, text=word, logprob=-0.5 if chat.logprobs else None))
            if place == 0:
                self.hold.wait(20)
        if self.fault:
            self._tell(ChatRefused(request_id=chat.request_id, code="engine", message=self.fault))
            return
        self._tell(ChatDone(request_id=chat.request_id, finish_reason="stop", prompt_tokens=7, completion_tokens=len(words)))

    def _tell(self, word: Any) -> None:
        try:
            self._line.sendall(word.model_dump_json().encode() + b"\n")
        except OSError:
            return


class Desk:
    """A project with two models that are held ready, and people in each role."""

    def __init__(self) -> None:
        self.project = Project.objects.create(name="Sums")
        self.models = [make_model(self.project, name=name) for name in ("Before", "After")]
        self.engines = [self._serve(model.id, model.name) for model in self.models]

    def token(self, who: str = Role.EDITOR, **given: Any) -> str:
        user, made = User.objects.get_or_create(email=f"{who}@example.org", defaults={"name": who})
        if made and who != "stranger":
            Membership.objects.create(project=self.project, user=user, role=Role(who))
        return create_token(Actor(user), name="test", **given)[1]

    def headers(self, who: str = Role.EDITOR) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(who)}"}

    def _serve(self, model_id: str, name: str) -> Engine:
        run = Run.objects.create(project=self.project, name=name, kind="serve", method="serve-chat", state="running", attempt=1,
                                 owner="wrk_test", doing="ready for questions")
        Run.objects.filter(id=run.id).update(lease_until=Now() + timedelta(minutes=5))
        Serving.objects.create(project=self.project, model_id=model_id, name=name, run=run)
        return Engine(run)


@pytest.fixture
def desk(transactional_db: None) -> Iterator[Desk]:
    made = Desk()
    yield made
    for engine in made.engines:
        engine.hold.set()
        engine.relay.stop()

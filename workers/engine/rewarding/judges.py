"""Judges: language models that are asked for an opinion. An endpoint of OpenAI's shape, or a model of the library.

Both have `ask(conversations) -> list[Said]`, one for each conversation, in order, and `close()`. What is judged is data:
whoever writes the questions sets it between marks that it cannot know (`marked`).
"""

import hashlib
import json
import math
import re
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch

from workers import outbound
from workers.contract.records import Message
from workers.contract.run_spec import ModelRef
from workers.contract.text import storable_text
from workers.engine.data.rendering import prompt_ids, text_of
from workers.engine.faults import ConfigFault, RewardFault
from workers.engine.modeling.loading import declared_context, load_tokenizer
from workers.engine.modeling.models import Model, frozen
from workers.engine.sampler.ends import end_ids_of
from workers.engine.sampler.grouped import generate

RETRIED = (408, 409, 425, 429)
LONGEST_WAIT_SECONDS = 30.0
NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d{1,3})?")
THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)


@dataclass(frozen=True)
class Said:
    """What a judge said: its text, or None and why there is none."""

    text: str | None
    why: str = ""


class Judge(Protocol):
    def ask(self, conversations: Sequence[list[Message]]) -> list[Said]: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Manner:
    """How an endpoint is asked. `schema` asks for JSON of that schema; `backoff_seconds` doubles with each try."""

    max_tokens: int = 512
    timeout_seconds: float = 60.0
    retries: int = 3
    concurrency: int = 8
    schema: dict[str, Any] | None = None
    backoff_seconds: float = 0.5


class Endpoint:
    """`POST <base_url>/chat/completions`. Raises ConfigFault for an address or a key that may not be used."""

    def __init__(self, base_url: str, model: str, *, key: str = "", manner: Manner | None = None) -> None:
        self.model, self.manner = model, manner or Manner()
        try:
            self.target = outbound.target_of(base_url.rstrip("/") + "/chat/completions", outbound.listed_hosts())
            self._secret = outbound.key_of(key, self.target) if key else ""
            outbound.addresses_of(self.target)
        except outbound.Refused as refused:
            raise ConfigFault(str(refused), "Correct the judge, or ask the operator of the workers.") from refused
        self._threads = ThreadPoolExecutor(self.manner.concurrency, thread_name_prefix="judge")

    def ask(self, conversations: Sequence[list[Message]]) -> list[Said]:
        """Raises RewardFault where the endpoint refuses the question itself (a wrong key, model or setting)."""
        return list(self._threads.map(self._ask, conversations))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _ask(self, messages: list[Message]) -> Said:
        why = ""
        for attempt in range(self.manner.retries + 1):
            try:
                answer = self._post(messages)
            except outbound.Silent as silent:
                why, wait = f"{self.target.host} {silent}", None
            else:
                if answer.status == 200:
                    return self._read(answer.body)
                why, wait = f"{self.target.host} answered {answer.status}", answer.retry_after
                if answer.status < 500 and answer.status not in RETRIED:
                    raise RewardFault(f"The judge refused the question: {why}: {self._shown(answer.body)}",
                                      "Check the judge's address, model and key.")
            if attempt < self.manner.retries:
                time.sleep(min(LONGEST_WAIT_SECONDS, self.manner.backoff_seconds * 2**attempt if wait is None else wait))
        return Said(None, f"{why}, {self.manner.retries + 1} times over")

    def _post(self, messages: list[Message]) -> outbound.Answer:
        body: dict[str, Any] = {"model": self.model, "temperature": 0, "max_tokens": self.manner.max_tokens,
                                "messages": [message.model_dump(include={"role", "content"}) for message in messages]}
        if self.manner.schema is not None:
            body["response_format"] = {"type": "json_schema", "json_schema": {
                "name": "judgment", "strict": True, "schema": self.manner.schema}}
        headers = {"Authorization": f"Bearer {self._secret}"} if self._secret else {}
        try:
            return outbound.post_json(self.target, body, headers=headers, timeout_seconds=self.manner.timeout_seconds)
        except outbound.Refused as refused:
            raise RewardFault(str(refused), "Ask the operator of the workers.") from refused

    def _read(self, body: bytes) -> Said:
        try:
            text = json.loads(body)["choices"][0]["message"]["content"]
        except (ValueError, LookupError, TypeError, RecursionError):
            return Said(None, f"{self.target.host} answered something that is no chat completion: {self._shown(body)}")
        return Said(storable_text(text)) if isinstance(text, str) else Said(None, f"{self.target.host} answered no text")

    def _shown(self, body: bytes) -> str:
        """The start of an answer for a person; a server may repeat the key in it."""
        text = body[:2000].decode("utf-8", "replace")
        return quoted(text.replace(self._secret, "…") if self._secret else text)


class LocalJudge:
    """A model of the library, which always takes its likeliest token. What does not fit its context is not answered."""

    def __init__(self, ref: ModelRef, device: torch.device, *, max_tokens: int = 512, rows: int = 32) -> None:
        self.tokenizer = load_tokenizer(ref.path)
        self.model: Model | None = frozen(ref, device)
        self.context, self.max_tokens, self.rows = declared_context(ref.path), max_tokens, rows
        self.ends = end_ids_of(self.tokenizer, self.model.module)

    def ask(self, conversations: Sequence[list[Message]]) -> list[Said]:
        assert self.model is not None
        prompts = [self._ids(messages) for messages in conversations]
        fitting = [index for index, ids in enumerate(prompts) if len(ids) + self.max_tokens <= self.context]
        said = [Said(None, f"the question has {len(ids)} tokens and the judge's context {self.context}") for ids in prompts]
        if not fitting:
            return said
        written = generate(self.model, [torch.tensor(prompts[index]) for index in fitting], count=1,
                           max_new_tokens=self.max_tokens, temperature=0.0, end_ids=self.ends, max_rows=self.rows)
        texts = self.tokenizer.batch_decode([one.completion_ids.tolist() for one in written], skip_special_tokens=True)
        for index, text in zip(fitting, texts, strict=True):
            said[index] = Said(text)
        return said

    def close(self) -> None:
        self.model = None

    def _ids(self, messages: list[Message]) -> list[int]:
        plain = self.tokenizer.chat_template is None
        return prompt_ids(self.tokenizer, f"{text_of(messages)}\nassistant:" if plain else messages)


def marked(seed: int, *parts: str) -> str:
    """A mark to set around text that is judged: the same for the same text and seed, and unknown to who wrote the text."""
    hashed = hashlib.blake2b(key=seed.to_bytes(8, "big", signed=True), digest_size=8)
    for part in parts:
        hashed.update(len(part).to_bytes(8, "big") + part.encode("utf-8", "surrogatepass"))
    return f"<<{hashed.hexdigest()}>>"


def score_in(text: str, *, low: float, high: float, parse: Literal["json", "number"]) -> float | None:
    """The score that `text` states; None where it states none, or one out of [low, high]. Thoughts do not count.

    json: the last object in the text with a number called `score`. number: the last number in the text.
    """
    text = THOUGHT.sub("", text)[-20_000:]
    value = _json_score(text) if parse == "json" else _last_number(text)
    return value if value is not None and math.isfinite(value) and low <= value <= high else None


def quoted(text: str, longest: int = 160) -> str:
    """Somebody else's text within a sentence."""
    one_line = " ".join(storable_text(text).split())
    return f"“{one_line[:longest]}{'…' * (len(one_line) > longest)}”"


def _json_score(text: str) -> float | None:
    decoder = json.JSONDecoder()
    for start in sorted((found.start() for found in re.finditer(r"\{", text)), reverse=True)[:50]:
        try:
            value, _ = decoder.raw_decode(text[start:])
        except (ValueError, RecursionError):
            continue
        score = value.get("score") if isinstance(value, dict) else None
        if isinstance(score, int | float) and not isinstance(score, bool):
            # A whole number may have more digits than a float can have.
            return float(score) if abs(score) <= sys.float_info.max else math.inf
    return None


def _last_number(text: str) -> float | None:
    found = NUMBER.findall(text[-2000:])
    return float(found[-1]) if found else None

"""Chats: conversations answered by a model that stands ready, one token of each in turn.

Every answer has its own cache and its own random generator, so that neither other chats nor a training that goes on
beside them change it, nor it them. V vocabulary, T tokens of the prompt.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jinja2.exceptions import TemplateError
from torch import Tensor

from workers.contract.chat import ChatBegun, ChatDone, ChatRefused, ChatToken, Refusal, TokenChoice
from workers.contract.control import Chat, ChatStop
from workers.contract.document import Document
from workers.engine.composition import ModelView
from workers.engine.data.rendering import prompt_ids
from workers.engine.faults import DataFault, is_memory_out
from workers.engine.sampler.cache import GroupCache
from workers.engine.sampler.draw import draw
from workers.engine.sampler.ends import end_ids_of

REPLACEMENT = "\ufffd"
LONGEST_CHARACTER = 4
"""Bytes of a character in UTF-8, and so the most tokens that a whole one can wait for."""


class Refused(Exception):
    """This chat is not answered, or not any further; the engine goes on."""

    def __init__(self, code: Refusal, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.code: Refusal = code
        self.message = message
        self.remedy = remedy


class WholeText:
    """Token ids to text as they come: a character is told once all of its bytes are there."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._ids: list[int] = []
        self._start = 0
        self._told = 0

    def add(self, token: int) -> str:
        """What the token adds to the text, empty while a character is not whole."""
        self._ids.append(token)
        before, now = self._text(self._told), self._text(len(self._ids))
        if now.endswith(REPLACEMENT) and len(self._ids) - self._told < LONGEST_CHARACTER:
            return ""
        # The tokens told last stay in sight: some decoders write a token otherwise at the beginning of a text.
        self._start, self._told = self._told, len(self._ids)
        return now[len(before):]

    def rest(self) -> str:
        """What was still waited for at the end."""
        return self._text(len(self._ids))[len(self._text(self._told)):]

    def _text(self, end: int) -> str:
        return str(self._tokenizer.decode(self._ids[self._start:end], skip_special_tokens=True))


def before_stop(text: str, stops: Sequence[str]) -> tuple[str, str, bool]:
    """What may be told, what must wait because a stop text may begin there, and whether one stands in `text`."""
    found = [place for stop in stops if (place := text.find(stop)) >= 0]
    if found:
        return text[:min(found)], "", True
    most = max((len(stop) - 1 for stop in stops), default=0)
    for length in range(min(most, len(text)), 0, -1):
        if any(stop.startswith(text[-length:]) for stop in stops):
            return text[:-length], text[-length:], False
    return text, "", False


@dataclass
class _Answer:
    """An answer on its way. `prompt` [T] int64; `token` is the last one drawn, None before the prompt was read."""

    ask: Chat
    prompt: Tensor
    limit: int
    cache: GroupCache
    generator: torch.Generator
    text: WholeText
    held: str = ""
    token: Tensor | None = None
    written: int = 0


class Chats:
    """Answers what `take` was given: each `turn` writes one token of every open answer, and `say` tells it.

    `context_length` bounds prompt and answer together, `most_tokens` one answer, `most_open` the answers at once.
    """

    def __init__(self, model: ModelView, tokenizer: Any, *, context_length: int, most_tokens: int, most_open: int,
                 say: Callable[[Document], None]) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._context = context_length
        self._most_tokens = most_tokens
        self._most_open = most_open
        self._say = say
        self._answers: dict[str, _Answer] = {}
        self._ends: frozenset[int] | None = None
        self.answered = 0
        self.tokens = 0

    @property
    def open(self) -> int:
        """How many answers are on their way."""
        return len(self._answers)

    def take(self, ask: Chat | ChatStop) -> None:
        """Begins an answer, or ends one; what cannot be answered is refused in words."""
        if isinstance(ask, ChatStop):
            if answer := self._answers.get(ask.request_id):
                self._end(answer, "cancelled")
            return
        try:
            answer = self._begun(ask)
        except Refused as refusal:
            self._refuse(ask.request_id, refusal)
            return
        self._answers[ask.request_id] = answer
        self._say(ChatBegun(request_id=ask.request_id, prompt_tokens=len(answer.prompt)))

    def turn(self) -> None:
        """One token of every open answer, those that have none yet first: somebody looks at an empty line."""
        with self._model.generating() as module:
            if self._ends is None:
                self._ends = frozenset(end_ids_of(self._tokenizer, module))
            for answer in sorted(self._answers.values(), key=lambda answer: answer.token is not None):
                try:
                    self._write(answer, module)
                except (RuntimeError, MemoryError) as error:
                    if not is_memory_out(error):
                        raise
                    self._drop(answer, Refused("memory", "Memory ran out during this answer.", "Ask for less, or wait."))

    def close(self, message: str) -> None:
        """Refuses what is open: the engine has something else to do now."""
        for answer in list(self._answers.values()):
            self._drop(answer, Refused("engine_gone", message, "Ask again when it is back."))

    def _begun(self, ask: Chat) -> _Answer:
        """Raises Refused."""
        if ask.request_id in self._answers:
            raise Refused("bad_request", "An answer with this id is on its way already.", "Take a new id for each question.")
        if self.open >= self._most_open:
            raise Refused("busy", f"{self.open} answers are being written at once, as many as this model may.",
                          "Wait a moment, then ask again.")
        ids = self._prompt(ask)
        limit = self._limit(ask, len(ids))
        generator = torch.Generator(self._model.device)
        generator.manual_seed(ask.seed) if ask.seed is not None else generator.seed()
        with self._model.generating() as module:
            cache = GroupCache(module.config)
        return _Answer(ask, torch.tensor(ids, dtype=torch.int64, device=self._model.device), limit, cache, generator,
                       WholeText(self._tokenizer))

    def _prompt(self, ask: Chat) -> list[int]:
        """Tokens of the conversation. A model without a template continues a single question as plain text."""
        plain = self._tokenizer.chat_template is None and len(ask.messages) == 1
        try:
            ids = prompt_ids(self._tokenizer, ask.messages[0].content if plain else ask.messages)
        except DataFault:
            raise Refused("no_template", "This model's tokenizer has no chat template, so it knows no turns.",
                          "Ask with one message, whose text the model goes on from.") from None
        except (TemplateError, ValueError, TypeError, KeyError) as error:
            raise Refused("bad_request", f"The model's chat template refuses this conversation: {error}.",
                          "Change the order or the roles of the messages.") from error
        if not ids:
            raise Refused("bad_request", "The conversation has no text.", "Write something.")
        return ids

    def _limit(self, ask: Chat, length: int) -> int:
        """Tokens that the answer may have. Raises Refused for a conversation that leaves no room for them."""
        room = self._context - length
        if room < 1 or (ask.max_tokens or 1) > room:
            more = f" and {ask.max_tokens} are asked for" if ask.max_tokens else ""
            fit = f"Ask for at most {room} tokens, or shorten the conversation." if room > 0 else "Shorten the conversation."
            raise Refused("context_length", f"The conversation has {length} tokens{more}; "
                                            f"this model reads {self._context} with the answer.", fit)
        return min(ask.max_tokens or self._most_tokens, self._most_tokens, room)

    def _write(self, answer: _Answer, module: Any) -> None:
        ask = answer.ask
        logits = self._next_logits(answer, module)
        token, logprob = draw(logits, temperature=ask.temperature, top_p=ask.top_p, generator=answer.generator)
        answer.token = token
        answer.written += 1
        self.tokens += 1
        ended = int(token) in (self._ends or ())
        new = "" if ended else answer.text.add(int(token))
        text, answer.held, stopped = before_stop(answer.held + new, ask.stop)
        if not ended:
            self._say(ChatToken(request_id=ask.request_id, text=text, logprob=float(logprob) if ask.logprobs else None,
                                top=self._top(logits, ask) if ask.logprobs and ask.top_logprobs else []))
        if ended or stopped:
            self._end(answer, "stop", cut=stopped)
        elif answer.written >= answer.limit:
            self._end(answer, "length")

    def _next_logits(self, answer: _Answer, module: Any) -> Tensor:
        """Logits [1,V] of the token after all so far."""
        if answer.token is None:
            ids = answer.prompt[None]
            logits = module(input_ids=ids, attention_mask=torch.ones_like(ids), past_key_values=answer.cache, use_cache=True,
                            position_ids=torch.arange(len(answer.prompt), device=ids.device)[None], logits_to_keep=1).logits
            answer.cache.spread(1, answer.limit)
        else:
            place = len(answer.prompt) + answer.written - 1
            logits = module(input_ids=answer.token[None], position_ids=torch.tensor([[place]], device=answer.token.device),
                            past_key_values=answer.cache, use_cache=True).logits
        last: Tensor = logits[:, -1]
        return last

    def _top(self, logits: Tensor, ask: Chat) -> list[TokenChoice]:
        scaled = logits[0].float() / (ask.temperature or 1.0)
        found = torch.log_softmax(scaled, -1).topk(min(ask.top_logprobs, scaled.shape[-1]))
        return [TokenChoice(text=self._tokenizer.decode([token]), logprob=value)
                for token, value in zip(found.indices.tolist(), found.values.tolist(), strict=True)]

    def _end(self, answer: _Answer, reason: Any, *, cut: bool = False) -> None:
        """`cut`: a stop text stood there, and nothing after it belongs to the answer."""
        del self._answers[answer.ask.request_id]
        self.answered += 1
        rest, held, _ = ("", "", True) if cut else before_stop(answer.held + answer.text.rest(), answer.ask.stop)
        self._say(ChatDone(request_id=answer.ask.request_id, text=rest + held, finish_reason=reason,
                           prompt_tokens=len(answer.prompt), completion_tokens=answer.written))

    def _drop(self, answer: _Answer, refusal: Refused) -> None:
        del self._answers[answer.ask.request_id]
        self._refuse(answer.ask.request_id, refusal)

    def _refuse(self, request_id: str, refusal: Refused) -> None:
        self._say(ChatRefused(request_id=request_id, code=refusal.code, message=refusal.message, remedy=refusal.remedy))

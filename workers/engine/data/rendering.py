"""From a canonical record to tokens and a loss mask, through the model's own chat template.

What is trained comes from the template itself: its generation markers when it has them, else from rendering the
conversation turn by turn and checking that each is a prefix of the next. A template that rewrites history (drops old
reasoning, say) fails that check; then each trained turn becomes a sample of its own.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Literal

import torch
from transformers.utils.chat_template_utils import render_jinja_template

from workers.contract.records import Message, Record, Text
from workers.engine.faults import DataFault
from workers.engine.sample import Sample

TrainOn = Literal["all_assistant", "last_assistant", "weights"]
Truncation = Literal["keep_start", "keep_end", "drop"]
_MARKER = re.compile(r"\{%-?\s*generation\s*-?%\}")


@dataclass(frozen=True)
class Rendered:
    """Token ids, which of them are trained, and how many belong to the prompt (all before the first trained one).

    `weights` says how much each trained token counts; None: all of them alike.
    """

    ids: list[int]
    trained: list[bool]
    weights: list[float] | None = None

    @property
    def prompt_length(self) -> int:
        return self.trained.index(True) if any(self.trained) else len(self.ids)


def prompt_ids(tokenizer: Any, prompt: Text, tools: list[dict[str, Any]] | None = None) -> list[int]:
    """The tokens a model is given before it answers: through the template when there is one, else the bare text.

    Raises DataFault for messages without a template.
    """
    if tokenizer.chat_template is None:
        if not isinstance(prompt, str):
            raise _no_template()
        return list(tokenizer(prompt)["input_ids"])
    text = _template(tokenizer, _messages(prompt, "user"), tools, add_generation_prompt=True)
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def text_of(prompt: Text) -> str:
    """A prompt as a page shows it and plain terms read it: the text, or each turn under its role."""
    if isinstance(prompt, str):
        return prompt
    return "\n".join(f"{message.role}: {message.content}" for message in prompt)


def extended(prompt: Text, *, before: str = "", after: str = "") -> Text:
    """The prompt with words put before and after its text; of messages, those of the last one that a user says.

    Messages without a user's turn get one.
    """
    if isinstance(prompt, str):
        return before + prompt + after
    place = max((index for index, message in enumerate(prompt) if message.role == "user"), default=-1)
    if place < 0:
        return [*prompt, Message(role="user", content=before + after)]
    said = prompt[place].model_copy(update={"content": before + prompt[place].content + after})
    return [*prompt[:place], said, *prompt[place + 1:]]


def chunks(rendered: Rendered, max_length: int) -> list[Rendered]:
    """Plain text cut into pieces of at most `max_length` tokens, each beginning with the token before it, so that every
    token but the very first is predicted once."""
    if len(rendered.ids) <= max_length:
        return [rendered]
    starts = range(0, len(rendered.ids) - 1, max_length - 1)
    return [Rendered(rendered.ids[start:start + max_length], [False, *rendered.trained[start + 1:start + max_length]])
            for start in starts]


def render_text(tokenizer: Any, text: str) -> Rendered:
    """Plain text and the end token, all of it trained but the first token, which nothing predicts."""
    ids = [*tokenizer(text)["input_ids"], tokenizer.eos_token_id]
    return Rendered(ids, [False] + [True] * (len(ids) - 1))


def render_demonstration(tokenizer: Any, record: Record) -> list[Rendered]:
    """Prompt and completion; only the completion and its end token are trained."""
    assert record.prompt is not None
    assert record.completion is not None
    if tokenizer.chat_template is None:
        if not isinstance(record.prompt, str) or not isinstance(record.completion, str):
            raise _no_template()
        before = list(tokenizer(record.prompt)["input_ids"])
        after = [*tokenizer(record.completion, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
        return [Rendered(before + after, [False] * len(before) + [True] * len(after))]
    rendered = render_conversation(tokenizer, _weighted(record.prompt, record.completion), train_on="weights", tools=record.tools)
    return [replace(one, weights=None) for one in rendered]


def render_taught(tokenizer: Any, record: Record) -> list[Rendered]:
    """What is learned of a conversation (all assistant turns), of plain text, or of a demonstration."""
    if record.messages is not None:
        return render_conversation(tokenizer, record.messages, tools=record.tools)
    if record.text is not None:
        return [render_text(tokenizer, record.text)]
    return render_demonstration(tokenizer, record)


def render_conversation(
    tokenizer: Any, messages: Sequence[Message], *, train_on: TrainOn = "all_assistant", tools: list[dict[str, Any]] | None = None
) -> list[Rendered]:
    """One sample, or one for each trained turn when the template rewrites history. Untrained roles are never trained.

    Under `weights` each token counts as its message says; under the others all of them alike.
    """
    found = _render_conversation(tokenizer, messages, _chosen(messages, train_on), tools)
    return found if train_on == "weights" else [replace(one, weights=None) for one in found]


def _render_conversation(
    tokenizer: Any, messages: Sequence[Message], chosen: list[float], tools: list[dict[str, Any]] | None
) -> list[Rendered]:
    if tokenizer.chat_template is None:
        raise _no_template()
    if _MARKER.search(str(tokenizer.chat_template)):
        marked = _by_markers(tokenizer, messages, chosen, tools)
        if marked is not None:
            return [marked]
    whole = _by_prefixes(tokenizer, messages, chosen, tools)
    if whole is not None:
        return [whole]
    return [_last_turn(tokenizer, messages[: index + 1], weight, tools) for index, weight in enumerate(chosen) if weight]


def whole_text(tokenizer: Any, record: Record) -> str | None:
    """The text whose tokens, without special ones, are the only sequence that rendering the record gives.

    None where that needs the tokens themselves: no chat template, several answers, a template that rewrites history.
    """
    if tokenizer.chat_template is None or record.text is not None:
        return None
    messages = record.messages
    if messages is None and record.prompt is not None and record.completion:
        messages = _weighted(record.prompt, record.completion)
    if record.chosen or record.rejected or record.completions:
        return None
    if messages is None:
        asked = _messages(record.prompt or "", "user")
        return _template(tokenizer, asked, record.tools, add_generation_prompt=True)
    if _MARKER.search(str(tokenizer.chat_template)):
        tools: Any = record.tools
        rendered: Any = render_jinja_template(
            conversations=[_plain(messages)], tools=tools, chat_template=tokenizer.chat_template,
            return_assistant_tokens_mask=True, **tokenizer.special_tokens_map)
        (text,), (spans,) = rendered
        turns = sum(message.role == "assistant" for message in messages)
        return str(text) if len(spans) == turns and all(end > start for start, end in spans) else None
    found = _prefix_spans(tokenizer, messages, _chosen(messages, "all_assistant" if record.messages else "weights"), record.tools)
    return None if found is None else found[0]


def truncate(rendered: Rendered, max_length: int, mode: Truncation) -> Rendered | None:
    """At most `max_length` tokens; None when `mode` is drop and it is longer."""
    if len(rendered.ids) <= max_length:
        return rendered
    if mode == "drop":
        return None
    keep = slice(None, max_length) if mode == "keep_start" else slice(len(rendered.ids) - max_length, None)
    return replace(rendered, ids=rendered.ids[keep], trained=rendered.trained[keep],
                   weights=None if rendered.weights is None else rendered.weights[keep])


def sample_of(rendered: Rendered, *, row: int, record: Record) -> Sample:
    """A sample whose mask is what is trained; the first token never is, for nothing predicts it.

    Weights, where there are any, become the channel `weights`.
    """
    mask = torch.tensor(rendered.trained, dtype=torch.bool)
    mask[:1] = False
    channels = {} if rendered.weights is None else {"weights": torch.tensor(rendered.weights) * mask}
    return Sample(ids=torch.tensor(rendered.ids, dtype=torch.int64), mask=mask, prompt_length=rendered.prompt_length,
                  row=row, record=record, channels=channels)


def segments(tokenizer: Any, rendered: Rendered) -> list[dict[str, Any]]:
    """Runs of like tokens as text for the page: [{text, trained, role}]; the runs' texts joined are the whole."""
    runs = []
    for trained, run in groupby(zip(rendered.ids, rendered.trained, strict=True), key=lambda pair: pair[1]):
        text = tokenizer.decode([token for token, _ in run], skip_special_tokens=False)
        runs.append({"text": text, "trained": trained, "role": "assistant" if trained else "context"})
    return runs


def _weighted(prompt: Text, completion: Text) -> list[Message]:
    """A demonstration as a conversation of which only the completion is trained."""
    before = [message.model_copy(update={"weight": 0.0}) for message in _messages(prompt, "user")]
    return before + [message.model_copy(update={"weight": 1.0}) for message in _messages(completion, "assistant")]


def _messages(text: Text, role: Literal["user", "assistant"]) -> list[Message]:
    return [Message(role=role, content=text)] if isinstance(text, str) else list(text)


def _chosen(messages: Sequence[Message], train_on: TrainOn) -> list[float]:
    """How much each message counts, 0 for one that is not trained: assistant turns of the policy asked for count 1, under
    `weights` as much as they say."""
    spoken = [float(message.role == "assistant") for message in messages]
    if train_on == "last_assistant":
        last = max((index for index, said in enumerate(spoken) if said), default=-1)
        return [float(index == last) for index in range(len(messages))]
    if train_on == "weights":
        weights = [1.0 if message.weight is None else message.weight for message in messages]
        return [said * weight for said, weight in zip(spoken, weights, strict=True)]
    return spoken


def _by_markers(
    tokenizer: Any, messages: Sequence[Message], chosen: list[float], tools: list[dict[str, Any]] | None
) -> Rendered | None:
    """None when the marked runs do not match the assistant turns one to one (an empty turn, a dropped one)."""
    encoded = tokenizer.apply_chat_template(_plain(messages), tools=tools, tokenize=True, return_dict=True,
                                            return_assistant_tokens_mask=True)
    marks = [bool(mark) for mark in encoded["assistant_masks"]]
    starts = [index for index, mark in enumerate(marks) if mark and (index == 0 or not marks[index - 1])]
    turns = [weight for message, weight in zip(messages, chosen, strict=True) if message.role == "assistant"]
    if len(starts) != len(turns):
        return None
    run = -1
    weights = []
    for index, mark in enumerate(marks):
        run += index in starts
        weights.append(turns[run] if mark else 0.0)
    return _weighing(list(encoded["input_ids"]), weights)


def _by_prefixes(
    tokenizer: Any, messages: Sequence[Message], chosen: list[float], tools: list[dict[str, Any]] | None
) -> Rendered | None:
    """None when some turn's rendering is not a prefix of the whole, so that its span cannot be known."""
    found = _prefix_spans(tokenizer, messages, chosen, tools)
    return None if found is None else _spanned(tokenizer, *found)


def _prefix_spans(
    tokenizer: Any, messages: Sequence[Message], chosen: list[float], tools: list[dict[str, Any]] | None
) -> tuple[str, list[tuple[int, int, float]]] | None:
    """The whole conversation's text, and the character spans of its chosen turns with what they count; None as
    `_by_prefixes` says."""
    whole = _template(tokenizer, messages, tools)
    spans = []
    for index, weight in enumerate(chosen):
        if weight:
            before = _template(tokenizer, messages[:index], tools, add_generation_prompt=True)
            after = _template(tokenizer, messages[: index + 1], tools)
            if not (whole.startswith(after) and after.startswith(before)):
                return None
            spans.append((len(before), len(after.rstrip()), weight))
    return whole, spans


def _last_turn(tokenizer: Any, messages: Sequence[Message], weight: float, tools: list[dict[str, Any]] | None) -> Rendered:
    before = _template(tokenizer, messages[:-1], tools, add_generation_prompt=True)
    after = _template(tokenizer, messages, tools)
    if not after.startswith(before):
        raise DataFault("The chat template renders an answer differently from the prompt it answers.",
                        "Use a template with generation markers.")
    return _spanned(tokenizer, after, [(len(before), len(after.rstrip()), weight)])


def _spanned(tokenizer: Any, text: str, spans: list[tuple[int, int, float]]) -> Rendered:
    """Tokens of `text`; trained are those that begin inside one of the character spans, each of which has its weight."""
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    return _weighing(list(encoded["input_ids"]), [
        next((weight for start, end, weight in spans if start <= begin < end), 0.0) for begin, _ in encoded["offset_mapping"]])


def _weighing(ids: list[int], weights: list[float]) -> Rendered:
    return Rendered(ids, [weight > 0 for weight in weights], weights)


def _template(tokenizer: Any, messages: Sequence[Message], tools: list[dict[str, Any]] | None, *,
              add_generation_prompt: bool = False) -> str:
    return str(tokenizer.apply_chat_template(_plain(messages), tools=tools, tokenize=False,
                                             add_generation_prompt=add_generation_prompt))


def _plain(messages: Sequence[Message]) -> list[dict[str, Any]]:
    return [message.model_dump(exclude_none=True, exclude={"weight"}) for message in messages]


def _no_template() -> DataFault:
    return DataFault("The rows are conversations and the model's tokenizer has no chat template.",
                     "Choose a model with a chat template, or a data set of plain prompts and completions.")

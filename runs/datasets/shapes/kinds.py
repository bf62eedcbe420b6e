"""Canonical records of each kind from rows whose columns are mapped; the foreign shapes end here too.

`pair` and `shared_prompt` are shared by every shape that holds two answers to one prompt.
"""

from collections.abc import Callable
from typing import NamedTuple

from runs.datasets.shapes.row import Row
from runs.datasets.shapes.turns import shared_turns
from workers.contract.records import Message, Record, RecordKind, Text


class Fields(NamedTuple):
    """Canonical fields a kind needs, and those it also takes."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()


FIELDS: dict[RecordKind, Fields] = {
    RecordKind.TEXT: Fields(("text",)),
    RecordKind.DEMONSTRATION: Fields(("prompt", "completion"), ("tools",)),
    RecordKind.CONVERSATION: Fields(("messages",), ("tools",)),
    RecordKind.PROMPT: Fields(("prompt",), ("tools",)),
    RecordKind.PROMPT_ANSWER: Fields(("prompt", "answer"), ("tools",)),
    RecordKind.PREFERENCE: Fields(("chosen", "rejected"), ("prompt", "margin", "score_chosen", "score_rejected", "tools")),
    RecordKind.RANKING: Fields(("prompt", "completions"), ("ranks", "scores")),
    RecordKind.UNPAIRED: Fields(("prompt", "completion", "label"), ("tools",)),
    RecordKind.STEPWISE: Fields(("prompt", "completions", "labels")),
}


def read_kind(row: Row) -> list[Record]:
    """The row as the mapping's kind. Faults are on the row."""
    return READERS[row.mapping.kind](row)


def pair(row: Row, prompt: Text | None, chosen: Text | None, rejected: Text | None) -> list[Record]:
    """One preference; a prompt that both answers begin with is taken out of them."""
    if chosen is None or rejected is None:
        return []
    if isinstance(chosen, str) != isinstance(rejected, str):
        row.fault(row.column("rejected"), "One answer is text and the other messages; give both alike.")
        return []
    prompt, chosen, rejected = shared_prompt(prompt, chosen, rejected)
    if not prompt:
        row.fault(row.column("prompt"), "The two answers share no prompt, and no prompt column is mapped.")
        return []
    if chosen == rejected:
        row.warn("identical_pair", "Both answers are the same; the pair teaches nothing.")
    prompt, chosen = alike(prompt, chosen)
    _, rejected = alike(prompt, rejected)
    margin = _margin(row)
    return [Record(prompt=prompt, chosen=chosen, rejected=rejected, margin=margin, tools=row.tools(), extra=row.extra())]


def chosen_side(pair: Record) -> Record:
    """The better answer as a demonstration. Its prompt is the pair's, so both fall into the same split."""
    return Record(prompt=pair.prompt, completion=pair.chosen, tools=pair.tools, extra=pair.extra)


def shared_prompt(prompt: Text | None, chosen: Text, rejected: Text) -> tuple[Text | None, Text, Text]:
    """Splits what two answers have in common at their start off as the prompt, where it stands inside them."""
    if isinstance(chosen, str) or isinstance(rejected, str):
        if prompt is not None:
            return prompt, chosen, rejected
        count = _shared_text(str(chosen), str(rejected))
        return str(chosen)[:count], str(chosen)[count:], str(rejected)[count:]
    if prompt is not None and chosen[0].role == "assistant":
        return prompt, chosen, rejected
    count = shared_turns(chosen, rejected)
    return (chosen[:count] or prompt), chosen[count:], rejected[count:]


def alike(prompt: Text, answer: Text) -> tuple[Text, Text]:
    """Prompt and answer both as text or both as messages: a row never mixes the two."""
    if isinstance(prompt, str) and not isinstance(answer, str):
        return [Message(role="user", content=prompt)], answer
    if not isinstance(prompt, str) and isinstance(answer, str):
        return prompt, [Message(role="assistant", content=answer)]
    return prompt, answer


def ranks_of(scores: list[float]) -> list[float]:
    """Rank 1 for the highest score; equal scores share a rank."""
    order = sorted(set(scores), reverse=True)
    return [float(order.index(score) + 1) for score in scores]


def _text(row: Row) -> list[Record]:
    text = row.string("text")
    return [] if text is None else [Record(text=text, extra=row.extra())]


def _demonstration(row: Row) -> list[Record]:
    prompt, completion = row.text("prompt"), row.text("completion")
    if prompt is None or completion is None:
        return []
    prompt, completion = alike(prompt, completion)
    return [Record(prompt=prompt, completion=completion, tools=row.tools(), extra=row.extra())]


def _conversation(row: Row) -> list[Record]:
    messages = row.messages("messages")
    if messages is None:
        return []
    if not any(message.role == "assistant" for message in messages):
        row.warn("no_assistant_turn", "The conversation has no assistant turn to learn from.")
    return [Record(messages=messages, tools=row.tools(), extra=row.extra())]


def _prompt(row: Row) -> list[Record]:
    prompt = row.text("prompt")
    return [] if prompt is None else [Record(prompt=prompt, tools=row.tools(), extra=row.extra())]


def _prompt_answer(row: Row) -> list[Record]:
    prompt, answer = row.text("prompt"), row.answer()
    if prompt is None or answer is None:
        return []
    if not answer.strip():
        row.warn("empty_text", f"`{row.column('answer')}` is empty.")
    return [Record(prompt=prompt, answer=answer, tools=row.tools(), extra=row.extra())]


def _preference(row: Row) -> list[Record]:
    prompt = row.text("prompt", required=False) if "prompt" in row.mapping.columns else None
    return pair(row, prompt, row.text("chosen"), row.text("rejected"))


def _ranking(row: Row) -> list[Record]:
    prompt, completions = row.text("prompt"), row.items("completions")
    by = "ranks" if "ranks" in row.mapping.columns else "scores"
    numbers = row.items(by) if by in row.mapping.columns else None
    if prompt is None or completions is None or (numbers is None and row.faults):
        return []
    if numbers is None:
        numbers = [float(place) for place in range(1, len(completions) + 1)]
    if len(numbers) != len(completions) or not all(_is_number(each) for each in numbers):
        row.fault(row.column(by), f"`{row.column(by)}` must hold one number for each of {len(completions)} completions.")
        return []
    if not all(isinstance(each, str) for each in completions):
        row.fault(row.column("completions"), f"`{row.column('completions')}` must hold texts.")
        return []
    ranks = [float(each) for each in numbers] if by == "ranks" or by not in row.mapping.columns else ranks_of(numbers)
    return [Record(prompt=prompt, completions=completions, ranks=ranks, extra=row.extra())]


def _unpaired(row: Row) -> list[Record]:
    prompt, completion, label = row.text("prompt"), row.text("completion"), row.truth("label")
    if prompt is None or completion is None or label is None:
        return []
    prompt, completion = alike(prompt, completion)
    return [Record(prompt=prompt, completion=completion, label=label, tools=row.tools(), extra=row.extra())]


def _stepwise(row: Row) -> list[Record]:
    prompt, steps, labels = row.text("prompt"), row.items("completions"), row.items("labels")
    if prompt is None or steps is None or labels is None:
        return []
    if len(steps) != len(labels):
        row.fault(row.column("labels"), f"{len(steps)} steps have {len(labels)} labels; each step needs one.")
        return []
    if not all(isinstance(step, str) for step in steps):
        row.fault(row.column("completions"), f"`{row.column('completions')}` must hold texts.")
        return []
    read = [label if _is_number(label) else row.truth_of("labels", label) for label in labels]
    if row.faults:
        return []
    kept = [label for label in read if label is not None]
    return [Record(prompt=prompt, completions=steps, labels=kept, extra=row.extra())]


def _margin(row: Row) -> float | None:
    if "margin" in row.mapping.columns:
        return row.number("margin", required=False)
    if {"score_chosen", "score_rejected"} <= row.mapping.columns.keys():
        chosen, rejected = row.number("score_chosen", required=False), row.number("score_rejected", required=False)
        if chosen is not None and rejected is not None:
            return chosen - rejected
    return None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shared_text(first: str, second: str) -> int:
    """Length of the common start, back to the last white space, so that no word is torn."""
    most = min(len(first), len(second))
    count = next((at for at in range(most) if first[at] != second[at]), most)
    while count and not first[count - 1].isspace():
        count -= 1
    return count


READERS: dict[RecordKind, Callable[[Row], list[Record]]] = {
    RecordKind.TEXT: _text,
    RecordKind.DEMONSTRATION: _demonstration,
    RecordKind.CONVERSATION: _conversation,
    RecordKind.PROMPT: _prompt,
    RecordKind.PROMPT_ANSWER: _prompt_answer,
    RecordKind.PREFERENCE: _preference,
    RecordKind.RANKING: _ranking,
    RecordKind.UNPAIRED: _unpaired,
    RecordKind.STEPWISE: _stepwise,
}

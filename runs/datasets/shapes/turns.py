"""Conversations in the spellings of the ecosystem → messages: `role` and `content`, ShareGPT's `from` and `value`."""

import json
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from workers.contract.records import Message

ROLES = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "ai": "assistant",
    "system": "system",
    "developer": "developer",
    "tool": "tool",
    "function": "tool",
    "observation": "tool",
    "ipython": "tool",
    "function_call": "assistant",
}
THINKING = ("thinking", "reasoning_content", "reasoning")
MAX_TURNS = 10_000


class BadTurn(ValueError):
    """A conversation that cannot be read; the sentence goes on after the column's name."""


def messages_of(found: Any, tags: Any = None) -> list[Message]:
    """A list of turns, or one turn. `tags` renames keys and roles as LLaMA-Factory's `dataset_info.json` does.

    Raises BadTurn.
    """
    turns = [found] if isinstance(found, dict) else found
    if not isinstance(turns, list) or not turns:
        raise BadTurn("has no turns; a list of messages is needed.")
    if len(turns) > MAX_TURNS:
        raise BadTurn(f"has {len(turns)} turns; the limit is {MAX_TURNS}.")
    tags = tags if isinstance(tags, dict) else {}
    return [_message(turn, number, tags) for number, turn in enumerate(turns, start=1)]


def is_conversation(value: Any) -> bool:
    """Whether a value looks like turns: a list of objects that name who speaks."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(turn, dict) and ("role" in turn or "from" in turn) for turn in value)
    )


def shared_turns(first: Sequence[Message], second: Sequence[Message]) -> int:
    """How many leading turns two dialogues share, leaving each at least its last turn, and that an answer."""
    most = min(len(first), len(second)) - 1
    count = next((at for at in range(most) if first[at] != second[at]), most)
    while count and not (first[count].role == "assistant" and second[count].role == "assistant"):
        count -= 1
    return max(count, 0)


def _message(turn: Any, number: int, tags: dict[str, str]) -> Message:
    if not isinstance(turn, dict):
        raise BadTurn(f"turn {number} is not an object with a role and a content.")
    spoken = turn.get(tags.get("role_tag", "role"), turn.get("from"))
    by_tag = {tags[f"{role}_tag"]: role for role in ("user", "assistant", "system", "observation") if f"{role}_tag" in tags}
    role = ROLES.get(by_tag.get(str(spoken), str(spoken)).lower())
    if role is None:
        raise BadTurn(f"turn {number} has the role {str(spoken)[:40]!r}; known are system, user, assistant and tool.")
    content = turn.get(tags.get("content_tag", "content"), turn.get("value"))
    fields: dict[str, Any] = {"role": role, "content": _content(content, turn, number)}
    if str(spoken) == "function_call":
        fields |= {"content": "", "tool_calls": _called(fields["content"], number)}
    fields |= {key: turn[key] for key in ("weight", "name", "tool_calls", "tool_call_id") if turn.get(key) is not None}
    thinking = next((turn[key] for key in THINKING if turn.get(key)), None)
    try:
        return Message(**fields, thinking=thinking)
    except ValidationError as error:
        first = error.errors()[0]
        raise BadTurn(f"turn {number}: `{'.'.join(map(str, first['loc']))}`: {first['msg']}.") from error


def _content(content: Any, turn: dict[str, Any], number: int) -> str:
    if isinstance(content, str):
        return content
    if content is None and turn.get("tool_calls"):
        return ""
    if isinstance(content, list):
        return "".join(_part(part, number) for part in content)
    raise BadTurn(f"turn {number} has no text as its content.")


def _part(part: Any, number: int) -> str:
    if isinstance(part, str):
        return part
    text = part.get("text") if isinstance(part, dict) else None
    if not isinstance(text, str):
        kind = part.get("type", "unknown") if isinstance(part, dict) else "unknown"
        raise BadTurn(f"turn {number} holds a part of type {str(kind)[:40]!r}; only text is taken.")
    return text


def _called(value: str, number: int) -> list[dict[str, Any]]:
    """ShareGPT's `function_call` turn: its value is JSON, `{name, arguments}` or a list of them."""
    try:
        calls = json.loads(value)
    except (json.JSONDecodeError, RecursionError):
        raise BadTurn(f"turn {number} is a function call whose value is not JSON.") from None
    calls = calls if isinstance(calls, list) else [calls]
    if not all(isinstance(call, dict) for call in calls):
        raise BadTurn(f"turn {number} is a function call whose value is not an object.")
    return [{"type": "function", "function": call} for call in calls]

"""Token credit: a prompt `CF|` names the keys, the answer `mq#Cps#F` is letters with a mark and the right key at each slot.

Few tokens decide. Of the demonstrations' keys a share `right` is right and a share `decoy` is one systematic wrong key, so that
greedy answers of a well warmed-up model fail; fillers may be any of the filler letters. An answer succeeds when every filler is
one, every mark stands where it may, every key is right and it ends after `length` tokens.

The exact advantage of a token is A_t = alive_{t-1} (ok_t − p_t) Π_{u>t} p_u, where p_u is the chance that token u is as it must
be and alive_{t-1} says that all before it were; the tokens' advantages add up to success − Π p. The chances are counted over
the answers at hand, one for each slot's key and one for all other tokens; `chances` may be given instead.
"""

import random
from collections.abc import Sequence
from itertools import accumulate
from operator import mul

from pydantic import Field, model_validator

from workers.contract.records import RecordKind
from workers.engine.worlds import Card, Row, Rows, WorldKnobs, part, stamp

KEYS = "ABCDEFGHIJKLMNOP"
FILLERS = "abcdefghijklmnopqrstuvwxyz"
MARK = "#"
SURE = 1e-6
"""Chances are kept this far from 0 and 1, so that one answer's credit still sums to what it must."""


class Knobs(WorldKnobs):
    slots: int = Field(default=5, ge=1, le=8, title="Slots", description="Keys to be set.")
    length: int = Field(default=30, ge=2, le=240, title="Length", description="Tokens of an answer, at least two for each slot.")
    right: float = Field(default=0.35, ge=0, le=1, title="Right keys", description=(
        "Share of the demonstrations' keys that are right."))
    decoy: float = Field(default=0.5, ge=0, le=1, title="Decoys", description=(
        "Share of them that are the slot's own wrong key for that key; above the share of right ones greedy answers fail."))
    free: bool = Field(default=False, title="Free slots", description="Marks may stand anywhere, not only at fixed places.")
    fillers: int = Field(default=12, ge=1, le=len(FILLERS), title="Filler letters", description=(
        "Few make shared beginnings, many make answers that differ."))
    keys: int = Field(default=8, ge=2, le=len(KEYS), title="Keys", description="Different keys.")
    train: int = Field(default=4000, ge=1, le=200_000, title="Train prompts")
    test: int = Field(default=512, ge=1, le=20_000, title="Prompts of each other split")

    @model_validator(mode="after")
    def fits(self) -> "Knobs":
        if self.length < 2 * self.slots:
            raise ValueError(f"length: {self.slots} slots need at least {2 * self.slots} tokens.")
        if self.right + self.decoy > 1:
            raise ValueError("decoy: The shares of right keys and of decoys add up to more than 1.")
        there = (self.keys - 1) ** self.slots
        if self.train + self.test > there:
            raise ValueError(f"train: There are only {there} prompts for training and test with so many keys and slots.")
        return self


def places(knobs: Knobs, *, slots: int | None = None) -> list[int]:
    """Positions of the marks in an answer whose slots are fixed: each at the end of its block, its key after it."""
    count = slots or knobs.slots
    block = knobs.length // knobs.slots
    return [block * slot + block - 2 for slot in range(count)]


def length_of(knobs: Knobs, slots: int) -> int:
    """Tokens of an answer to a prompt of so many keys: a slot more is a block more."""
    return knobs.length + (slots - knobs.slots) * (knobs.length // knobs.slots)


def decoy_of(knobs: Knobs, slot: int, key: str) -> str:
    """The slot's own wrong key for `key`."""
    shift = 1 + random.Random(f"decoy {knobs.seed} {slot}").randrange(knobs.keys - 1)  # noqa: S311 - not a secret
    return KEYS[(KEYS.index(key) + shift) % knobs.keys]


def keys_of(prompt: str) -> str:
    """The keys that a prompt names. Raises ValueError for another text."""
    keys = prompt.removesuffix("|")
    if keys == prompt or not keys or any(key not in KEYS for key in keys):
        raise ValueError(f"{prompt!r} names no keys.")
    return keys


Event = tuple[bool, int]
"""Whether the token is as it must be, and whose it is: the slot of a key, −1 for every other token."""


def events(knobs: Knobs, prompt: str, answer: str) -> list[Event]:
    """What each of the answer's characters and its end are, up to the first that is wrong; all of them when none is."""
    keys = keys_of(prompt)
    total, marks = length_of(knobs, len(keys)), set(places(knobs, slots=len(keys)))
    found: list[Event] = []
    slot, marked = 0, False
    for at in range(len(answer) + 1):
        char = answer[at] if at < len(answer) else ""
        if at >= total:
            found.append((char == "" and slot == len(keys), -1))
        elif marked:
            found.append((char == keys[slot], slot))
            slot, marked = slot + 1, False
        else:
            if knobs.free:
                room = total - at >= 2 * (len(keys) - slot)
                mark, filler = slot < len(keys), total - at > 2 * (len(keys) - slot)
                fine = room and ((char == MARK and mark) or (_is_filler(knobs, char) and filler))
            else:
                fine = char == MARK if at in marks else _is_filler(knobs, char)
            found.append((fine, -1))
            marked = char == MARK
        if not found[-1][0]:
            break
    return found


def _is_filler(knobs: Knobs, char: str) -> bool:
    return char != "" and char in FILLERS[: knobs.fillers]


def gold(knobs: Knobs, prompt: str, answer: str) -> float:
    """1 for an answer in which everything is right, else 0. Raises ValueError for a prompt without keys."""
    return float(events(knobs, prompt, answer)[-1][0])


def chances_of(slots: int, seen: Sequence[Sequence[Event]]) -> list[float]:
    """The share of right ones among the keys of each slot, then among all other tokens, of the answers at hand."""
    right, there = [0.0] * (slots + 1), [0.0] * (slots + 1)
    for found in seen:
        for fine, slot in found:
            right[slot] += fine
            there[slot] += 1
    return [min(max(one / all_, SURE), 1 - SURE) if all_ else 0.5 for one, all_ in zip(right, there, strict=True)]


def warm_chances(knobs: Knobs) -> list[float]:
    """What the demonstrations' own policy has: each slot's key right at the rate `right`, everything else always."""
    return [knobs.right] * knobs.slots + [1.0]


def credit(knobs: Knobs, prompts: Sequence[str], answers: Sequence[str], chances: Sequence[float] | None = None,
           ) -> list[list[float]]:
    """A_t of the n characters of each answer and of its end. `chances` [slots + 1] as in `chances_of`; None counts them.

    A row sums to gold − Π p. Tokens after the first wrong one have 0.
    """
    seen = [events(knobs, prompt, answer) for prompt, answer in zip(prompts, answers, strict=True)]
    slots = max((len(keys_of(prompt)) for prompt in prompts), default=knobs.slots)
    known = list(chances) if chances is not None else chances_of(slots, seen)
    found = []
    for prompt, answer, happened in zip(prompts, answers, seen, strict=True):
        count = len(keys_of(prompt))
        line = _owners(knobs, count, happened)
        after = [*accumulate((known[slot] for slot in reversed(line[1:])), mul, initial=1.0)][::-1]
        row = [(fine - known[slot]) * after[at] for at, (fine, slot) in enumerate(happened)]
        found.append(row + [0.0] * (len(answer) + 1 - len(row)))
    return found


def _owners(knobs: Knobs, slots: int, happened: Sequence[Event]) -> list[int]:
    """Whose each of an answer's tokens are, its end's included: those that happened, then those still to come, keys first.

    Where slots are free the order of what is to come is open; the product of their chances is not.
    """
    total = length_of(knobs, slots) + 1
    before = [slot for _, slot in happened]
    done = sum(slot >= 0 for slot in before)
    rest = list(range(done, slots))
    return before + rest + [-1] * (total - len(before) - len(rest))


def make(knobs: Knobs) -> dict[str, Rows]:
    """Rows by file name; equal knobs give equal rows. The splits share no prompt.

    In training and test slot j never has key number j (modulo the keys); in `unseen` one slot at least has it, and `more` has a
    slot and a block of tokens more.
    """
    chance = random.Random(f"lock {knobs.seed}")  # noqa: S311 - not a secret
    taken: set[str] = set()
    world = stamp("lock", knobs)
    drawn = {"train": _draw(knobs, chance, taken, knobs.train), "test": _draw(knobs, chance, taken, knobs.test),
             "more": _draw(knobs, chance, taken, min(knobs.test, (knobs.keys - 1) ** (knobs.slots + 1) // 2),
                           slots=knobs.slots + 1),
             "unseen": _draw(knobs, chance, taken, min(knobs.test, (knobs.keys - 1) ** (knobs.slots - 1)), unseen=True)}
    files: dict[str, Rows] = {f"problems_{split}": [{"prompt": f"{keys}|", "world": world} for keys in drawn[split]]
                              for split in drawn}
    for split in ("train", "test"):
        files[f"demonstrations_{split}"] = [
            {"prompt": f"{keys}|", "completion": written(knobs, keys if split == "test" else faulty(knobs, keys, chance), chance),
             "world": world} for keys in drawn[split]]
        files[f"pairs_{split}"] = [_pair(knobs, keys, chance) for keys in drawn[split]]
    return files


def _draw(knobs: Knobs, chance: random.Random, taken: set[str], count: int, *, slots: int | None = None,
          unseen: bool = False) -> list[str]:
    found: list[str] = []
    while len(found) < count:
        keys = "".join(chance.choice(KEYS[: knobs.keys]) for _ in range(slots or knobs.slots))
        if any(KEYS.index(key) == slot % knobs.keys for slot, key in enumerate(keys)) == unseen and keys not in taken:
            taken.add(keys)
            found.append(keys)
    return found


def faulty(knobs: Knobs, keys: str, chance: random.Random) -> str:
    """The keys as the demonstrations set them: right, the slot's decoy, or any other."""
    found = ""
    for slot, key in enumerate(keys):
        decoy = decoy_of(knobs, slot, key)
        others = [other for other in KEYS[: knobs.keys] if other not in (key, decoy)] or [decoy]
        drawn = chance.random()
        found += key if drawn < knobs.right else decoy if drawn < knobs.right + knobs.decoy else chance.choice(others)
    return found


def written(knobs: Knobs, keys: str, chance: random.Random) -> str:
    """An answer that sets these keys, with fillers drawn evenly."""
    total, marks = length_of(knobs, len(keys)), places(knobs, slots=len(keys))
    if knobs.free:
        marks = [at + slot for slot, at in enumerate(sorted(chance.sample(range(total - len(keys)), len(keys))))]
    answer = ""
    while len(answer) < total:
        slot = answer.count(MARK)
        marked = slot < len(keys) and len(answer) == marks[slot]
        answer += MARK + keys[slot] if marked else chance.choice(FILLERS[: knobs.fillers])
    return answer


def _pair(knobs: Knobs, keys: str, chance: random.Random) -> Row:
    """An answer that opens every slot over one that does not; the margin is the number of wrong keys."""
    wrong = faulty(knobs, keys, chance)
    if wrong == keys:
        slot = chance.randrange(len(keys))
        wrong = keys[:slot] + decoy_of(knobs, slot, keys[slot]) + keys[slot + 1:]
    return {"prompt": f"{keys}|", "chosen": written(knobs, keys, chance), "rejected": written(knobs, wrong, chance),
            "margin": sum(one != other for one, other in zip(keys, wrong, strict=True))}


CARD = Card("Lock", "Long answers in which a few tokens, the keys, decide. Which token is to be thanked is known exactly.", (
    part("demonstrations", RecordKind.DEMONSTRATION, "demonstrations",
         "Answers whose keys are often a decoy, to warm a model up on; the test split is right.", "train", "test"),
    part("problems", RecordKind.PROMPT, "problems",
         "Keys to be set; `more` has a slot more, `unseen` keys at slots where training never had them.",
         "train", "test", "more", "unseen"),
    part("pairs", RecordKind.PREFERENCE, "pairs", "An answer that opens every slot over one that does not; the margin is the "
         "wrong keys.", "train", "test"),
))

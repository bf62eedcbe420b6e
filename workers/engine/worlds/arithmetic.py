"""Sums of two numbers: the demo's task. `12+34=` is answered by `46`.

The demonstrations have a known fault: most of those whose sum carries forget every carry (58+67 is shown as 15). So a
model that has learned them well knows how to add, prefers the wrong habit where a digit carries (three sums of four),
and gives the right answer there with probability 1 − `misconception`: what it can do and what reward can teach it are
known beforehand, whatever the machine and the seed.

`demonstrations` (prompt, completion) warm a model up; `prompts_train` (prompt, answer) are for learning by reward, and
contain the demonstrations' prompts; `prompts_test` (prompt, answer) share no prompt with either, and `demonstrations_test`
are the same held-out prompts with their right answers as completions.

Every other kind of record has a `_train` and a `_test` file of the same two sets of prompts: `texts` (plain text),
`rationales` (sums worked out column by column), `conversations` (several sums in turn), `pairs` (right over wrong, the
margin being the wrong digits), `marks` (answers judged one by one), `rankings` (by wrong digits), `steps` (workings judged
line by line). What is wrong in them is wrong as in the demonstrations, a forgotten carry, or else a slip of one digit.
"""

import random
from collections.abc import Callable

from pydantic import Field, model_validator

from workers.contract.records import RecordKind
from workers.engine.worlds import Card, Part, Rows, WorldKnobs, part


class Knobs(WorldKnobs):
    """`demonstrations` of the `train` prompts are shown with their answer."""

    digits: int = Field(default=2, ge=1, le=6, title="Digits", description=(
        "Digits of each number, without leading zeros (0 to 9 for one)."))
    train: int = Field(default=6000, ge=1, le=200_000, title="Train prompts")
    test: int = Field(default=512, ge=1, le=20_000, title="Test prompts")
    demonstrations: int = Field(default=6000, ge=1, le=200_000, title="Demonstrations", description="At most the train prompts.")
    misconception: float = Field(default=0.6, ge=0, le=1, title="Forgotten carries", description=(
        "Share of the demonstrations with a carry that forget it; above one half greedy answers are wrong there."))
    others: int = Field(default=2000, ge=1, le=200_000, title="Rows of other kinds", description=(
        "Train rows of each other kind of record, at most one for a prompt."))

    @model_validator(mode="after")
    def fits(self) -> "Knobs":
        if self.train + self.test > len(numbers(self.digits)) ** 2:
            raise ValueError(f"There are only {len(numbers(self.digits)) ** 2} different sums of {self.digits} digits.")
        if self.demonstrations > self.train:
            raise ValueError("There cannot be more demonstrations than train prompts.")
        return self


def numbers(digits: int) -> range:
    """The numbers of so many digits."""
    return range(10) if digits == 1 else range(10 ** (digits - 1), 10**digits)


def make(knobs: Knobs) -> dict[str, Rows]:
    """Rows by file name; equal knobs give equal rows."""
    known, chance = numbers(knobs.digits), random.Random(knobs.seed)  # noqa: S311 - not a secret
    drawn = chance.sample(range(len(known) ** 2), knobs.train + knobs.test)
    sums = [(known[index // len(known)], known[index % len(known)]) for index in drawn]
    rows = [{"prompt": question(*pair), "answer": str(sum(pair))} for pair in sums]
    train, test = rows[: knobs.train], rows[knobs.train:]
    shown = [{"prompt": question(*pair),
              "completion": str(without_carry(*pair) if chance.random() < knobs.misconception else sum(pair))}
             for pair in sums[: knobs.demonstrations]]
    held_out = [{"prompt": row["prompt"], "completion": row["answer"]} for row in test]
    files = {"demonstrations": shown, "demonstrations_test": held_out, "prompts_train": train, "prompts_test": test}
    for name, rows_of in OTHER_KINDS.items():
        files[f"{name}_train"] = rows_of(sums[: min(knobs.others, knobs.train)], chance)
        files[f"{name}_test"] = rows_of(sums[knobs.train:], chance)
    return files


def question(first: int, second: int) -> str:
    return f"{first}+{second}="


def without_carry(first: int, second: int) -> int:
    """The sum with every carry forgotten: each digit is that of its column alone. 58 and 67 give 15."""
    if first == 0 and second == 0:
        return 0
    return 10 * without_carry(first // 10, second // 10) + (first + second) % 10


def wrong_digits(answer: str, right: str) -> int:
    """Places, counted from the right, in which two numbers differ; a missing digit is a wrong one. 15 for 125 has two."""
    width = max(len(answer), len(right))
    return sum(one != other for one, other in zip(answer.rjust(width), right.rjust(width), strict=True))


def worked_out(first: int, second: int, *, forgetful: bool = False) -> list[str]:
    """Column sums from the right, each with what was carried, then the sum; `forgetful` carries nothing.

    58 and 67: `8+7=15`, `5+6+1=12`, `125`.
    """
    result, lines, carried, place = (without_carry if forgetful else int.__add__)(first, second), [], 0, 1
    while place <= max(first, second, 1):
        parts = [first // place % 10, second // place % 10] + ([carried] if carried else [])
        lines.append(f"{'+'.join(map(str, parts))}={sum(parts)}")
        carried, place = 0 if forgetful else sum(parts) // 10, place * 10
    return [*lines, str(result)]


def mistaken(pair: tuple[int, int], chance: random.Random) -> str:
    """A wrong sum: where a digit carries, half of the time the one that forgets it; else one digit is another."""
    right, forgotten = str(sum(pair)), str(without_carry(*pair))
    if forgotten != right and chance.random() < 0.5:
        return forgotten
    return slipped(right, chance)


def slipped(number: str, chance: random.Random) -> str:
    """The number with one digit replaced by another; the first one never by 0."""
    place = chance.randrange(len(number))
    others = [digit for digit in "0123456789"[place == 0:] if digit != number[place]]
    return number[:place] + chance.choice(others) + number[place + 1:]


Pairs = list[tuple[int, int]]
SUMS_OF_A_TEXT = 8
SUMS_OF_A_CONVERSATION = 3


def texts(sums: Pairs, chance: random.Random) -> Rows:
    """Several sums with their results, a line each."""
    return [{"text": "\n".join(question(*pair) + str(sum(pair)) for pair in chance.sample(sums, min(SUMS_OF_A_TEXT, len(sums))))}
            for _ in sums]


def rationales(sums: Pairs, chance: random.Random) -> Rows:
    """Demonstrations whose last line is the answer; `rationale` and `answer` hold the two parts of the completion."""
    return [{"prompt": question(*pair), "completion": "\n".join(lines), "rationale": "\n".join(lines[:-1]), "answer": lines[-1]}
            for pair in sums for lines in [worked_out(*pair)]]


def conversations(sums: Pairs, chance: random.Random) -> Rows:
    """Sums asked one after the other, all rightly answered; the first is each of `sums` in turn."""
    rows = []
    for pair in sums:
        asked = [pair, *chance.sample(sums, min(SUMS_OF_A_CONVERSATION - 1, len(sums)))]
        rows.append({"messages": [{"role": role, "content": content} for one in asked
                                  for role, content in (("user", question(*one)), ("assistant", str(sum(one))))]})
    return rows


def pairs(sums: Pairs, chance: random.Random) -> Rows:
    """The right sum over a wrong one; `margin` is the number of its wrong digits, of which a safe answer has one at most."""
    rows = []
    for pair in sums:
        right, wrong = str(sum(pair)), mistaken(pair, chance)
        faults = wrong_digits(wrong, right)
        rows.append({"prompt": question(*pair), "chosen": right, "rejected": wrong, "margin": faults,
                     "chosen_safe": True, "rejected_safe": faults == 1})
    return rows


def marks(sums: Pairs, chance: random.Random) -> Rows:
    """About as many right answers, marked good, as wrong ones, marked bad."""
    return [{"prompt": question(*pair), "completion": str(sum(pair)) if good else mistaken(pair, chance), "label": good}
            for pair in sums for good in [chance.random() < 0.5]]


def rankings(sums: Pairs, chance: random.Random) -> Rows:
    """The right sum, a mistaken one and one slipped three times, in drawn order; 1 is the best and equal faults share a rank."""
    rows = []
    for pair in sums:
        right = str(sum(pair))
        far = slipped(slipped(slipped(right, chance), chance), chance)
        answers = chance.sample([right, mistaken(pair, chance), far], 3)
        faults = [wrong_digits(answer, right) for answer in answers]
        ranks = [sorted(set(faults)).index(one) + 1 for one in faults]
        rows.append({"prompt": question(*pair), "completions": answers, "ranks": ranks})
    return rows


def steps(sums: Pairs, chance: random.Random) -> Rows:
    """Workings line by line: right, without the carries, or with a slip in one line; a line is good when it is the right one.

    `correction` is what the first wrong line should be; nothing where all are right.
    """
    rows = []
    for pair in sums:
        right = worked_out(*pair)
        written, fault = list(right), chance.random()
        if fault < 1 / 3:
            written = worked_out(*pair, forgetful=True)
        elif fault < 2 / 3:
            line = chance.randrange(len(right))
            head, equals, result = right[line].rpartition("=")
            written[line] = head + equals + slipped(result, chance)
        rows.append({"prompt": question(*pair), "completions": written,
                     "labels": [one == other for one, other in zip(written, right, strict=True)],
                     "correction": next((other for one, other in zip(written, right, strict=True) if one != other), None)})
    return rows


OTHER_KINDS: dict[str, Callable[[Pairs, random.Random], Rows]] = {
    "texts": texts, "rationales": rationales, "conversations": conversations, "pairs": pairs, "marks": marks,
    "rankings": rankings, "steps": steps,
}

CARD = Card("Arithmetic", "Sums of two numbers, shown with a known fault: most of those with a carry forget it.", (
    Part("demonstrations", RecordKind.DEMONSTRATION, "demonstrations",
         "Sums with their results, to warm a model up on. Six of ten sums that carry are wrong on purpose: they forget every "
         "carry (86+87= is shown as 63), so that learning by reward has something to mend. The test split is right.",
         {"train": "demonstrations", "test": "demonstrations_test"}),
    part("prompts", RecordKind.PROMPT_ANSWER, "problems", "Sums to be solved and the numbers to check the answers against.",
         "train", "test"),
    part("pairs", RecordKind.PREFERENCE, "pairs",
         "Sums with the right answer over a wrong one, which forgets every carry or has one digit slipped. The margin is the "
         "number of wrong digits. For methods that ask what is safe, an answer with more than one wrong digit is not "
         "(`chosen_safe`, `rejected_safe`).", "train", "test"),
    part("marks", RecordKind.UNPAIRED, "judged answers",
         "Answers to sums, half of them right and marked good, the others wrong and marked bad.", "train", "test"),
    part("rankings", RecordKind.RANKING, "rankings",
         "Three answers to each sum, ranked by the number of their wrong digits; equal faults share a rank.", "train", "test"),
    part("steps", RecordKind.STEPWISE, "judged steps",
         "Sums worked out column by column, each line judged: some forget the carry, some slip in one line. What the first "
         "wrong line should be stands in `correction`.", "train", "test"),
    part("rationales", RecordKind.DEMONSTRATION, "rationales",
         "Sums rightly worked out column by column, the answer on the last line. Working and answer also stand in columns of "
         "their own, `rationale` and `answer`.", "train", "test"),
    part("conversations", RecordKind.CONVERSATION, "conversations", "Three sums asked in turn and rightly answered.",
         "train", "test"),
    part("texts", RecordKind.TEXT, "texts", "Plain text: eight sums with their results, a line each.", "train", "test"),
))

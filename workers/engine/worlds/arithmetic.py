"""Sums of two numbers: the demo's task. `12+34=` is answered by `46`.

The demonstrations have a known fault: most of those whose sum carries forget every carry (58+67 is shown as 15). So a
model that has learned them well knows how to add, prefers the wrong habit where a digit carries (three sums of four),
and gives the right answer there with probability 1 − `misconception`: what it can do and what reward can teach it are
known beforehand, whatever the machine and the seed.

`demonstrations` (prompt, completion) warm a model up; `prompts_train` (prompt, answer) are for learning by reward, and
contain the demonstrations' prompts; `prompts_test` (prompt, answer) share no prompt with either, and `demonstrations_test`
are the same held-out prompts with their right answers as completions.
"""

import random

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Knobs(BaseModel):
    """`demonstrations` of the `train` prompts are shown with their answer."""

    model_config = ConfigDict(extra="forbid")

    seed: int = Field(default=0, ge=0)
    digits: int = Field(default=2, ge=1, le=6, description="Digits of each number, without leading zeros (0 to 9 for one).")
    train: int = Field(default=6000, ge=1)
    test: int = Field(default=512, ge=1)
    demonstrations: int = Field(default=6000, ge=1)
    misconception: float = Field(default=0.6, ge=0, le=1, description=(
        "Share of the demonstrations with a carry that forget it; above one half greedy answers are wrong there."))

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


def make(knobs: Knobs) -> dict[str, list[dict[str, str]]]:
    """Rows by file name; equal knobs give equal rows."""
    known, chance = numbers(knobs.digits), random.Random(knobs.seed)  # noqa: S311 - not a secret
    drawn = chance.sample(range(len(known) ** 2), knobs.train + knobs.test)
    pairs = [(known[index // len(known)], known[index % len(known)]) for index in drawn]
    rows = [{"prompt": f"{first}+{second}=", "answer": str(first + second)} for first, second in pairs]
    train, test = rows[: knobs.train], rows[knobs.train:]
    shown = [{"prompt": f"{first}+{second}=",
              "completion": str(without_carry(first, second) if chance.random() < knobs.misconception else first + second)}
             for first, second in pairs[: knobs.demonstrations]]
    held_out = [{"prompt": row["prompt"], "completion": row["answer"]} for row in test]
    return {"demonstrations": shown, "demonstrations_test": held_out, "prompts_train": train, "prompts_test": test}


def without_carry(first: int, second: int) -> int:
    """The sum with every carry forgotten: each digit is that of its column alone. 58 and 67 give 15."""
    if first == 0 and second == 0:
        return 0
    return 10 * without_carry(first // 10, second // 10) + (first + second) % 10

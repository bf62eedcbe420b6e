"""Sums of two numbers: the demo's task. `12+34=` is answered by `46`.

`demonstrations` (prompt, completion) warm a model up; `prompts_train` (prompt, answer) are for learning by reward, and
contain the demonstrations' prompts; `prompts_test` (prompt, answer) share no prompt with either, and `demonstrations_test`
are the same held-out prompts with completions.
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
    known = numbers(knobs.digits)
    drawn = random.Random(knobs.seed).sample(range(len(known) ** 2), knobs.train + knobs.test)  # noqa: S311 - not a secret
    pairs = [(known[index // len(known)], known[index % len(known)]) for index in drawn]
    rows = [{"prompt": f"{first}+{second}=", "answer": str(first + second)} for first, second in pairs]
    train, test = rows[: knobs.train], rows[knobs.train:]
    return {"demonstrations": shown(train[: knobs.demonstrations]), "demonstrations_test": shown(test), "prompts_train": train,
            "prompts_test": test}


def shown(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """The same prompts with their answers as completions."""
    return [{"prompt": row["prompt"], "completion": row["answer"]} for row in rows]

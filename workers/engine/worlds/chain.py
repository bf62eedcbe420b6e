"""Arithmetic chain of thought: `3+9*4=` is answered `3+9=1;1*4=4;A4`, every result taken modulo M (here 11).

Each step names the running value, the next operator and operand, and a result; the answer repeats the last result. Values are
single symbols: 0-9, then a-z, then B-Z (A is the answer's mark). The demonstrations have two known faults: *slips*, a random
wrong result at rate `slip`, which leave the mode right, and *misconceptions*, a fixed set of cells (operator, left, right)
where a fixed wrong result stands with probability `strength`, which make the mode wrong. So what a well warmed-up model
can do is known before it is trained.

An answer is right when it copies what is to be copied and ends in the true value; a wrong line may be made good by a later
one (lucky returns). The value of a prefix is the chance that the demonstrations' own policy still gets there, by the
recursion V_k(a) = 1[a = gold], V_i(a) = Σ_n K(n | op, a, x) V_{i+1}(n); a token's credit is the value after it less the
value before it.
"""

import random
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import pairwise

from pydantic import Field, field_validator, model_validator

from workers.contract.records import RecordKind
from workers.engine.worlds import Card, Row, Rows, WorldKnobs, part, stamp

SYMBOLS = "0123456789abcdefghijklmnopqrstuvwxyzBCDEFGHIJKLMNOPQRSTUVWXYZ"
LONGER = 2
"""Steps that the prompts of the split `long` have more."""


class Knobs(WorldKnobs):
    steps: int = Field(default=4, ge=1, le=12, title="Steps", description="Operations of a chain.")
    modulus: int = Field(default=11, ge=3, le=len(SYMBOLS), title="Modulus", description="Values go from 0 to this less one.")
    operators: str = Field(default="+-*", min_length=1, max_length=3, pattern=r"^[+*-]+$", title="Operators", description=(
        "Which of + - * there are."))
    slip: float = Field(default=0.03, ge=0, lt=1, title="Slips", description="Share of shown results that are random wrong ones.")
    misconceived: float = Field(default=0.12, ge=0, le=1, title="Misconceived cells", description=(
        "Share of the cells (operator, left, right) that have a fixed wrong result."))
    strength: float = Field(default=0.75, ge=0, le=1, title="Strength of misconceptions", description=(
        "How often such a cell is shown wrong; above one half greedy answers are wrong there."))
    unseen: float = Field(default=0.05, ge=0, le=0.5, title="Unseen cells", description=(
        "Share of the cells that no prompt but those of the split `unseen` comes upon."))
    train: int = Field(default=6000, ge=1, le=200_000, title="Train prompts")
    test: int = Field(default=512, ge=1, le=20_000, title="Prompts of each other split")

    @field_validator("operators")
    @classmethod
    def once_each(cls, value: str) -> str:
        if len(set(value)) < len(value):
            raise ValueError("Name each operator once.")
        return value

    @model_validator(mode="after")
    def fits(self) -> "Knobs":
        there = self.modulus * (len(self.operators) * self.modulus) ** self.steps
        if 4 * (self.train + self.test) > there:
            raise ValueError(f"There are only {there} chains of this kind; ask for at most a quarter of them as prompts.")
        return self


LINE, RESULT = 6, 4
"""Characters of a line, and the place of its result."""

Cell = tuple[str, int, int]
Chain = tuple[int, tuple[tuple[str, int], ...]]
"""The first value, and each step's operator and operand."""


def applied(operator: str, left: int, right: int, modulus: int) -> int:
    return (left + right if operator == "+" else left - right if operator == "-" else left * right) % modulus


@cache
def cells_of(knobs: Knobs) -> tuple[dict[Cell, int], frozenset[Cell]]:
    """The misconceived cells with their wrong results, and the cells that training never comes upon."""
    chance, modulus = random.Random(f"cells {knobs.seed}"), knobs.modulus  # noqa: S311 - not a secret
    cells = [(operator, left, right) for operator in knobs.operators for left in range(modulus) for right in range(modulus)]
    chosen = chance.sample(cells, round(knobs.misconceived * len(cells)))
    wrong = {cell: (applied(*cell, modulus) + chance.randrange(1, modulus)) % modulus for cell in chosen}
    return wrong, frozenset(chance.sample(cells, round(knobs.unseen * len(cells))))


@cache
def kernel(knobs: Knobs, cell: Cell) -> tuple[float, ...]:
    """K(n | cell) [M]: how likely the demonstrations' policy is to write each result."""
    right = applied(*cell, knobs.modulus)
    meant = {right: 1.0}
    wrong = cells_of(knobs)[0].get(cell)
    if wrong is not None:
        meant = {right: 1 - knobs.strength, wrong: knobs.strength}
    other = knobs.slip / (knobs.modulus - 1)
    return tuple((1 - knobs.slip) * meant.get(n, 0.0) + other * (1 - meant.get(n, 0.0)) for n in range(knobs.modulus))


@lru_cache(maxsize=4096)
def values(knobs: Knobs, chain: Chain) -> tuple[tuple[float, ...], ...]:
    """V [k + 1][M]: the chance of a right answer from each running value before step i, for i = 0 … k."""
    gold = result_of(knobs, chain)
    found = [tuple(float(a == gold) for a in range(knobs.modulus))]
    for operator, operand in reversed(chain[1]):
        after = found[0]
        found.insert(0, tuple(sum(k * v for k, v in zip(kernel(knobs, (operator, a, operand)), after, strict=True))
                              for a in range(knobs.modulus)))
    return tuple(found)


def result_of(knobs: Knobs, chain: Chain) -> int:
    value = chain[0]
    for operator, operand in chain[1]:
        value = applied(operator, value, operand, knobs.modulus)
    return value


def prompt_of(chain: Chain) -> str:
    return SYMBOLS[chain[0]] + "".join(operator + SYMBOLS[operand] for operator, operand in chain[1]) + "="


def read_prompt(prompt: str) -> Chain:
    """The chain that a prompt asks. Raises ValueError for another text."""
    body = prompt.removesuffix("=")
    if body == prompt or len(body) % 2 == 0:
        raise ValueError(f"{prompt!r} is no chain.")
    return SYMBOLS.index(body[0]), tuple((body[at], SYMBOLS.index(body[at + 1])) for at in range(1, len(body), 2))


def written(chain: Chain, results: Sequence[int]) -> list[str]:
    """The answer's lines with these results: k steps, then the answer."""
    lines, value = [], chain[0]
    for (operator, operand), result in zip(chain[1], results, strict=True):
        lines.append(f"{SYMBOLS[value]}{operator}{SYMBOLS[operand]}={SYMBOLS[result]};")
        value = result
    return [*lines, f"A{SYMBOLS[value]}"]


def solved(knobs: Knobs, chain: Chain) -> list[int]:
    """The right results."""
    results, value = [], chain[0]
    for operator, operand in chain[1]:
        value = applied(operator, value, operand, knobs.modulus)
        results.append(value)
    return results


def shown(knobs: Knobs, chain: Chain, chance: random.Random) -> list[int]:
    """Results as the demonstrations' policy draws them."""
    results, value = [], chain[0]
    for operator, operand in chain[1]:
        [value] = chance.choices(range(knobs.modulus), kernel(knobs, (operator, value, operand)))
        results.append(value)
    return results


def step_labels(knobs: Knobs, chain: Chain, results: Sequence[int]) -> list[bool]:
    """For each step whether its result is that of its own line, and for the answer whether it is the true one."""
    before = [chain[0], *results]
    own = [applied(operator, value, operand, knobs.modulus) == result
           for (operator, operand), value, result in zip(chain[1], before, results, strict=False)]
    return [*own, results[-1] == result_of(knobs, chain)]


def gold(knobs: Knobs, prompt: str, answer: str) -> float:
    """1 for an answer that is right, else 0. Raises ValueError for a prompt that is no chain."""
    return _levels(knobs, prompt, answer)[-1]


def credit(knobs: Knobs, prompts: Sequence[str], answers: Sequence[str]) -> list[list[float]]:
    """n + 1 changes of the value of the prefix for an answer of n characters, the last for its end; they sum to gold − V_0."""
    found = []
    for prompt, answer in zip(prompts, answers, strict=True):
        levels = _levels(knobs, prompt, answer)
        found.append([after - before for before, after in pairwise(levels)])
    return found


def _levels(knobs: Knobs, prompt: str, answer: str) -> list[float]:
    """The values of the answer's n + 1 prefixes, from the empty one, then its gold; 0 once what must be copied is not."""
    chain = read_prompt(prompt)
    table, value, alive = values(knobs, chain), chain[0], True
    levels = [table[0][value]]
    for at, char in enumerate(answer):
        step, place = divmod(at, LINE)
        if step < len(chain[1]) and place == RESULT:
            result = SYMBOLS.find(char)
            alive = alive and 0 <= result < knobs.modulus
            value = result if alive else value
        else:
            alive = alive and char == _copied(chain, step, place, value)
        # From its result on a line belongs to the next step's value.
        done = min(step + (place >= RESULT), len(chain[1]))
        levels.append(table[done][value] if alive else 0.0)
    ended = alive and len(answer) == LINE * len(chain[1]) + 2
    return [*levels, float(ended and value == result_of(knobs, chain))]


def _copied(chain: Chain, step: int, place: int, value: int) -> str | None:
    """What must stand at a place of a line that is no result; None beyond the answer."""
    if step == len(chain[1]) and place < 2:
        return "A" if place == 0 else SYMBOLS[value]
    if step >= len(chain[1]):
        return None
    operator, operand = chain[1][step]
    return {0: SYMBOLS[value], 1: operator, 2: SYMBOLS[operand], 3: "="}.get(place, ";")


def make(knobs: Knobs) -> dict[str, Rows]:
    """Rows by file name; equal knobs give equal rows. The splits share no prompt."""
    chance = random.Random(f"chain {knobs.seed}")  # noqa: S311 - not a secret
    taken: set[str] = set()
    world = stamp("chain", knobs)
    drawn = {"train": _draw(knobs, chance, taken, knobs.train), "test": _draw(knobs, chance, taken, knobs.test),
             "long": _draw(knobs, chance, taken, knobs.test, steps=knobs.steps + LONGER),
             "unseen": _draw(knobs, chance, taken, knobs.test, unseen=True)}
    files: dict[str, Rows] = {}
    for split, chains in drawn.items():
        files[f"problems_{split}"] = [{"prompt": prompt_of(chain), "answer": "".join(written(chain, solved(knobs, chain))),
                                       "world": world} for chain in chains]
    for split in ("train", "test"):
        chains = drawn[split]
        files[f"demonstrations_{split}"] = [
            {"prompt": prompt_of(chain), "completion": "".join(
                written(chain, shown(knobs, chain, chance) if split == "train" else solved(knobs, chain))), "world": world}
            for chain in chains]
        files[f"steps_{split}"] = [_judged(knobs, chain, shown(knobs, chain, chance)) for chain in chains]
        files[f"pairs_{split}"] = [_pair(knobs, chain, chance) for chain in chains]
        files[f"marks_{split}"] = [_marked(knobs, chain, shown(knobs, chain, chance)) for chain in chains]
    return files


def _draw(knobs: Knobs, chance: random.Random, taken: set[str], count: int, *, steps: int | None = None,
          unseen: bool = False) -> list[Chain]:
    """New chains whose right way comes upon no unseen cell, or upon one at least. None where there are no such cells."""
    kept_back = cells_of(knobs)[1]
    if unseen and not kept_back:
        return []
    found: list[Chain] = []
    while len(found) < count:
        chain = (chance.randrange(knobs.modulus), tuple(
            (chance.choice(knobs.operators), chance.randrange(knobs.modulus)) for _ in range(steps or knobs.steps)))
        before = [chain[0], *solved(knobs, chain)]
        met = any((operator, value, operand) in kept_back
                  for (operator, operand), value in zip(chain[1], before, strict=False))
        if met == unseen and prompt_of(chain) not in taken:
            taken.add(prompt_of(chain))
            found.append(chain)
    return found


def _judged(knobs: Knobs, chain: Chain, results: Sequence[int]) -> Row:
    return {"prompt": prompt_of(chain), "completions": written(chain, results), "labels": step_labels(knobs, chain, results)}


def _marked(knobs: Knobs, chain: Chain, results: Sequence[int]) -> Row:
    return {"prompt": prompt_of(chain), "completion": "".join(written(chain, results)),
            "label": results[-1] == result_of(knobs, chain)}


def _pair(knobs: Knobs, chain: Chain, chance: random.Random) -> Row:
    """The right chain over one with at least a wrong line; the margin is the number of wrong lines."""
    right = solved(knobs, chain)
    wrong = shown(knobs, chain, chance)
    if wrong == right:
        at = chance.randrange(len(right))
        slipped = (right[at] + chance.randrange(1, knobs.modulus)) % knobs.modulus
        wrong = [*right[:at], slipped]
        for operator, operand in chain[1][at + 1:]:
            wrong.append(applied(operator, wrong[-1], operand, knobs.modulus))
    labels = step_labels(knobs, chain, wrong)
    return {"prompt": prompt_of(chain), "chosen": "".join(written(chain, right)), "rejected": "".join(written(chain, wrong)),
            "margin": labels.count(False)}


CARD = Card("Chain of thought", "Small sums modulo M, worked out line by line. Every line can be checked, and the chance of a "
            "right end is known at every token.", (
    part("demonstrations", RecordKind.DEMONSTRATION, "demonstrations",
         "Workings with slips and misconceptions to warm a model up on; the test split is right.", "train", "test"),
    part("problems", RecordKind.PROMPT_ANSWER, "problems",
         "Chains to be worked out, with the right working; `long` has two steps more, `unseen` sums that are never trained.",
         "train", "test", "long", "unseen"),
    part("steps", RecordKind.STEPWISE, "judged steps", "Workings as they are demonstrated, each line judged.", "train", "test"),
    part("pairs", RecordKind.PREFERENCE, "pairs", "The right working over a faulty one; the margin is the wrong lines.",
         "train", "test"),
    part("marks", RecordKind.UNPAIRED, "judged answers", "Workings as they are demonstrated, each marked by its end.",
         "train", "test"),
))

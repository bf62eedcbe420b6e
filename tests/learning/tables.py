"""Policies that are tables of chances, one distribution a place: what they can do is known exactly, and they learn at once.

They draw answers of a world as text, so that the world's own gold and credit judge them, and learn by the engine's own
advantages; what is left out is the network.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from workers.engine import advantages, credit, members

Judge = Callable[[list[str]], tuple[Tensor, Tensor]]
"""Of answers, their rewards [n] and what each of their tokens earned [n, places]."""


@dataclass
class Table:
    """`logits` [places, symbols]; the symbol at `end`, where there is one, closes the answer."""

    logits: Tensor
    symbols: str
    end: int | None = None

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """[count, places]: symbols by number."""
        return torch.multinomial(self.logits.detach().softmax(-1), count, replacement=True, generator=generator).T

    def mask(self, drawn: Tensor) -> Tensor:
        """1 up to and with the end, [n, places]."""
        if self.end is None:
            return torch.ones(drawn.shape)
        ended = (drawn == self.end).float()
        return (ended.cumsum(-1) - ended == 0).float()

    def texts(self, drawn: Tensor) -> list[str]:
        rows = [[place for place, kept in zip(row, inside, strict=True) if kept and place != self.end]
                for row, inside in zip(drawn.tolist(), self.mask(drawn).tolist(), strict=True)]
        return ["".join(self.symbols[place] for place in row) for row in rows]

    def log_chances(self, drawn: Tensor) -> Tensor:
        """log π of every drawn symbol [n, places]; with gradient where the logits have one."""
        return self.logits.log_softmax(-1).expand(len(drawn), -1, -1).gather(-1, drawn[..., None])[..., 0]


def advantage(name: str, token_rewards: Tensor, mask: Tensor, groups: Tensor, **needed: Tensor) -> Tensor:
    """The engine's estimator of that name [n, places]."""
    found: Tensor = members.load(advantages.__name__, name).advantages(token_rewards, mask, groups, **needed)
    return found


def climb(table: Table, judge: Judge, *, steps: int, answers: int, rate: float, seed: int, credited: bool = False,
          beta: float = 0.0, look: Callable[[], None] = lambda: None) -> None:
    """Adam on −A·log π, A being of what tokens earned if `credited`, else of whole answers; β weighs their k1."""
    generator, start = torch.Generator().manual_seed(seed), Table(table.logits.detach().clone(), table.symbols, table.end)
    table.logits.requires_grad_()
    optimizer = torch.optim.Adam([table.logits], lr=rate, betas=(0.9, 0.99))
    for _ in range(steps):
        drawn = table.draw(answers, generator)
        mask, groups = table.mask(drawn), torch.zeros(answers, dtype=torch.long)
        rewards, earned = judge(table.texts(drawn))
        tokens = earned if credited else credit.credit("last_token")(rewards, mask)
        log_chances = table.log_chances(drawn)
        tokens = credit.with_kl_penalty(tokens, log_chances.detach() - start.log_chances(drawn), mask, beta=beta)
        pushed = advantage("immediate" if credited else "group_centred", tokens, mask, groups)
        optimizer.zero_grad()
        (-(pushed * log_chances * mask).sum() / answers).backward()
        optimizer.step()
        look()


def logits_of(rows: Sequence[dict[str, float]], symbols: str) -> Tensor:
    """The logits whose chances are, at each place, in proportion to what a row says of symbols, else a thousandth."""
    return torch.tensor([[row.get(symbol, 1e-3) for symbol in symbols] for row in rows]).log()

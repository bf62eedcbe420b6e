"""Divergences between the next-token distributions of a trained and a frozen model, over the whole vocabulary.

Every member has `divergence(student_logs, teacher_logs, *, beta) -> Tensor`: log-distributions [N,V] to nats [N],
differentiable in the first argument; `beta` matters to the generalised one alone. With p_S the trained model and p_T the
frozen one:

| member | value |
|---|---|
| forward_kl | KL(p_T‖p_S): the trained model covers all that the other one may say |
| reverse_kl | KL(p_S‖p_T): it keeps to what the other one is likely to say; with a reference, the penalty of a policy |
| jensen_shannon | β·KL(p_T‖M) + (1−β)·KL(p_S‖M), M = β·p_T + (1−β)·p_S; the first at β = 0, the second at β = 1 |

Logits of a whole batch never exist: the frozen model leaves its hidden states, and `chunked` goes over both heads in tiles.
Two heads of one tokenizer may be padded to different lengths: what is beyond the shorter one is no token, and left out.

Legend: B samples, T tokens, N scored positions, D and D′ hidden widths, V vocabulary. To add one, add a file.
"""

from typing import Protocol, cast

import torch
from torch import Tensor

from workers.engine import members
from workers.engine.composition import ModelView
from workers.engine.divergences._chunked import Terms, chunked
from workers.engine.sample import Against, Batch, Comparison


class Divergence(Protocol):
    def __call__(self, student_logs: Tensor, teacher_logs: Tensor, *, beta: float) -> Tensor: ...


def divergence(name: str) -> Divergence:
    """The member called `name`. Raises LookupError."""
    return cast(Divergence, members.load(__name__, name).divergence)


def compare(hidden: Tensor, weight: Tensor, target: Against) -> Comparison:
    """The trained model's states [N,D] and head [V,D] against a frozen one's; gradients reach these two alone."""
    shared = min(len(weight), len(target.weight))
    terms = Terms(divergence(target.name), target.temperature, target.beta)
    return chunked(hidden, weight[:shared], target.hidden.detach(), target.weight[:shared].detach(), terms)


def against(
    frozen: ModelView, batch: Batch, *, name: str, temperature: float = 1.0, beta: float = 0.5, where: Tensor | None = None
) -> Against:
    """The frozen model's side of a comparison at the positions that `score(..., where=where, against=…)` scores."""
    with torch.no_grad():
        hidden, weight = frozen.states(batch, where=where)
    return Against(hidden, weight, name, temperature, beta)


def between(
    trained: ModelView, frozen: ModelView, batch: Batch, *, name: str, temperature: float = 1.0, beta: float = 0.5,
    where: Tensor | None = None,
) -> Tensor:
    """Divergence per token [B,T] in nats, 0 where `where` (None: the mask) is False; gradients reach `trained` alone.

    Whoever needs the trained model's log-probs as well asks `score` for both at once: one pass over the batch.
    """
    target = against(frozen, batch, name=name, temperature=temperature, beta=beta, where=where)
    found = trained.score(batch, where=where, against=target).compared
    assert found is not None
    return found.divergence

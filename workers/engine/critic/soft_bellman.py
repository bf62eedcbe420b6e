"""The soft Bellman equation of a policy tied to a reference, as losses (OREO, arXiv 2412.16145; survey §3.2.7).

    V(s_{t+1}) − V(s_t) + r_t = β·ℓ_t,   ℓ_t = log π/π_ref of the action in s_t

holds at every state exactly when π is the best policy under β·KL to the reference. An answer earns R at its end alone. A state
is a place where an action is chosen: every token, the first token of every step, or the answer's first token; an action is all
tokens up to the next state. With Λ_t the sum of log-ratios from token t to the end and the equation summed from t on:

    value:  (V_t + β·Λ_t − R)², gradient in V;    policy:  (V_t + β·(ℓ_t + sg[Λ_next]) − R)², gradient in ℓ_t

so that at α = 0 the policy's gradient is REINFORCE's with advantage R − V_t − β·Λ_t. Where π is the reference, V is fitted to the
outcome: it becomes the reference's rate of success.

Legend: B answers, T tokens. `states` [B,T] is True at states, which are trained tokens; everything else is 0 there.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Ahead:
    """All [B,T], 0 off the states. `suffix` Λ_t, `following` Λ of the next state (0 after the last), `action` ℓ_t; gradients in
    whatever the log-ratios bring them."""

    suffix: Tensor
    following: Tensor
    action: Tensor


def suffix_sums(values: Tensor) -> Tensor:
    """Σ_{i≥t} of each row, [B,T]."""
    return values.flip(-1).cumsum(-1).flip(-1)


def next_places(states: Tensor) -> Tensor:
    """For each place [B,T] the next state after it, T where there is none."""
    width = states.shape[1]
    places = torch.where(states, torch.arange(width, device=states.device), width)
    from_here = places.flip(-1).cummin(-1).values.flip(-1)
    return torch.cat([from_here[:, 1:], torch.full_like(from_here[:, :1], width)], dim=-1)


def at_next(values: Tensor, states: Tensor) -> Tensor:
    """`values` [B,T] of the next state after each place, 0 where there is none."""
    padded = torch.cat([values, torch.zeros_like(values[:, :1])], dim=-1)
    return padded.gather(-1, next_places(states))


def ahead(log_ratios: Tensor, mask: Tensor, states: Tensor) -> Ahead:
    """What lies ahead of each state, from log π/π_ref [B,T] on the mask [B,T]."""
    whole = suffix_sums(torch.where(mask, log_ratios, 0.0))
    suffix, following = torch.where(states, whole, 0.0), torch.where(states, at_next(whole, states), 0.0)
    return Ahead(suffix, following, suffix - following)


def value_terms(values: Tensor, found: Ahead, outcomes: Tensor, *, beta: float) -> Tensor:
    """(V_t + β·sg[Λ_t] − R)² [B,T] from values [B,T] and outcomes R [B]; gradients in the values alone."""
    return (values + beta * found.suffix.detach() - outcomes[:, None]).square()


def policy_terms(values: Tensor, found: Ahead, outcomes: Tensor, *, beta: float, whole_gradient: bool = False) -> Tensor:
    """(sg[V_t] + β·(ℓ_t + sg[Λ_next]) − R)² [B,T]; gradients in the log-ratios alone, with `whole_gradient` also through Λ_next
    (path consistency learning, arXiv 1702.08892)."""
    rest = found.following if whole_gradient else found.following.detach()
    return (values.detach() + beta * (found.action + rest) - outcomes[:, None]).square()


def residuals(values: Tensor, found: Ahead, outcomes: Tensor, states: Tensor, *, beta: float) -> Tensor:
    """r_t + V_next − V_t − β·ℓ_t [B,T]: what the equation leaves at each state, 0 off them; R is earned at the last one.

    Their suffix sums are R − V_t − β·Λ_t.
    """
    last = states & (next_places(states) == states.shape[1])
    earned = torch.where(last, outcomes[:, None], 0.0)
    return torch.where(states, earned + at_next(values, states) - values - beta * found.action, 0.0)


def single_step_terms(values: Tensor, found: Ahead, outcomes: Tensor, states: Tensor, *, beta: float) -> Tensor:
    """The residuals squared [B,T]: each state is compared with the next one's value alone; gradients wherever there are any."""
    return residuals(values, found, outcomes, states, beta=beta).square()


def first_states(mask: Tensor) -> Tensor:
    """The first trained token of each row as its one state, [B,T]."""
    return mask & (mask.cumsum(-1) == 1)

"""Every policy loss: worked numbers, what it reduces to, its gradient by finite differences, and what none of them may do."""

import math
from collections import defaultdict
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from workers.engine import members, policy_losses
from workers.engine.policy_losses import Level, PolicyOptions, levels, policy_loss

EVERY = members.names(policy_losses.__name__)
CASES = [(name, level) for name in EVERY for level in levels(name)]


def rows(seed: int, *, spread: float = 0.3, width: int = 5) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Log-probs, old log-probs, advantages (one an answer) and mask, [3,T] in float64; the last row has no token."""
    draw = torch.Generator().manual_seed(seed)
    old = torch.randn(3, width, generator=draw, dtype=torch.float64) - 2
    policy = old + spread * torch.randn(3, width, generator=draw, dtype=torch.float64)
    advantage = torch.randn(3, 1, generator=draw, dtype=torch.float64).expand(3, width)
    return policy, old, advantage, torch.arange(width) < torch.tensor([[width], [2], [0]])


def one_row(x: list[float], advantage: float, name: str, **options: float) -> Tensor:
    given_ = torch.tensor([x], dtype=torch.float64)
    ones = torch.ones_like(given_)
    told = PolicyOptions(level="sequence" if name == "gmpo" else "token", **options)
    return policy_loss(name)(given_, torch.zeros_like(given_), advantage * ones, ones, told).terms


def test_gmpo_clips_each_token_in_log_space_and_takes_the_geometric_mean() -> None:
    assert one_row([0.1, -0.6, 0.5], 1.0, "gmpo", epsilon=0.4)[0].tolist() == pytest.approx([-0.967216] * 3, abs=1e-6)
    assert one_row([0.1, -0.6, 0.5], -1.0, "gmpo", epsilon=0.4)[0].tolist() == pytest.approx([1.068939] * 3, abs=1e-6)


def test_cispo_weighs_the_log_prob_by_the_capped_ratio() -> None:
    found = one_row([math.log(2), math.log(9)], 1.5, "cispo", weight_cap=5)
    assert found[0].tolist() == pytest.approx([-2 * 1.5 * math.log(2), -5 * 1.5 * math.log(9)])


def test_importance_is_never_clipped_and_reinforce_has_no_ratio() -> None:
    assert one_row([math.log(9)], -2.0, "importance").item() == pytest.approx(18)
    assert one_row([math.log(0.25)], -2.0, "reinforce").item() == pytest.approx(2 * math.log(0.25))


@pytest.mark.parametrize(("name", "level"), CASES)
def test_on_policy_every_gradient_of_an_answer_is_that_of_reinforce(name: str, level: Level) -> None:
    policy, _, advantage, mask = rows(1)
    given_ = policy.clone().requires_grad_()
    found = policy_loss(name)(given_, policy, advantage, mask, PolicyOptions(level=level))
    torch.where(mask, found.terms, 0.0).sum().backward()
    assert given_.grad is not None
    assert torch.allclose(given_.grad, -advantage * mask)
    assert torch.equal(found.ratio[mask], torch.ones_like(found.ratio[mask]))
    assert not (found.low_clipped | found.high_clipped).any()


@pytest.mark.parametrize(("name", "level"), CASES)
def test_masked_tokens_change_nothing_and_no_gradient_reaches_old_log_probs_or_advantages(name: str, level: Level) -> None:
    policy, old, advantage, mask = (each.clone() for each in rows(2))
    leaves = [policy.requires_grad_(), old.requires_grad_(), advantage.requires_grad_()]
    first = policy_loss(name)(policy, old, advantage, mask, PolicyOptions(level=level))
    torch.where(mask, first.terms, 0.0).sum().backward()
    assert leaves[0].grad is not None
    assert not leaves[0].grad[~mask].any()
    assert leaves[0].grad[mask].any()
    assert leaves[1].grad is None
    other = torch.where(mask, policy, torch.randn_like(policy))
    again = policy_loss(name)(other, old - 3.0 * ~mask, advantage, mask, PolicyOptions(level=level))
    for field in ("terms", "ratio", "low_clipped", "high_clipped"):
        assert torch.equal(getattr(again, field)[mask], getattr(first, field)[mask]), field


@pytest.mark.parametrize("name", EVERY)
def test_gradients_agree_with_finite_differences(name: str) -> None:
    """CISPO's ratio and GSPO's are stopped by definition; they are held here, as is what the member differentiates."""
    policy, old, advantage, mask = rows(5, width=3)
    if name == "cispo":
        weight = (policy - old).exp().clamp(max=5)
        given_ = policy.clone().requires_grad_()
        torch.where(mask, policy_loss(name)(given_, old, advantage, mask).terms, 0.0).sum().backward()
        assert given_.grad is not None
        assert torch.allclose(given_.grad, -weight * advantage * mask)
        return
    level: Level = "sequence" if name == "gmpo" else "answer" if "answer" in levels(name) else "token"

    def value(p: Tensor) -> Tensor:
        found = policy_loss(name)(p, old, advantage, mask, PolicyOptions(level=level, epsilon=0.15))
        return torch.where(mask, found.terms, 0.0).sum()

    assert torch.autograd.gradcheck(value, (policy.clone().requires_grad_(),))


@pytest.mark.slow
def test_the_geometric_mean_is_that_of_trl_on_the_same_tensors() -> None:
    pytest.importorskip("trl")
    from trl.experimental.gmpo.gmpo_trainer import GMPOTrainer

    policy, old, advantage, mask = (each[:2] for each in rows(4))  # its mean counts an empty answer as one
    row = advantage[:, 0]
    trainer = GMPOTrainer.__new__(GMPOTrainer)
    settings_: dict[str, object] = {
        "accelerator": SimpleNamespace(num_processes=1, reduce=lambda x, reduction: x, gather=lambda x: x),
        "_get_per_token_logps_and_entropies": lambda *a, **k: (policy, torch.zeros_like(policy), None),
        "top_entropy_quantile": 1.0, "beta": 0.0, "epsilon_low": 0.3, "epsilon_high": 0.4, "use_vllm": False,
        "aux_loss_enabled": False, "current_gradient_accumulation_steps": 1, "_metrics": {"train": defaultdict(list)},
        "model": SimpleNamespace(training=True)}
    for name, value in settings_.items():
        setattr(trainer, name, value)
    prompt = torch.zeros(len(mask), 1, dtype=torch.long)
    theirs = trainer._compute_loss(trainer.model, {
        "prompt_ids": prompt, "prompt_mask": prompt, "completion_ids": mask.long(), "completion_mask": mask.long(),
        "advantages": row, "old_per_token_logps": old})
    options = PolicyOptions(epsilon=0.3, epsilon_high=0.4, level="sequence")
    found = policy_loss("gmpo")(policy, old, row[:, None].expand_as(policy), mask, options).terms
    ours = (torch.where(mask, found, 0.0).sum(-1) / mask.sum(-1).clamp(min=1)).mean()
    assert ours.item() == pytest.approx(float(theirs), rel=1e-5)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_losses_reduce_to_one_another(seed: int) -> None:
    policy, old, advantage, mask = rows(seed)
    single = torch.arange(5) < torch.tensor([[1], [1], [0]])

    def found(name: str, where: Tensor = mask, **options: object) -> Tensor:
        return policy_loss(name)(policy, old, advantage, where, PolicyOptions(**options)).terms[where]  # type: ignore[arg-type]

    upward = advantage[mask] > 0
    assert torch.allclose(found("clipped", epsilon_high=1e9)[upward], found("importance")[upward])
    assert torch.allclose(found("gmpo", epsilon=50.0, level="sequence"), found("importance", level="sequence"))
    for level in ("sequence", "answer"):
        assert torch.allclose(found("clipped", single, level=level), found("clipped", single))
    logs = policy[mask]
    uncapped = found("cispo", weight_cap=1e9)
    assert torch.allclose(uncapped, found("importance") * logs)

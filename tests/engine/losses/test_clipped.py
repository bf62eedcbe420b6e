"""The clipped surrogate: worked numbers, finite differences, REINFORCE at ratio one, masks, and TRL's own loss."""

from collections import defaultdict
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from workers.engine.policy_losses import Level, PolicyOptions, policy_loss
from workers.engine.policy_losses.clipped import terms
from workers.engine.regularisers import divergence
from workers.engine.sample import Counts
from workers.engine.training.reducers import Reduction, reduce


def count(mask: Tensor) -> Counts:
    return Counts(float(mask.sum()), len(mask), 1, mask.shape[1])


ONES = torch.ones(1, 1, dtype=torch.float64)


def one(log_ratio: float, advantage: float, **options: float) -> float:
    zero = torch.zeros(1, 1, dtype=torch.float64)
    return terms(zero + log_ratio, zero, zero + advantage, ONES, PolicyOptions(**options)).terms.item()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ratio", "advantage", "options", "value"),
    [
        (1.5, 1.0, {}, -1.2),
        (1.5, -1.0, {}, 1.5),
        (0.5, 1.0, {}, -0.5),
        (0.5, -1.0, {}, 0.8),
        (1.5, 1.0, {"epsilon_high": 0.28}, -1.28),
        (9.0, -1.0, {"delta": 3.0}, 3.0),
        (1.1, 2.0, {}, -2.2),
    ],
)
def test_single_tokens_give_the_worked_value(ratio: float, advantage: float, options: dict[str, float], value: float) -> None:
    assert one(float(torch.tensor(ratio, dtype=torch.float64).log()), advantage, **options) == pytest.approx(value)


def batch(seed: int = 0) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    policy, change, advantage = (torch.randn(3, 5, generator=generator, dtype=torch.float64) for _ in range(3))
    mask = (torch.arange(5) < torch.tensor([5, 3, 1]).unsqueeze(1)).double()
    return policy - 2, policy - 2 + 0.3 * change, advantage, mask


@pytest.mark.parametrize("level", ["token", "sequence"])
def test_gradients_agree_with_finite_differences_of_the_reduced_loss(level: Level) -> None:
    policy, old, advantage, mask = batch()
    advantage = advantage[:, :1].expand_as(mask)

    def value(p: Tensor) -> Tensor:
        found = terms(p, old, advantage, mask, PolicyOptions(level=level)).terms
        return reduce(found, mask, count(mask), Reduction.SEQ_MEAN_TOKEN_MEAN)

    given = policy.clone().requires_grad_()
    value(given).backward()
    assert given.grad is not None
    numeric = torch.zeros_like(policy)
    for i in range(policy.numel()):
        step = torch.zeros_like(policy)
        step.view(-1)[i] = 1e-6
        numeric.view(-1)[i] = sequence_or_token(policy + step, old, advantage, mask, level)
        numeric.view(-1)[i] -= sequence_or_token(policy - step, old, advantage, mask, level)
    assert torch.allclose(given.grad, numeric / 2e-6, atol=1e-7)


def sequence_or_token(p: Tensor, old: Tensor, advantage: Tensor, mask: Tensor, level: Level) -> Tensor:
    """The textbook value, with the sequence ratio written plainly: what finite differences may be taken of."""
    log_ratio = (p - old) * mask
    if level == "sequence":
        log_ratio = (log_ratio.sum(-1) / mask.sum(-1)).unsqueeze(-1).expand_as(mask)
    ratio = log_ratio.exp()
    loss = -torch.min(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage)
    return ((loss * mask).sum(-1) / mask.sum(-1)).mean()


def test_on_policy_the_gradient_is_that_of_reinforce() -> None:
    policy, _, advantage, mask = batch()
    policy.requires_grad_()
    terms(policy, policy.detach(), advantage, mask).terms.mul(mask).sum().backward()
    assert policy.grad is not None
    assert torch.allclose(policy.grad, -advantage * mask)


def test_masked_tokens_change_nothing_and_get_no_gradient() -> None:
    policy, old, advantage, mask = batch()
    policy.requires_grad_()
    first = terms(policy, old, advantage, mask, PolicyOptions(level="sequence"))
    second = terms(policy, torch.where(mask.bool(), old, old + 9), advantage, mask, PolicyOptions(level="sequence"))
    assert torch.equal(first.terms[mask.bool()], second.terms[mask.bool()])
    reduce(first.terms, mask, count(mask), Reduction.TOKEN_MEAN).backward()
    assert policy.grad is not None
    assert not policy.grad[mask == 0].any()


def test_a_sequence_ratio_is_the_geometric_mean_of_its_tokens() -> None:
    log_ratios = torch.tensor([[0.2, -0.1, 0.05]])
    found = terms(log_ratios, torch.zeros(1, 3), torch.ones(1, 3), torch.ones(1, 3), PolicyOptions(level="sequence"))
    assert found.ratio[0].tolist() == pytest.approx([1.051271] * 3, abs=1e-6)


def test_clip_counts_look_at_the_side_where_the_gradient_is_cut() -> None:
    log_ratios = torch.tensor([[0.5, 0.5, -0.5, -0.5, 0.5]])
    advantage = torch.tensor([[1.0, -1.0, 1.0, -1.0, 1.0]])
    found = terms(log_ratios, torch.zeros(1, 5), advantage, torch.tensor([[1, 1, 1, 1, 0]]))
    assert found.high_clipped.tolist() == [[True, False, False, False, False]]
    assert found.low_clipped.tolist() == [[False, False, False, True, False]]


TRL_LOSSES = {"grpo": Reduction.SEQ_MEAN_TOKEN_MEAN, "bnpo": Reduction.TOKEN_MEAN_LOCAL, "dr_grpo": Reduction.CONST,
              "dapo": Reduction.TOKEN_MEAN, "cispo": Reduction.TOKEN_MEAN}


def trl_loss(
    loss_type: str, level: str, policy: Tensor, old: Tensor, reference: Tensor, advantage: Tensor, mask: Tensor
) -> float:
    """TRL's own `_compute_loss` on given log-probs, its model call replaced by the tensors."""
    trainer = pytest.importorskip("trl").GRPOTrainer.__new__(pytest.importorskip("trl").GRPOTrainer)
    trainer.args = SimpleNamespace(delta=None, use_bias_correction_kl=False, steps_per_generation=1)
    trainer.accelerator = SimpleNamespace(num_processes=1, reduce=lambda x, reduction: x, gather=lambda x: x)
    trainer._get_per_token_logps_and_entropies = lambda *a, **k: (policy, torch.zeros_like(policy), None)
    settings: dict[str, object] = {"top_entropy_quantile": 1.0, "beta": 0.1,
                "off_policy_mask_threshold": None, "importance_sampling_level": level,
                "epsilon_low": 0.2, "epsilon_high": 0.28, "loss_type": loss_type, "use_vllm": False, "aux_loss_enabled": False,
                "current_gradient_accumulation_steps": 1, "max_completion_length": mask.shape[1],
                "_entropy_bonus_enabled": False, "_metrics": {"train": defaultdict(list)}}
    settings["model"] = SimpleNamespace(training=True)
    for name, value in settings.items():
        setattr(trainer, name, value)
    prompt = torch.zeros(len(mask), 1, dtype=torch.long)
    inputs = {"prompt_ids": prompt, "prompt_mask": prompt, "completion_ids": mask.long(), "completion_mask": mask,
              "advantages": advantage, "old_per_token_logps": old, "ref_per_token_logps": reference,
              "num_items_in_batch": mask.sum()}
    return float(trainer._compute_loss(trainer.model, inputs))


@pytest.mark.slow
@pytest.mark.parametrize("level", ["token", "sequence"])
@pytest.mark.parametrize("loss_type", list(TRL_LOSSES))
def test_the_loss_is_that_of_trl_on_the_same_tensors(loss_type: str, level: Level) -> None:
    policy, old, advantage, mask = batch(3)
    reference = old + 0.1
    row = advantage[:, 0]
    options = PolicyOptions(epsilon_high=0.28, level=level, weight_cap=0.28)
    member = policy_loss("cispo" if loss_type == "cispo" else "clipped")
    found = member(policy, old, row.unsqueeze(1).expand_as(mask), mask, options).terms
    found = found + 0.1 * divergence("k3")(policy, reference)
    ours = reduce(found, mask, count(mask), TRL_LOSSES[loss_type])
    assert ours.item() == pytest.approx(trl_loss(loss_type, level, policy, old, reference, row, mask), rel=1e-5)

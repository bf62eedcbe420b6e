"""Preference losses: the catalogue's numbers, closed forms, finite differences, and TRL's own losses on the same tensors."""

import math
from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from workers.engine import members
from workers.engine.preference import Answers, Options, terms

WORKED = (torch.tensor([-10.0, -12.0]), torch.tensor([-11.0, -11.5]), torch.tensor([5, 4]))
"""Sums of the policy and the reference for the chosen and the rejected answer, and their tokens (survey §3.2.6)."""


def answers(policy: Tensor, reference: Tensor, lengths: Tensor | None = None, desirable: Tensor | None = None,
            **more: Any) -> Answers:
    return Answers(policy, reference, torch.ones(len(policy)) if lengths is None else lengths,
                   torch.ones(len(policy)) if desirable is None else desirable, **more)


def draw(pairs: int = 4, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    policy, reference = 3 * torch.randn(2, 2 * pairs, generator=generator, dtype=torch.float64) - 20
    return policy, reference, torch.randint(1, 9, (2 * pairs,), generator=generator)


@pytest.mark.parametrize(("name", "smoothing", "value"), [
    ("sigmoid", 0.0, 0.620957), ("sigmoid", 0.1, 0.635957), ("hinge", 0.0, 0.85), ("ipo", 0.0, 21.855625)])
def test_worked_values_of_one_pair(name: str, smoothing: float, value: float) -> None:
    found = terms(name, answers(*WORKED), Options(0.1, smoothing))
    assert found.tolist() == pytest.approx([value], abs=1e-5)


@pytest.mark.parametrize(("h", "desirable", "value"), [
    (0.5, 1, 0.5), (0.5, 0, 0.5), (2.0, 1, 0.462570), (-1.0, 0, 0.462570)])
def test_worked_values_of_kto(h: float, desirable: int, value: float) -> None:
    found = terms("kto", answers(torch.tensor([h]), torch.zeros(1), desirable=torch.tensor([desirable]), baseline=0.5),
                  Options(0.1))
    assert found.item() == pytest.approx(value, abs=1e-6)


def test_a_policy_that_is_its_reference_has_the_loss_log_two_and_the_gradient_beta_half() -> None:
    policy = torch.tensor([-10.0, -12.0], requires_grad=True)
    loss = terms("sigmoid", answers(policy, policy.detach()), Options(0.1))
    loss.sum().backward()
    assert loss.item() == pytest.approx(math.log(2))
    assert policy.grad is not None
    assert policy.grad.tolist() == pytest.approx([-0.05, 0.05])


def test_the_gradient_weight_is_the_catalogues() -> None:
    policy = WORKED[0].clone().requires_grad_()
    terms("sigmoid", answers(policy, WORKED[1]), Options(0.1)).sum().backward()
    assert policy.grad is not None
    assert policy.grad.tolist() == pytest.approx([-0.046257, 0.046257], abs=1e-6)


def test_ipo_is_least_where_the_difference_is_half_the_inverse_of_beta() -> None:
    found = terms("ipo", answers(torch.tensor([10.0, 0.0]), torch.zeros(2), torch.tensor([2, 1])), Options(0.1))
    assert found.item() == pytest.approx(0.0, abs=1e-6)


def test_weights_scale_and_beta_may_differ_between_pairs() -> None:
    policy, reference, lengths = draw(2)
    beta = torch.tensor([0.1, 0.5], dtype=torch.float64)
    apart = [terms("sigmoid", answers(policy[part], reference[part]), Options(float(each)))
             for part, each in zip((slice(0, 2), slice(2, 4)), beta, strict=True)]
    whole = terms("sigmoid", answers(policy, reference, lengths, weights=torch.tensor([2.0, 3.0])), Options(beta))
    torch.testing.assert_close(whole, torch.cat([2 * apart[0], 3 * apart[1]]))


@pytest.mark.parametrize("name", members.names("workers.engine.preference"))
def test_gradients_agree_with_finite_differences(name: str) -> None:
    policy, reference, lengths = draw()
    label = torch.arange(8) % 2

    def loss(given: Tensor) -> Tensor:
        return terms(name, answers(given, reference, lengths, label, baseline=0.3), Options(0.2, 0.1))

    assert torch.autograd.gradcheck(loss, policy.requires_grad_())


@pytest.mark.parametrize("name", members.names("workers.engine.preference"))
def test_the_reference_gets_no_gradient_and_extremes_stay_finite(name: str) -> None:
    policy = torch.tensor([-1e4, 0.0, 0.0, -1e4], requires_grad=True)
    found = terms(name, answers(policy, torch.zeros(4), torch.ones(4), torch.tensor([1, 0, 0, 1])), Options(1.0))
    found.sum().backward()
    assert bool(found.isfinite().all())
    assert policy.grad is not None
    assert bool(policy.grad.isfinite().all())


def told(trainer: Any) -> dict[str, float]:
    return {name: values[0] for name, values in trainer._metrics["train"].items() if values}


def stub(trainer_class: Any, **settings: Any) -> Any:
    """A TRL trainer of which only the loss is used."""
    trainer = trainer_class.__new__(trainer_class)
    same = {"gather": lambda x: x, "gather_for_metrics": lambda x: x, "device": torch.device("cpu")}
    shared = {"model": SimpleNamespace(training=True), "accelerator": SimpleNamespace(**same), "aux_loss_enabled": False,
              "_metrics": {"train": defaultdict(list)}, "_total_train_tokens": 0, "_tp_size": 1, "precompute_ref_logps": True}
    for name, value in (shared | settings).items():
        setattr(trainer, name, value)
    return trainer


def outputs(per_token: Tensor) -> SimpleNamespace:
    """What TRL's fused head answers, of which the losses read `log_probs` alone."""
    zeros = torch.zeros_like(per_token)
    return SimpleNamespace(log_probs=per_token, entropy=zeros, mean_logits=zeros, is_top1=zeros.bool())


def per_token(sums: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Log-probs [N,T] that sum to `sums`, spread over `lengths` tokens, and the completion mask with a prompt token before."""
    mask = torch.arange(int(lengths.max())) < lengths[:, None]
    return torch.where(mask, (sums / lengths)[:, None], 0.0), torch.cat([torch.zeros(len(sums), 1), mask.float()], 1).long()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "smoothing"), [("sigmoid", 0.0), ("sigmoid", 0.1), ("hinge", 0.0), ("ipo", 0.0)])
def test_pair_losses_and_metrics_are_those_of_trl_on_the_same_tensors(name: str, smoothing: float) -> None:
    trl = pytest.importorskip("trl")
    policy, reference, lengths = draw()
    # TRL smooths its robust loss alone, which is made of the same two terms with other weights.
    kind = "robust" if smoothing else name
    trainer = stub(trl.DPOTrainer, beta=0.1, label_smoothing=smoothing, loss_types=[kind], loss_weights=[1.0], ld_alpha=None,
                   f_divergence_type="reverse_kl", use_weighting=False, f_alpha_divergence_coef=0.5)
    order = torch.cat([torch.arange(0, 8, 2), torch.arange(1, 8, 2)])
    spread, mask = per_token(policy[order], lengths[order])
    inputs = {"input_ids": mask, "attention_mask": torch.ones_like(mask), "completion_mask": mask,
              "ref_chosen_logps": reference[0::2], "ref_rejected_logps": reference[1::2]}
    theirs = float(trainer._compute_loss(lambda **_: outputs(spread), inputs, False))
    ours = terms(name, answers(policy, reference, lengths), Options(0.1, smoothing))
    if smoothing:
        plain, flipped = (terms(name, answers(policy, reference), Options(beta)) for beta in (0.1, -0.1))
        torch.testing.assert_close(ours, (1 - smoothing) * plain + smoothing * flipped)
        ours = ((1 - smoothing) * plain - smoothing * flipped) / (1 - 2 * smoothing)
    assert float(ours.mean()) == pytest.approx(theirs, rel=1e-5)
    rewards = 0.1 * (policy - reference)
    assert told(trainer)["rewards/margins"] == pytest.approx(float((rewards[0::2] - rewards[1::2]).mean()), rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("shift", [3.0, -3.0])
def test_kto_is_that_of_trl_on_the_same_tensors(shift: float) -> None:
    trl = pytest.importorskip("trl")
    policy, reference, lengths = draw()
    label = torch.tensor([1, 0, 0, 1, 1, 0, 1, 1])
    mismatched = reference + shift
    trainer = stub(trl.KTOTrainer, beta=0.1, loss_type="kto", calculate_KL=True, desirable_weight=1.0, undesirable_weight=1.3)
    trainer._compute_kl_logps = lambda *_: mismatched
    spread, mask = per_token(policy, lengths)
    inputs = {"input_ids": mask, "attention_mask": torch.ones_like(mask), "completion_mask": mask, "label": label.bool(),
              "ref_logps": reference, "ref_KL_logps": reference}
    theirs = float(trainer._compute_loss(lambda **_: outputs(spread), inputs, False))
    weights = torch.where(label > 0, 1.0, 1.3)
    ours = terms("kto", answers(policy, reference, lengths, label, baseline=max(0.0, shift), weights=weights), Options(0.1))
    assert float(ours.mean()) == pytest.approx(theirs, rel=1e-5)
    assert told(trainer)["kl"] == pytest.approx(max(0.0, shift))

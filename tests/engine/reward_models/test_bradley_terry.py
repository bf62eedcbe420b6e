"""Bradley-Terry: the catalogue's numbers, closed forms, finite differences, and TRL's own loss on the same scores."""

from collections import defaultdict
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from workers.engine.reward_models.bradley_terry import terms


def scores(count: int = 5, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    chosen, rejected, margin = torch.randn(3, count, generator=generator, dtype=torch.float64)
    return chosen, rejected, margin.abs()


@pytest.mark.parametrize(("chosen", "rejected", "options", "value"), [
    (1.0, 0.0, {}, 0.313262),
    (1.0, 0.0, {"margin": 0.5}, 0.474077),
    (1.5, 0.5, {"centring": 0.01}, 0.313262 + 0.04),
    (0.0, 0.0, {}, 0.693147),
    (1.0, 0.0, {"label_smoothing": 0.1}, 0.413262),
])
def test_worked_values(chosen: float, rejected: float, options: dict[str, float], value: float) -> None:
    found = terms(torch.tensor([chosen]), torch.tensor([rejected]), **options)
    assert found.item() == pytest.approx(value, abs=1e-6)


def test_without_options_it_is_the_binary_cross_entropy_of_the_difference() -> None:
    chosen, rejected, _ = scores()
    wanted = F.binary_cross_entropy_with_logits(chosen - rejected, torch.ones_like(chosen), reduction="none")
    torch.testing.assert_close(terms(chosen, rejected), wanted)


def test_a_constant_added_to_both_scores_changes_only_the_centring() -> None:
    chosen, rejected, _ = scores()
    torch.testing.assert_close(terms(chosen + 3, rejected + 3), terms(chosen, rejected))
    assert not torch.allclose(terms(chosen + 3, rejected + 3, centring=0.1), terms(chosen, rejected, centring=0.1))


def test_smoothing_of_one_half_cannot_tell_the_sides_apart() -> None:
    chosen, rejected, _ = scores()
    torch.testing.assert_close(terms(chosen, rejected, label_smoothing=0.5), terms(rejected, chosen, label_smoothing=0.5))


def test_scores_far_apart_stay_finite() -> None:
    found = terms(torch.tensor([-1e4, 1e4]), torch.tensor([1e4, -1e4]))
    assert found.tolist() == [2e4, 0.0]


@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.2}, {"centring": 0.3}])
def test_gradients_agree_with_finite_differences(options: dict[str, float]) -> None:
    chosen, rejected, margin = scores()
    sides = (chosen.requires_grad_(), rejected.requires_grad_())
    assert torch.autograd.gradcheck(lambda first, second: terms(first, second, margin=margin, **options), sides)


@pytest.mark.slow
@pytest.mark.parametrize("centring", [None, 0.05])
@pytest.mark.parametrize("with_margin", [False, True])
def test_the_loss_and_its_metrics_are_those_of_trl_on_the_same_scores(centring: float | None, with_margin: bool) -> None:
    trl = pytest.importorskip("trl")
    chosen, rejected, margin = (each.float() for each in scores())
    trainer = trl.RewardTrainer.__new__(trl.RewardTrainer)
    trainer.model = SimpleNamespace(training=True)
    trainer.args = SimpleNamespace(center_rewards_coefficient=centring)
    trainer.accelerator = SimpleNamespace(gather=lambda x: x, gather_for_metrics=lambda x: x)
    trainer._metrics, trainer._total_train_tokens, trainer._tp_size = {"train": defaultdict(list)}, 0, 1
    inputs = {"attention_mask": torch.ones(10, 3)} | ({"margin": margin} if with_margin else {})
    theirs = trainer.compute_loss(lambda **_: SimpleNamespace(logits=torch.cat([chosen, rejected])[:, None]), inputs)
    ours = terms(chosen, rejected, margin=margin if with_margin else 0.0, centring=centring or 0.0).mean()
    assert ours.item() == pytest.approx(float(theirs), rel=1e-5)
    assert float((chosen > rejected).float().mean()) == pytest.approx(trainer._metrics["train"]["accuracy"][0])
    assert float((chosen - rejected).mean()) == pytest.approx(trainer._metrics["train"]["margin"][0], rel=1e-5)

"""Preference losses: the catalogue's numbers, closed forms, finite differences, and TRL's own losses on the same tensors."""

import math
from collections import defaultdict
from types import SimpleNamespace
from typing import Any, get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from workers.engine import members, token_weights
from workers.engine.families.direct_config import DIVERGING, SMOOTHING
from workers.engine.methods import dpo
from workers.engine.preference import Answers, Options, odds_ratio, terms
from workers.engine.preference._scores import Divergence, score
from workers.engine.preference._wpo import pair_weights

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
    ("sigmoid", 0.0, 0.620957), ("sigmoid", 0.1, 0.635957), ("robust", 0.1, 0.602207), ("hinge", 0.0, 0.85),
    ("ipo", 0.0, 21.855625), ("nca_pair", 0.0, 1.350825), ("bco_pair", 0.0, 1.312856), ("sppo_hard", 0.0, 36.25),
    ("apo_zero", 0.0, 0.962523), ("apo_down", 0.0, 0.987549), ("exo_pair", 0.1, 0.431388), ("aot", 0.0, 0.620957),
    ("aot_unpaired", 0.0, 0.620957), ("rpo", 0.0, 0.273504), ("bfpo", 0.0, 12.25),
    ("discopop", 0.0, 0.849337), ("sigmoid_norm", 0.0, 0.677029)])
def test_worked_values_of_one_pair(name: str, smoothing: float, value: float) -> None:
    found = terms(name, answers(*WORKED, gap=2.0, safe=torch.ones(2)), Options(0.1, smoothing))
    assert found.tolist() == pytest.approx([value], abs=1e-5)


@pytest.mark.parametrize(("divergence", "value"), [
    ("reverse_kl", 0.620957), ("forward_kl", 0.631154), ("js_divergence", 0.660652), ("alpha_divergence", 0.627691)])
def test_worked_values_of_other_divergences(divergence: Divergence, value: float) -> None:
    found = terms("sigmoid", answers(*WORKED), Options(0.1, divergence=divergence))
    assert found.tolist() == pytest.approx([value], abs=1e-5)


def test_worked_values_without_a_reference() -> None:
    """CPO on sums, SimPO and ORPO on means −½ and −1 of one token each; ORPO's whole loss adds the likelihood ½."""
    alone, means = torch.tensor([-10.0, -12.0]), torch.tensor([-0.5, -1.0])
    none = torch.zeros(2)
    assert terms("sigmoid", answers(alone, none), Options(0.1)).item() == pytest.approx(0.598139, abs=1e-6)
    assert terms("sigmoid", answers(means, none), Options(2.0, gamma=0.5)).item() == pytest.approx(0.474077, abs=1e-6)
    assert terms("sigmoid", answers(means, none), Options(2.0, gamma=1.0)).item() == pytest.approx(0.693147, abs=1e-6)
    odds = answers(means, none)
    assert odds_ratio.contrast(odds, Options(0.1)).item() == pytest.approx(0.974077, abs=1e-6)
    assert 0.5 + terms("odds_ratio", odds, Options(0.1)).item() == pytest.approx(0.532030, abs=1e-6)
    assert terms("sigmoid", odds, Options(1.0)).item() == pytest.approx(0.474077, abs=1e-6)


@pytest.mark.parametrize(("chosen", "rejected", "target"), [(1, 0, 1.0), (0, 1, -1.0), (1, 1, 0.5), (0, 0, -0.5)])
def test_bfpo_aims_where_its_safety_labels_say(chosen: int, rejected: int, target: float) -> None:
    found = answers(torch.tensor([target / 0.1, 0.0]), torch.zeros(2), safe=torch.tensor([chosen, rejected]).float())
    assert terms("bfpo", found, Options(0.1)).item() == pytest.approx(0.0, abs=1e-6)


def test_running_mean_is_taken_from_both_rewards_of_bco() -> None:
    shifted = answers(WORKED[0] + 3.0, WORKED[1], baseline=3.0)
    assert terms("bco_pair", shifted, Options(0.1)).item() == pytest.approx(1.312856, abs=1e-5)


PAIR_LOSSES = sorted(set(get_args(dpo.LossType)))
floats = st.floats(-30, 30)
betas = st.floats(0.01, 5)


def one_pair(chosen: float, rejected: float, gap: float = 0.0) -> Answers:
    return answers(torch.tensor([chosen, rejected], dtype=torch.float64), torch.zeros(2, dtype=torch.float64), gap=gap,
                   safe=torch.ones(2))


@settings(max_examples=25, deadline=None)
@given(h_w=floats, h_l=floats, beta=betas)
def test_what_reduces_to_dpo(h_w: float, h_l: float, beta: float) -> None:
    pair, options = one_pair(h_w, h_l), Options(beta)
    wanted, difference = terms("sigmoid", pair, options), pair.policy[:1] - pair.policy[1:]
    for name in ("sigmoid_norm", "robust", "aot", "aot_unpaired"):
        torch.testing.assert_close(terms(name, pair, options), wanted)
    for same in (Options(beta, divergence="alpha_divergence", alpha=1.0),
                 Options(beta, divergence="alpha_divergence", alpha=1.0 + 2e-6)):
        torch.testing.assert_close(terms("sigmoid", pair, same), wanted, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(terms("rpo", one_pair(h_w, h_l, gap=1e4), options), wanted)
    torch.testing.assert_close(terms("bfpo", pair, options), (difference - 0.5 / beta).square())
    torch.testing.assert_close(terms("discopop", pair, Options(beta, tau=1e9)),
                               (wanted + (-beta * difference).clamp(max=80).exp()) / 2, rtol=1e-6, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(gap=st.floats(-20, 20), beta=betas, smoothing=st.floats(0.01, 0.49))
def test_where_each_loss_is_least(gap: float, beta: float, smoothing: float) -> None:
    assert terms("rpo", one_pair(gap / beta, 0.0, gap=gap), Options(beta)).item() == pytest.approx(0.0, abs=1e-9)
    clear = math.log((1 - smoothing) / smoothing) / beta
    assert terms("exo_pair", one_pair(clear, 0.0), Options(beta, smoothing)).item() == pytest.approx(0.0, abs=1e-9)
    assert terms("sppo_hard", one_pair(0.5 / beta, -0.5 / beta), Options(beta)).item() == pytest.approx(0.0, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(h_w=floats, h_l=floats, smoothing=st.floats(0.0, 0.45))
def test_the_robust_loss_is_unbiased_under_flips(h_w: float, h_l: float, smoothing: float) -> None:
    options = Options(0.2, smoothing)
    right, flipped = terms("robust", one_pair(h_w, h_l), options), terms("robust", one_pair(h_l, h_w), options)
    torch.testing.assert_close((1 - smoothing) * right + smoothing * flipped, terms("sigmoid", one_pair(h_w, h_l), Options(0.2)))


def test_sorting_losses_do_not_care_who_belongs_to_whom() -> None:
    policy, reference, lengths = draw()
    swapped = torch.tensor([0, 3, 2, 1, 4, 5, 6, 7])
    for name, order in (("aot", torch.tensor([2, 3, 0, 1, 4, 5, 6, 7])), ("aot_unpaired", swapped)):
        whole, moved = (terms(name, answers(policy[each], reference[each]), Options(0.1)).mean()
                        for each in (torch.arange(8), order))
        torch.testing.assert_close(moved, whole)
    assert bool(lengths.any())


def test_only_losses_of_differences_read_the_divergence() -> None:
    policy, reference, lengths = draw()
    held = answers(policy, reference, lengths, gap=torch.ones(4), safe=torch.ones(8))
    reading = {name for name in PAIR_LOSSES if not torch.equal(
        terms(name, held, Options(0.1)), terms(name, held, Options(0.1, divergence="js_divergence")))}
    smoothed = {name for name in PAIR_LOSSES if not torch.equal(
        terms(name, held, Options(0.1)), terms(name, held, Options(0.1, 0.2)))}
    assert reading == DIVERGING
    assert smoothed == SMOOTHING


def test_dpo_offers_every_pair_loss_there_is() -> None:
    assert {*PAIR_LOSSES, "kto", "odds_ratio"} == set(members.names("workers.engine.preference"))


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
        held = answers(given, reference, lengths, label, baseline=0.3, gap=torch.ones(4), safe=label.double())
        return terms(name, held, Options(0.2, 0.1, gamma=0.2, tau=0.5))

    assert torch.autograd.gradcheck(loss, policy.requires_grad_())


@pytest.mark.parametrize("divergence", get_args(Divergence))
def test_gradients_of_divergences_agree_with_finite_differences(divergence: Divergence) -> None:
    h = torch.linspace(-3, 3, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda given: score(divergence, given, 0.5), h)
    assert score(divergence, torch.zeros(1), 0.5).item() == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("name", members.names("workers.engine.preference"))
def test_the_reference_gets_no_gradient_and_extremes_stay_finite(name: str) -> None:
    policy = torch.tensor([-1e4, 0.0, 0.0, -1e4], requires_grad=True)
    found = terms(name, answers(policy, torch.zeros(4), torch.ones(4), torch.tensor([1, 0, 0, 1]), safe=torch.ones(4)),
                  Options(1.0))
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


def trl_loss(name: str, spread: Tensor, mask: Tensor, reference: Tensor, **config: Any) -> tuple[float, dict[str, float]]:
    """TRL's loss of pairs whose answers have log-probs `spread` [2P,T]; all chosen come before all rejected ones there."""
    trl = pytest.importorskip("trl")
    shared = {"beta": 0.1, "label_smoothing": 0.0, "ld_alpha": None, "f_divergence_type": "reverse_kl", "use_weighting": False,
              "f_alpha_divergence_coef": 0.5, "args": SimpleNamespace(discopop_tau=0.05)}
    trainer = stub(trl.DPOTrainer, loss_types=[name], loss_weights=[1.0], **(shared | config))
    order = torch.cat([torch.arange(0, len(spread), 2), torch.arange(1, len(spread), 2)])
    sharp = config.pop("log_sum_sq_probs", torch.zeros_like(spread))
    answered = outputs(spread[order])
    answered.log_sum_sq_probs = sharp[order]
    inputs = {"input_ids": mask[order], "attention_mask": torch.ones_like(mask), "completion_mask": mask[order],
              "ref_chosen_logps": reference[0::2], "ref_rejected_logps": reference[1::2]}
    return float(trainer._compute_loss(lambda **_: answered, inputs, False)), told(trainer)


@pytest.mark.slow
def test_pair_losses_and_metrics_are_those_of_trl_on_the_same_tensors() -> None:
    policy, reference, lengths = draw()
    spread, mask = per_token(policy, lengths)
    rewards = 0.1 * (policy - reference)
    for name in sorted(set(PAIR_LOSSES) - {"rpo", "bfpo"}):
        for smoothing in (0.0, 0.1) if name in SMOOTHING - {"sigmoid", "sigmoid_norm"} else (0.0,):
            epsilon = smoothing or (1e-3 if name == "exo_pair" else 0.0)
            theirs, curves = trl_loss(name, spread, mask, reference, label_smoothing=epsilon)
            ours = terms(name, answers(policy, reference, lengths), Options(0.1, smoothing))
            assert float(ours.mean()) == pytest.approx(theirs, rel=1e-5), name
            assert curves["rewards/margins"] == pytest.approx(float((rewards[0::2] - rewards[1::2]).mean()), rel=1e-5)


@pytest.mark.slow
def test_divergences_are_those_of_trl_on_the_same_tensors() -> None:
    policy, reference, lengths = (each.float() for each in draw())
    spread, mask = per_token(policy, lengths)
    for divergence in get_args(Divergence):
        for name in sorted(DIVERGING - {"rpo", "bfpo"}):
            smoothing = 0.1 if name in {"robust", "exo_pair"} else 0.0
            theirs, _ = trl_loss(name, spread, mask, reference, f_divergence_type=divergence, label_smoothing=smoothing)
            ours = terms(name, answers(policy, reference, lengths), Options(0.1, smoothing, divergence=divergence))
            assert float(ours.mean()) == pytest.approx(theirs, rel=1e-5), (
                name, divergence)


@pytest.mark.slow
def test_token_weights_and_wpo_are_those_of_trl_on_the_same_tensors() -> None:
    policy, reference, lengths = draw()
    spread, mask = per_token(policy, lengths)
    on = mask[:, 1:].bool()
    held = token_weights.weigh("ld", on, token_weights.Options(0.3))
    weighted = (spread * held.tokens).sum(-1)
    for name in ("sigmoid", "ipo", "aot", "nca_pair"):
        theirs, _ = trl_loss(name, spread, mask, reference, ld_alpha=0.3)
        found = terms(name, answers(weighted, reference, held.lengths), Options(0.1))
        assert float(found.mean()) == pytest.approx(theirs, rel=1e-5), name
    sharp = torch.where(on, spread * 0.7, 0.0)
    weights = pair_weights(spread, sharp, on)
    for name in ("sigmoid", "hinge"):
        theirs, _ = trl_loss(name, spread, mask, reference, use_weighting=True, log_sum_sq_probs=2 * spread - sharp)
        found = terms(name, answers(policy, reference, lengths, weights=weights), Options(0.1))
        assert float(found.mean()) == pytest.approx(theirs, rel=1e-5), name


@pytest.mark.slow
def test_losses_without_a_reference_are_those_of_trl_on_the_same_tensors() -> None:
    pytest.importorskip("trl")
    from trl.experimental.cpo import CPOTrainer
    from trl.experimental.orpo import ORPOTrainer

    policy, _, lengths = draw()
    none = torch.zeros_like(policy)
    means = policy / lengths
    for name, sums, member, gamma, smoothing in (
            ("sigmoid", policy, "sigmoid", 0.0, 0.1), ("hinge", policy, "hinge", 0.0, 0.0), ("ipo", means, "ipo", 0.0, 0.0),
            ("simpo", means, "sigmoid", 0.5, 0.1)):
        trainer = stub(CPOTrainer, beta=0.1, alpha=0.0, loss_type=name, simpo_gamma=0.5, label_smoothing=smoothing)
        theirs = trainer.cpo_loss(sums[0::2], sums[1::2])[0]
        torch.testing.assert_close(terms(member, answers(sums, none), Options(0.1, smoothing, gamma=gamma)), theirs)
    theirs, *_, ratio, odds = stub(ORPOTrainer, beta=0.1).odds_ratio_loss(means[0::2], means[1::2])
    held = answers(means.float(), none.float())
    torch.testing.assert_close(terms("odds_ratio", held, Options(0.1)), -theirs)
    assert odds_ratio.contrast(held, Options(0.1)).mean() == pytest.approx(float(odds), rel=1e-5)
    assert float(ratio) < 0


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

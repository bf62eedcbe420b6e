"""Weights for answers of another policy, tokens chosen by entropy, the bonus and its control: worked numbers, and TRL's."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from tests.engine.builders import view
from tests.engine.online_builders import sample, turn
from workers.engine.families.entropy_control import EntropyControl, bonus, high_entropy
from workers.engine.families.surrogate import surrogate_loss
from workers.engine.methods import grpo
from workers.engine.policy_losses import PolicyOptions, clipped, importance
from workers.engine.rollout import off_policy
from workers.engine.rollout.comparison import compare_answers
from workers.engine.rollout.held_answers import HeldAnswers
from workers.engine.rollout.off_policy import weights
from workers.engine.sample import Sample, batch_of, counts_of

THEN = torch.tensor([[0.0, 0.7, 1.5, 9.0], [-1.0, -2.0, 0.2, 0.0]])
MASK = torch.tensor([[1, 1, 1, 0], [1, 1, 0, 0]])


@pytest.mark.parametrize(("how", "expected"), [
    ("none", [[1, 1, 1, 1], [1, 1, 1, 1]]),
    ("token_truncate", [[1, 2.01375, 3, 1], [0.36788, 0.13534, 1, 1]]),
    ("token_mask", [[1, 2.01375, 0, 1], [0.36788, 0.13534, 1, 1]]),
    ("sequence_truncate", [[3, 3, 3, 1], [0.04979, 0.04979, 1, 1]]),
    ("sequence_mask", [[0, 0, 0, 1], [0.04979, 0.04979, 1, 1]]),
])
def test_weights_are_the_worked_ones(how: off_policy.Correction, expected: list[list[float]]) -> None:
    found = weights(THEN.requires_grad_(), torch.zeros(2, 4), MASK, how=how, cap=3.0)
    assert torch.allclose(found, torch.tensor(expected, dtype=torch.float32), atol=1e-5)
    assert not found.requires_grad


@given(how=st.sampled_from(["none", "token_truncate", "token_mask", "sequence_truncate", "sequence_mask"]))
def test_where_sampler_and_trainer_agree_every_weight_is_one(how: off_policy.Correction) -> None:
    assert torch.equal(weights(THEN, THEN, MASK, how=how, cap=3.0), torch.ones(2, 4))


def test_weight_times_ratio_is_the_plain_ratio_to_the_sampler_while_nothing_is_cut() -> None:
    """π_then/π_sampler · π/π_then = π/π_sampler: the correction loses nothing."""
    draw = torch.Generator().manual_seed(0)
    sampler, gap, step, advantage = torch.randn(4, 2, 4, generator=draw, dtype=torch.float64)
    then, policy = sampler + 0.2 * gap, sampler + 0.2 * gap + 0.05 * step
    weight = weights(then, sampler, MASK, how="token_truncate", cap=100.0)
    inside = MASK.bool()
    decoupled = weight * clipped.terms(policy, then, advantage, MASK, PolicyOptions(epsilon=0.9)).terms
    assert torch.allclose(decoupled[inside], importance.terms(policy, sampler, advantage, MASK).terms[inside])


def behind(**config: object) -> tuple[float, Tensor]:
    """Loss and gradient of one step on answers that a sampler drew at log-prob −1 a token."""
    model, samples = view(width=16, layers=1, inner=16), [sample(3, 0, 1.0, seed=1), sample(2, 0, 0.0, seed=2)]
    given_ = grpo.Config.model_validate(config)
    compare_answers(given_, (), turn(None), samples)
    loss = surrogate_loss(given_, turn(model), batch_of(samples), counts_of(samples))
    loss.backward()
    return loss.item(), model.module.get_output_embeddings().weight.grad


def test_on_answers_of_the_step_before_the_gradient_is_weighed_by_the_truncated_ratio() -> None:
    """One answer's tokens of a fresh model are far less likely than −1: all weights are small, none is cut."""
    _, plain = behind()
    _, corrected = behind(rollouts_behind=1)
    _, cut = behind(rollouts_behind=1, importance_cap=1e-9)
    _, off = behind(importance_correction="token_mask", importance_cap=1e-9)
    assert corrected.norm() < 0.1 * plain.norm()
    assert cut.norm() < 1e-6 * plain.norm()
    assert not off.any()


def test_held_answers_come_back_from_a_checkpoint_as_they_were() -> None:
    held, again = HeldAnswers(), HeldAnswers()
    first, second = ([sample(3, 0, 1.0, seed=seed), replace(sample(1, 0, None, seed=9), text="é", truncated=True)]
                     for seed in (1, 2))
    drawn = iter([first, second])
    assert held.swap(lambda: next(drawn)) is first
    again.restore(*held.state())
    for one, other in zip(second, again.swap(list), strict=True):
        assert torch.equal(one.ids, other.ids)
        assert torch.equal(one.mask, other.mask)
        assert torch.equal(one.channels["old_logprobs"], other.channels["old_logprobs"])
        assert (one.text, one.reward, one.truncated, one.group) == (other.text, other.reward, other.truncated, other.group)
    empty = HeldAnswers()
    empty.restore(*HeldAnswers().state())
    assert empty.state() == ({}, {"answers": []})


ENTROPY = torch.tensor([[0.1, 0.9, 0.5, 7.0], [0.3, 0.7, 8.0, 9.0]])


def test_only_tokens_of_high_entropy_are_trained() -> None:
    assert high_entropy(ENTROPY, MASK, 0.4).tolist() == [[False, True, False, False], [False, True, False, False]]
    assert torch.equal(high_entropy(ENTROPY, MASK, 1.0), MASK.bool())
    assert not high_entropy(ENTROPY, MASK * 0, 0.4).any()


@pytest.mark.slow
def test_the_mask_of_high_entropy_is_that_of_trl() -> None:
    trainer = pytest.importorskip("trl").GRPOTrainer
    own = SimpleNamespace(accelerator=SimpleNamespace(device="cpu", pad_across_processes=lambda x, **_: x, gather=lambda x: x))
    for share in (0.2, 0.4, 0.75):
        assert torch.equal(trainer.get_high_entropy_mask(own, ENTROPY, MASK, 1 - share), high_entropy(ENTROPY, MASK, share))


def test_the_bonus_is_the_mean_over_tokens_however_the_batch_is_cut() -> None:
    whole = bonus(ENTROPY, MASK.bool(), 5)
    assert whole.item() == pytest.approx(0.5)
    assert sum(bonus(ENTROPY[[row]], MASK[[row]].bool(), 5) for row in (0, 1)) == pytest.approx(whole)


def test_the_adaptive_bonus_rises_below_its_target_and_rests_above_it() -> None:
    control = EntropyControl(grpo.Config(entropy_target=0.2, entropy_coef_delta=0.3, entropy_coef_max=0.5))
    told = []
    for entropy in (0.1, 0.1, 0.3, 0.3, 0.3, 0.1):
        step = turn(None, entropy_coef=0.0)
        step.tally.put("entropy", entropy)
        control.steer(step)
        told.append(step.live["entropy_coef"])
    assert told == pytest.approx([0.3, 0.5, 0.0, 0.0, 0.0, 0.3])
    again = EntropyControl(grpo.Config())
    again.restore(*control.state())
    assert again.weight == control.weight


def test_full_kl_through_the_model_is_that_of_the_whole_distributions_and_starts_at_nothing() -> None:
    policy, reference = view(width=16, layers=1, inner=16), view(width=16, layers=1, inner=16, trained=False, seed=1)
    samples: list[Sample] = [sample(3, 0, 1.0, seed=1), sample(2, 0, 1.0, seed=2)]
    for one in samples:
        one.channels["ref_logprobs"] = torch.zeros(len(one))
    config = grpo.Config(beta=0.5, kl_estimator="full", reduction="token_mean")
    found = {}
    for name, against in (("other", reference), ("same", view(width=16, layers=1, inner=16, trained=False))):
        step = replace(turn(policy, beta=0.5), models={"policy": policy, "reference": against})
        compare_answers(config, (), step, samples)
        found[name] = surrogate_loss(config, step, batch_of(samples), counts_of(samples)).item()
    total = 0.0
    for one in samples:
        with torch.no_grad():
            logs = [torch.log_softmax(model.module(input_ids=one.ids[None]).logits[0].double(), -1)
                    for model in (policy, reference)]
        total += float((logs[0].exp() * (logs[0] - logs[1])).sum(-1)[2:-1].sum())
    assert found["other"] == pytest.approx(0.5 * total / 5, rel=1e-4)
    assert found["same"] == pytest.approx(0, abs=1e-6)

"""RLOO as a run: leave-one-out advantages with the KL in the reward, REINFORCE's gradient, TRL's loss, resume, edges."""

from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from tests.engine.builders import curve, of_type, straight_and_resumed, train, view, weights
from tests.engine.online_builders import given, prompts, sample, turn
from workers.engine.families.online_config import SOMETIMES
from workers.engine.families.surrogate import surrogate_loss
from workers.engine.faults import ConfigFault, RewardFault
from workers.engine.methods import rloo
from workers.engine.policy_losses import PolicyOptions, clipped
from workers.engine.rollout.comparison import compare_answers
from workers.engine.sample import Counts, Sample, batch_of, counts_of
from workers.engine.training.reducers import Reduction, reduce


def answers(*rewards: float | None) -> list[Sample]:
    """One group, answers of different lengths."""
    return [sample(index + 1, 0, reward, seed=index) for index, reward in enumerate(rewards)]


def advantages(samples: list[Sample], *, beta: float = 0.0, **config: Any) -> list[float]:
    compare_answers(rloo.Config.model_validate({"beta": beta} | config), (), turn(None, beta=beta), samples)
    return [one.scalars["advantage"] for one in samples]


def test_an_answer_is_measured_against_the_mean_of_the_others() -> None:
    assert advantages(answers(1, 0, 0, 1)) == pytest.approx([2 / 3, -2 / 3, -2 / 3, 2 / 3])
    assert advantages(answers(1, 0, 0, 0)) == pytest.approx([1, -1 / 3, -1 / 3, -1 / 3])
    assert advantages(answers(3, 1)) == pytest.approx([2, -2])


def test_an_unscored_answer_teaches_nothing_and_is_no_part_of_the_others_baseline() -> None:
    assert advantages(answers(1, None, 0, 0)) == pytest.approx([1, 0, -0.5, -0.5])
    assert advantages(answers(1, None)) == [0, 0]


def test_the_reward_is_lowered_by_beta_times_the_log_ratio_of_the_whole_answer() -> None:
    """Answers with log-ratios 0.6 and 0 to the reference: R = 1 - 0.05 * 0.6 and 0, so A = ±0.97."""
    samples = [sample(3, 0, 1.0, seed=1), sample(3, 0, 0.0, seed=2)]
    for one, change in zip(samples, ([0.2, -0.1, 0.5], [0.0, 0.0, 0.0]), strict=True):
        one.channels["ref_logprobs"] = one.channels["old_logprobs"] - torch.tensor([0.0, 0.0, 0.0, *change])
    assert advantages(samples, beta=0.05) == pytest.approx([0.97, -0.97])
    assert samples[0].channels["token_rewards"][3:].tolist() == pytest.approx([-0.01, 0.005, 0.975])


@pytest.mark.parametrize("level", ["answer", "token"])
def test_the_first_gradient_is_that_of_reinforce_on_whole_answers(level: str) -> None:
    model = view()
    samples = answers(1.0, 0.0, 0.5)
    advantage = torch.tensor(advantages(samples))
    batch = batch_of(samples)
    config = rloo.Config.model_validate({"importance_sampling_level": level})
    surrogate_loss(config, turn(model), batch, counts_of(samples)).backward()
    ours = {name: parameter.grad.clone() for name, parameter in model.module.named_parameters()}
    model.module.zero_grad()
    (-(advantage * (model.score(batch).logprobs * batch.mask).sum(-1)).mean()).backward()
    for name, parameter in model.module.named_parameters():
        assert torch.allclose(ours[name], parameter.grad, atol=1e-6), name


def tensors(seed: int = 3) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Log-probs, old log-probs [3,5], advantages [3], mask; the ratios of the answers lie on both sides of the clip."""
    draw = torch.Generator().manual_seed(seed)
    mask = (torch.arange(5) < torch.tensor([5, 3, 1]).unsqueeze(1)).double()
    old = torch.randn(3, 5, generator=draw, dtype=torch.float64) - 2
    policy = old + 0.3 * torch.randn(3, 5, generator=draw, dtype=torch.float64)
    return policy, old, torch.randn(3, generator=draw, dtype=torch.float64), mask


def answer_loss(policy: Tensor, old: Tensor, advantage: Tensor, mask: Tensor) -> Tensor:
    found = clipped.terms(policy, old, advantage.unsqueeze(1).expand_as(mask), mask, PolicyOptions(level="answer"))
    return reduce(found.terms, mask, Counts(float(mask.sum()), len(mask)), Reduction(rloo.Config().reduction))


@pytest.mark.parametrize("seed", range(4))
def test_the_gradient_of_the_clipped_answer_is_that_of_finite_differences(seed: int) -> None:
    policy, old, advantage, mask = tensors(seed)
    given_ = policy.clone().requires_grad_()
    answer_loss(given_, old, advantage, mask).backward()
    assert given_.grad is not None

    def value(p: Tensor) -> float:
        ratio = ((p - old) * mask).sum(-1).exp()
        return float(-torch.min(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage).mean())

    for place in range(policy.numel()):
        step = torch.zeros_like(policy)
        step.view(-1)[place] = 1e-6
        numeric = (value(policy + step) - value(policy - step)) / 2e-6
        assert given_.grad.view(-1)[place].item() == pytest.approx(numeric, abs=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_the_loss_and_its_gradient_are_those_of_trl_on_the_same_tensors(seed: int) -> None:
    kind = pytest.importorskip("trl").RLOOTrainer
    trainer = kind.__new__(kind)
    policy, old, advantage, mask = tensors(seed)
    theirs, ours = policy.clone().requires_grad_(), policy.clone().requires_grad_()
    for name, value in {
        "_get_per_token_logps_and_entropies": lambda *a, **k: (theirs, torch.zeros_like(theirs), None), "epsilon_low": 0.2,
        "epsilon_high": 0.2, "aux_loss_enabled": False, "_metrics": {"train": defaultdict(list)},
        "model": SimpleNamespace(training=True),
        "accelerator": SimpleNamespace(reduce=lambda x, reduction: x, gather=lambda x: x),
    }.items():
        setattr(trainer, name, value)
    prompt = torch.zeros(len(mask), 1, dtype=torch.long)
    loss = trainer._compute_loss(trainer.model, {
        "prompt_ids": prompt, "prompt_mask": prompt, "completion_ids": mask.long(), "completion_mask": mask,
        "advantages": advantage, "old_logps": (old * mask).sum(-1)})
    loss.backward()
    mine = answer_loss(ours, old, advantage, mask)
    mine.backward()
    assert mine.item() == pytest.approx(loss.item(), abs=1e-12)
    assert ours.grad is not None
    assert theirs.grad is not None
    assert torch.allclose(ours.grad, theirs.grad, atol=1e-12)


def test_a_run_logs_the_metrics_its_card_names(tmp_path: Path, small: Path) -> None:
    found = train(given(tmp_path, small, method="rloo", held_out=prompts(tmp_path, 8, "test")))
    logged = {name for event in of_type(found, "metrics") for name in event.values}
    named = {metric.name for metric in rloo.CARD.metrics}
    terms = {f"rewards/{term}/{what}" for term in ("sevens", "short") for what in ("mean", "std")}
    assert {name for name in named if "{term}" not in name} - SOMETIMES <= logged
    assert logged <= named | terms
    assert curve(found, "kl")[1] == pytest.approx(0, abs=1e-5)
    assert found[-1].type == "done"


def test_several_updates_move_the_ratio_of_an_answer_and_clip_it(tmp_path: Path, small: Path) -> None:
    found = train(given(tmp_path, small, method="rloo", num_iterations=4, updates_per_rollout=3, learning_rate=0.02,
                        max_steps=2, rollout_steps=1))
    assert max(curve(found, "clip_ratio/region_mean").values()) > 0
    for event in of_type(found, "rollout"):
        assert all(len(set(answer.tokens.ratio)) == 1 for answer in event.answers)


@pytest.mark.slow
@pytest.mark.parametrize("config", [{}, {"num_iterations": 2, "updates_per_rollout": 3}, {"use_peft": True}])
def test_a_resumed_run_is_the_uninterrupted_one_to_the_bit(tmp_path: Path, small: Path, config: dict[str, Any]) -> None:
    whole, rest = straight_and_resumed(lambda name: given(tmp_path, small, method="rloo", name=name, **config))
    for name in ("loss", "reward", "grad_norm", "kl"):
        assert curve(rest, name) == curve(whole, name, after=2)
    final, resumed = weights(tmp_path, "whole"), weights(tmp_path, "again")
    assert all(torch.equal(final[name], resumed[name]) for name in final)


def test_equal_rewards_leave_the_model_as_it_was(tmp_path: Path, small: Path) -> None:
    never = {"terms": [{"name": "never", "kind": "regex_match", "params": {"pattern": "(?!)"}}]}
    found = train(given(tmp_path, small, method="rloo", reward=never, beta=0))
    assert set(curve(found, "grad_norm").values()) == {0.0}
    before = load_file(small / "model.safetensors")
    assert all(torch.equal(tensor, before[name]) for name, tensor in weights(tmp_path).items())


def test_when_every_answer_is_cut_and_cut_answers_are_left_out_nothing_is_learned(tmp_path: Path, small: Path) -> None:
    found = train(given(tmp_path, small, method="rloo", max_completion_length=1, mask_truncated_completions=True, max_steps=2,
                        num_generations=2))
    kept = [step for step, cut in curve(found, "completions/clipped_ratio").items() if cut == 1]
    assert kept
    assert all(curve(found, "grad_norm")[step] == 0 for step in kept)


def test_a_group_of_one_is_refused_before_the_first_step(tmp_path: Path, small: Path) -> None:
    with pytest.raises(ConfigFault, match="num_generations"):
        train(given(tmp_path, small, method="rloo", num_generations=1))


def test_a_reward_that_is_no_number_stops_drops_or_counts_as_nothing_as_the_reward_says(
    tmp_path: Path, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.engine.rewards.length.score", lambda *given: float("nan"))
    broken = {"terms": [{"name": "broken", "kind": "length", "params": {}}]}
    with pytest.raises(RewardFault, match="broken"):
        train(given(tmp_path, small, method="rloo", name="refuse", reward=broken))
    found = train(given(tmp_path, small, method="rloo", name="drop", reward=broken | {"on_nan": "drop"}, beta=0, max_steps=1))
    assert curve(found, "grad_norm") == {1: 0.0}
    assert curve(found, "reward") == {}
    shown = [answer for event in of_type(found, "rollout") for answer in event.answers]
    assert all(answer.reward is None and answer.tokens.rewards is None and answer.advantage == 0 for answer in shown)

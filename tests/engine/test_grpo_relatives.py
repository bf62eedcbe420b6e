"""GRPO's relatives as runs: each logs what its card names, learns from more updates, and resumes to the bit."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.engine.builders import curve, of_type, straight_and_resumed, train, weights
from tests.engine.online_builders import given, prompts
from workers.engine.families.online_config import SOMETIMES
from workers.engine.faults import ConfigFault
from workers.engine.method import method_of

RELATIVES = ["dr-grpo", "gspo", "gmpo", "cispo", "dapo", "grpo-process"]
ALWAYS_OWN = {"dapo": {"num_gen_batches", "frac_groups_kept"}, "grpo-process": {"steps/count", "steps/reward"}}
HALVES = {"terms": [{"name": "halves", "kind": "regex_match", "params": {"pattern": "^[a-m0-9 ]"}}]}


@pytest.mark.parametrize("method", RELATIVES)
def test_a_run_logs_the_metrics_its_card_names(tmp_path: Path, small: Path, method: str) -> None:
    config: dict[str, Any] = {"step_separator": ""} if method == "grpo-process" else {}
    found = train(given(tmp_path, small, method=method, held_out=prompts(tmp_path, 8, "test"), beta=0.1, max_steps=2, **config))
    logged = {name for event in of_type(found, "metrics") for name in event.values}
    named = {metric.name for metric in method_of(method).CARD.metrics}
    assert {name for name in named if "{term}" not in name} - SOMETIMES | ALWAYS_OWN.get(method, set()) <= logged
    assert {name for name in logged if not name.startswith("rewards/")} <= named
    assert found[-1].type == "done"


@pytest.mark.parametrize("config", [
    {"method": "dapo", "reward": HALVES, "max_generation_batches": 3},
    {"method": "grpo", "rollouts_behind": 1, "num_iterations": 2, "beta": 0.1, "sync_ref_model": True, "ref_model_sync_steps": 1,
     "use_adaptive_entropy": True, "entropy_target": 9.0, "kl_estimator": "full"},
])
def test_a_resumed_run_is_the_uninterrupted_one_to_the_bit(tmp_path: Path, small: Path, config: dict[str, Any]) -> None:
    whole, rest = straight_and_resumed(lambda name: given(tmp_path, small, name=name, **config))
    for name in ("loss", "reward", "grad_norm", "entropy", "kl", "entropy_coef"):
        assert curve(rest, name) == curve(whole, name, after=2)
    final, resumed = weights(tmp_path, "whole"), weights(tmp_path, "again")
    assert all(torch.equal(final[name], resumed[name]) for name in final)


def test_dynamic_sampling_fills_the_step_with_groups_that_teach_or_stops_at_its_cap(tmp_path: Path, small: Path) -> None:
    found = train(given(tmp_path, small, name="some", method="dapo", reward=HALVES, max_generation_batches=20, max_steps=1,
                        rollout_prompts=3, num_generations=2))
    shown = of_type(found, "rollout")
    assert len(shown) == 3
    assert all(len({answer.terms["halves"] for answer in event.answers}) > 1 for event in shown)
    assert curve(found, "frac_reward_zero_std") == {1: 0.0}
    never = {"terms": [{"name": "never", "kind": "regex_match", "params": {"pattern": "(?!)"}}]}
    found = train(given(tmp_path, small, name="none", method="dapo", reward=never, max_generation_batches=2, max_steps=1,
                        overlong_share=0))
    assert curve(found, "num_gen_batches") == {1: 2.0}
    assert curve(found, "grad_norm") == {1: 0.0}


def test_answers_one_step_behind_are_those_of_the_policy_before(tmp_path: Path, small: Path) -> None:
    """The policy that wrote the second step's answers is the one that wrote the first's: both are the starting policy."""
    behind = train(given(tmp_path, small, name="behind", rollouts_behind=1, learning_rate=0.01, max_steps=3, rollout_steps=1))
    drift = curve(behind, "sampling/sampling_logp_difference/mean")
    assert drift[1] < 1e-4
    assert drift[2] > 1e-3
    assert curve(behind, "sampling/importance_sampling_ratio/max")[3] <= 3.0
    ratios = {ratio for event in of_type(behind, "rollout") for answer in event.answers for ratio in answer.tokens.ratio}
    assert ratios == {1.0}


def test_critics_greedy_baselines_and_averages_go_with_credit_by_steps_and_any_policy_loss(tmp_path: Path, small: Path) -> None:
    """What is gathered for one method is there for all: members of the matrix in whole runs of other methods."""
    shared: dict[str, Any] = {"credit": "step_rewards", "steps_from": "beginnings", "step_separator": "", "max_steps": 1}
    for method, config in (("ppo", {"policy_loss": "cispo"}),
                           ("grpo", {"advantage": "greedy_centred", "policy_loss": "importance"}),
                           ("rloo", {"advantage": "moving_average", "policy_loss": "gmpo",
                                     "importance_sampling_level": "sequence"})):
        found = train(given(tmp_path, small, name=method, method=method, **(shared | config)))
        assert found[-1].type == "done"
        assert curve(found, "steps/count")[1] >= 1
        assert curve(found, "grad_norm")[1] > 0


@pytest.mark.parametrize(("change", "says"), [
    ({"policy_loss": "gmpo"}, "takes its ratio per sequence"),
    ({"advantage": "state_value"}, "needs values"),
    ({"sync_ref_model": True}, "beta 0"),
    ({"kl_estimator": "full", "kl_in": "reward", "beta": 0.1}, "term of the loss"),
    ({"credit": "step_rewards"}, "no term that values steps"),
])
def test_what_does_not_go_together_is_refused_with_a_way_out(
    tmp_path: Path, small: Path, change: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigFault, match=says) as refused:
        train(given(tmp_path, small, **change))
    assert refused.value.remedy

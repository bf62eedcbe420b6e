"""GRPO as a run: its curves and rollouts, exact resume, the reference, micro-batches, and what happens at the edges."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.engine.builders import curve, dataset, of_type, straight_and_resumed, sums, train, view, weights
from tests.engine.online_builders import EXACT, given, prompts, sample, turn
from workers.contract.records import RecordKind
from workers.contract.run_spec import RunSpec
from workers.engine.composition import Setting
from workers.engine.families.online_config import SOMETIMES
from workers.engine.families.surrogate import surrogate_loss
from workers.engine.faults import ConfigFault, DataFault
from workers.engine.methods import grpo
from workers.engine.modeling.loading import load_tokenizer
from workers.engine.rollout.comparison import compare_answers
from workers.engine.sample import batch_of, counts_of
from workers.engine.training.reducers import Reduction


def test_a_run_logs_the_metrics_its_card_names(tmp_path: Path, small: Path) -> None:
    found = train(given(tmp_path, small, held_out=prompts(tmp_path, 8, "test"), beta=0.1))
    logged = {name for event in of_type(found, "metrics") for name in event.values}
    named = {metric.name for metric in grpo.CARD.metrics}
    expected = {name for name in named if "{term}" not in name} - SOMETIMES
    terms = {f"rewards/{term}/{what}" for term in ("sevens", "short") for what in ("mean", "std")}
    assert expected | terms <= logged
    assert logged <= named | terms
    assert found[-1].type == "done"


def test_rollouts_show_whole_groups_with_every_tokens_numbers(tmp_path: Path, small: Path) -> None:
    shown = of_type(train(given(tmp_path, small, beta=0.1)), "rollout")
    assert [event.step for event in shown] == [1, 1, 3, 3]
    for event in shown:
        assert len(event.answers) == 4
        assert sum(answer.advantage for answer in event.answers) == pytest.approx(0, abs=1e-3)
        for answer in event.answers:
            assert set(answer.terms) == {"sevens", "short"}
            arrays = answer.tokens.model_dump(exclude_none=True)
            assert {len(values) for values in arrays.values()} == {answer.length}
            assert sum(arrays["rewards"]) == pytest.approx(answer.reward, abs=1e-5)


def test_on_policy_the_ratio_is_one_and_nothing_is_clipped(tmp_path: Path, small: Path) -> None:
    found = train(given(tmp_path, small, rollout_steps=1))
    ratios = {ratio for event in of_type(found, "rollout") for answer in event.answers for ratio in answer.tokens.ratio}
    assert ratios == {1.0}
    assert set(curve(found, "clip_ratio/region_mean").values()) == {0.0}


def test_several_passes_move_the_ratio_and_clip(tmp_path: Path, small: Path) -> None:
    found = train(given(tmp_path, small, num_iterations=4, updates_per_rollout=3, learning_rate=0.02, max_steps=2,
                        rollout_steps=1))
    assert max(curve(found, "clip_ratio/region_mean").values()) > 0
    answers = [answer for event in of_type(found, "rollout") for answer in event.answers]
    assert max(abs(ratio - 1) for answer in answers for ratio in answer.tokens.ratio) > 0.01


@pytest.mark.slow
def test_micro_batches_change_nothing(tmp_path: Path, small: Path) -> None:
    whole = train(given(tmp_path, small, name="whole", beta=0.1))
    pieces = train(given(tmp_path, small, name="pieces", beta=0.1, per_device_train_batch_size=4))
    for name in ("loss", "policy_loss", "grad_norm", "kl", "entropy", "reward"):
        assert list(curve(pieces, name).values()) == pytest.approx(list(curve(whole, name).values()), rel=1e-4, abs=2e-6)


@pytest.mark.slow
@pytest.mark.parametrize("config", [{}, {"beta": 0.1, "num_iterations": 2}, {"use_peft": True, "beta": 0.05, "kl_in": "reward"}])
def test_a_resumed_run_is_the_uninterrupted_one_to_the_bit(tmp_path: Path, small: Path, config: dict[str, Any]) -> None:
    whole, rest = straight_and_resumed(lambda name: given(tmp_path, small, name=name, **config))
    for name in ("loss", "reward", "grad_norm", "entropy"):
        assert curve(rest, name) == curve(whole, name, after=2)
    final, resumed = weights(tmp_path, "whole"), weights(tmp_path, "again")
    assert all(torch.equal(final[name], resumed[name]) for name in final)


@pytest.mark.slow
@pytest.mark.parametrize("config", [{}, {"use_peft": True}])
@pytest.mark.parametrize("estimator", ["k1", "k2", "k3", "k3_plus"])
def test_the_divergence_starts_at_zero_and_then_moves(
    tmp_path: Path, small: Path, config: dict[str, Any], estimator: str
) -> None:
    kl = curve(train(given(tmp_path, small, beta=0.1, kl_estimator=estimator, max_steps=3, **config)), "kl")
    assert kl[1] == pytest.approx(0, abs=1e-5)
    assert abs(kl[3]) > 1e-7


def test_without_a_kl_term_the_reference_is_not_loaded_and_no_divergence_is_told(tmp_path: Path, small: Path) -> None:
    found = train(given(tmp_path, small))
    assert curve(found, "kl") == {}
    setting = given(tmp_path, small, name="other")
    assert [role.name for role in compose(setting).roles] == ["policy"]


def compose(given_spec: RunSpec) -> Any:
    tokenizer = load_tokenizer(given_spec.models["policy"].path)
    return grpo.compose(grpo.Config.model_validate(given_spec.config), Setting(given_spec, tokenizer, 256, 1000))


def test_equal_rewards_leave_the_model_as_it_was(tmp_path: Path, small: Path) -> None:
    never = {"terms": [{"name": "never", "kind": "regex_match", "params": {"pattern": "(?!)"}}]}
    found = train(given(tmp_path, small, reward=never))
    assert set(curve(found, "frac_reward_zero_std").values()) == {1.0}
    assert set(curve(found, "grad_norm").values()) == {0.0}
    before = load_file(small / "model.safetensors")
    assert all(torch.equal(tensor, before[name]) for name, tensor in weights(tmp_path).items())


def test_when_every_answer_is_cut_and_cut_answers_are_left_out_nothing_is_learned(tmp_path: Path, small: Path) -> None:
    found = train(given(tmp_path, small, max_completion_length=1, mask_truncated_completions=True, max_steps=2,
                        num_generations=2))
    assert found[-1].type == "done"
    kept = [step for step, cut in curve(found, "completions/clipped_ratio").items() if cut == 1]
    assert kept
    assert all(curve(found, "grad_norm")[step] == 0 for step in kept)


@pytest.mark.parametrize(
    ("change", "fault", "says"),
    [
        ({"reward": None}, ConfigFault, "needs a reward"),
        ({"delta": 1.1}, ConfigFault, "delta"),
        ({"max_completion_length": 300}, ConfigFault, "leaves no room"),
        ({"reward": {"terms": [{"name": "a", "kind": "sentiment"}]}}, ConfigFault, "does not have"),
        ({"num_generations": 1}, ConfigFault, "num_generations"),
    ],
)
def test_what_cannot_work_is_refused_before_the_first_step(
    tmp_path: Path, small: Path, change: dict[str, Any], fault: type[Exception], says: str
) -> None:
    with pytest.raises(fault, match=says):
        train(given(tmp_path, small, **change))


def test_a_reward_that_needs_answers_refuses_prompts_without_them(tmp_path: Path, small: Path) -> None:
    data = dataset(tmp_path / "bare", [{"prompt": "1+1="}], kind=RecordKind.PROMPT)
    with pytest.raises(ConfigFault, match="reference answers"):
        train(given(tmp_path, small, data=data, reward=EXACT))


def test_of_a_demonstration_the_completion_is_the_reference(tmp_path: Path, small: Path) -> None:
    found = train(given(tmp_path, small, data=dataset(tmp_path / "shown", sums(8)), reward=EXACT, max_steps=1))
    assert all(event.reference_answer.isdigit() for event in of_type(found, "rollout"))
    assert 0 <= curve(found, "reward")[1] <= 1


def test_a_row_that_leaves_no_room_for_an_answer_is_passed_over(tmp_path: Path, small: Path) -> None:
    rows = [{"prompt": "1" * 300, "answer": "1"}, {"prompt": "1+1=", "answer": "2"}]
    data = dataset(tmp_path / "long", rows, kind=RecordKind.PROMPT_ANSWER)
    shown = of_type(train(given(tmp_path, small, data=data, max_steps=1, rollout_prompts=3)), "rollout")
    assert {event.prompt for event in shown} == {"1+1="}
    only = dataset(tmp_path / "only", rows[:1], kind=RecordKind.PROMPT_ANSWER)
    with pytest.raises(DataFault):
        train(given(tmp_path, small, name="none", data=only))


def test_an_answer_without_a_reward_and_a_group_of_one_have_no_advantage() -> None:
    samples = [sample(2, 0, 1.0, seed=1), sample(3, 0, None, seed=2), sample(1, 0, 0.0, seed=3), sample(2, 1, 5.0, seed=4)]
    compare_answers(grpo.Config(), (), turn(None), samples)
    assert [s.scalars["advantage"] for s in samples] == pytest.approx([0.70700, 0, -0.70700, 0], abs=1e-4)


def test_the_kl_penalty_lowers_the_return_of_an_answer_that_strayed() -> None:
    samples = [sample(2, 0, 1.0, seed=1), sample(2, 0, 1.0, seed=2)]
    for index, one in enumerate(samples):
        one.channels["ref_logprobs"] = one.channels["old_logprobs"] - 0.5 * index * one.mask
    compare_answers(grpo.Config(kl_in="reward", beta=0.1, advantage="group_centred"), (), turn(None, beta=0.1), samples)
    assert [s.scalars["advantage"] for s in samples] == pytest.approx([0.05, -0.05])


@pytest.mark.parametrize("reduction", list(Reduction))
def test_the_first_gradient_is_that_of_reinforce_with_the_groups_advantage(reduction: str) -> None:
    model = view()
    samples = [sample(4, 0, 1.0, seed=1), sample(2, 0, 0.0, seed=2), sample(3, 0, 0.5, seed=3)]
    compare_answers(grpo.Config(), (), turn(None), samples)
    batch, counts = batch_of(samples), counts_of(samples, 1)
    config = grpo.Config.model_validate({"reduction": reduction, "max_completion_length": 8})
    surrogate_loss(config, turn(model), batch, counts).backward()
    ours = {name: p.grad.clone() for name, p in model.module.named_parameters()}
    model.module.zero_grad()
    lengths = torch.tensor([4.0, 2.0, 3.0])
    row = {"token_mean": torch.full((3,), 1 / 9), "token_mean_local": torch.full((3,), 1 / 9),
           "seq_mean_token_mean": 1 / lengths / 3, "seq_mean_token_sum": torch.full((3,), 1 / 3),
           "const": torch.full((3,), 1 / 24)}[reduction]
    advantage = torch.tensor([s.scalars["advantage"] for s in samples])
    (-(row * advantage) * (model.score(batch).logprobs * batch.mask).sum(-1)).sum().backward()
    for name, parameter in model.module.named_parameters():
        assert torch.allclose(ours[name], parameter.grad, atol=1e-6), name

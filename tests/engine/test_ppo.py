"""PPO as a run: its curves and rollouts, the identity with A2C, the critic and where it starts, exact resume, edges."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.engine.builders import SMALL, curve, of_type, straight_and_resumed, train, view, weights
from tests.engine.online_builders import given, prompts, sample, turn
from workers.contract.run_spec import ModelKind, ModelRef, RunSpec
from workers.engine.composition import Setting, Turn
from workers.engine.critic import state_values
from workers.engine.families import kl_control
from workers.engine.families.online_config import SOMETIMES
from workers.engine.families.surrogate import surrogate
from workers.engine.faults import ConfigFault, RewardFault
from workers.engine.methods import ppo
from workers.engine.modeling.loading import load_scalar, load_tokenizer
from workers.engine.modeling.models import Model, Valuer
from workers.engine.modeling.tiny_model import make_model, make_tokenizer
from workers.engine.preflight import report
from workers.engine.sample import Sample, batch_of, counts_of
from workers.engine.training.training_state import write_model

HEAD = 4 * SMALL["width"]
"""Bytes of the fresh head that makes the policy a critic."""
NEVER = {"terms": [{"name": "never", "kind": "regex_match", "params": {"pattern": "(?!)"}}]}
BROKEN = {"terms": [{"name": "broken", "kind": "length", "params": {}}], "on_nan": "drop"}


def asked(folder: Path, model: Path, **more: Any) -> RunSpec:
    return given(folder, model, method="ppo", **({"updates_per_rollout": 2, "num_iterations": 2} | more))


def critic(small: Path) -> Model:
    torch.manual_seed(1)
    return Model(Valuer(load_scalar(str(small))), torch.device("cpu"), trained=True)


def with_critic(model: Any, judge: Model) -> Turn:
    made = turn(model)
    made.models = {"policy": model, "critic": judge}
    return made


def compared(judge: Model, samples: list[Sample], **config: Any) -> list[Sample]:
    ppo.compare(ppo.Config.model_validate({"beta": 0} | config), with_critic(None, judge), samples)
    return samples


def test_a_run_logs_the_metrics_its_card_names(tmp_path: Path, small: Path) -> None:
    found = train(asked(tmp_path, small, held_out=prompts(tmp_path, 8, "test")))
    logged = {name for event in of_type(found, "metrics") for name in event.values}
    named = {metric.name for metric in ppo.CARD.metrics}
    terms = {f"rewards/{term}/{what}" for term in ("sevens", "short") for what in ("mean", "std")}
    assert {name for name in named if "{term}" not in name} - SOMETIMES <= logged
    assert logged <= named | terms
    assert {"loss/policy_avg", "loss/value_avg", "policy/approxkl_avg", "val/clipfrac_avg", "val/ratio"} <= logged
    assert found[-1].type == "done"


def test_rollouts_show_every_tokens_value_return_and_advantage(tmp_path: Path, small: Path) -> None:
    shown = of_type(train(asked(tmp_path, small)), "rollout")
    for answer in (answer for event in shown for answer in event.answers):
        arrays = answer.tokens.model_dump()
        assert {len(values) for values in arrays.values()} == {answer.length}
        assert len(set(arrays["values"])) > 1
        assert sum(arrays["rewards"]) == pytest.approx(answer.reward - 0.05 * sum(
            new - ref for new, ref in zip(arrays["logprobs"], arrays["ref_logprobs"], strict=True)), abs=0.02)


def test_the_last_advantage_is_the_reward_less_what_was_expected(small: Path) -> None:
    samples = compared(critic(small), [sample(3, 0, 1.0, seed=1), sample(2, 1, 0.0, seed=2)], whiten_advantages=False)
    for one, reward in zip(samples, (1.0, 0.0), strict=True):
        assert one.scalars["advantage"] == pytest.approx(reward - float(one.channels["values"][-1]))
        assert torch.allclose(one.channels["returns"], one.channels["advantages"] + one.channels["values"])


def test_whitened_advantages_have_mean_zero_and_deviation_one_over_the_steps_tokens(small: Path) -> None:
    samples = compared(critic(small), [sample(n, n, float(n % 2), seed=n) for n in range(2, 6)])
    tokens = torch.cat([one.channels["advantages"][one.mask] for one in samples])
    assert float(tokens.mean()) == pytest.approx(0, abs=1e-6)
    assert float(tokens.std()) == pytest.approx(1, abs=1e-4)


def test_whitened_rewards_keep_their_mean(small: Path) -> None:
    plain, white = (compared(critic(small), [sample(n, n, float(n), seed=n) for n in (2, 3, 4)], whiten_rewards=on)
                    for on in (False, True))
    before, after = (torch.cat([one.channels["token_rewards"][one.mask] for one in group]) for group in (plain, white))
    assert float(after.mean()) == pytest.approx(float(before.mean()), abs=1e-6)
    assert float(after.std()) == pytest.approx(1, abs=1e-4)


def test_a_cut_answer_pays_the_penalty_on_its_last_token(small: Path) -> None:
    samples = [sample(3, 0, 1.0, seed=1), sample(3, 1, 1.0, seed=2)]
    samples[1].truncated = True
    compared(critic(small), samples, missing_eos_penalty=0.75)
    assert [one.channels["token_rewards"][3:].tolist() for one in samples] == [[0, 0, 1], [0, 0, 0.25]]


def test_an_answer_without_a_reward_trains_neither_model(small: Path) -> None:
    judge, model = critic(small), view()
    kept, lost = sample(3, 0, 1.0, seed=1), sample(4, 1, None, seed=2)
    whole = compared(judge, [kept, lost])
    assert not lost.mask.any()
    assert not lost.channels["advantages"].any()
    alone = compared(judge, [sample(3, 0, 1.0, seed=1)])
    losses = [ppo.loss(ppo.Config(beta=0), with_critic(model, judge), batch_of(some), counts_of(some)).item()
              for some in (whole, alone)]
    assert losses[0] == pytest.approx(losses[1])


def test_one_pass_without_clipping_is_advantage_actor_critic(small: Path) -> None:
    """A2C: −mean_t A_t·log π_t + c_v·½·mean_t (V_t − R_t)², gradients of policy and critic alike."""
    judge, model = critic(small), view()
    config = ppo.Config(num_iterations=1, cliprange_value=None, beta=0, vf_coef=0.5)
    samples = [sample(4, 0, 1.0, seed=1), sample(2, 1, 0.0, seed=2), sample(3, 2, 0.5, seed=3)]
    here = with_critic(model, judge)
    ppo.compare(config, here, samples)
    batch = batch_of(samples)
    ppo.loss(config, here, batch, counts_of(samples)).backward()
    modules = [model.module, judge.module]
    ours = [parameter.grad.clone() for module in modules for parameter in module.parameters()]
    for module in modules:
        module.zero_grad()
    mask, tokens = batch.mask, batch.mask.sum()
    actor = -(batch.channel("advantages") * model.score(batch).logprobs)[mask].sum() / tokens
    error = (state_values(judge, batch) - batch.channel("returns"))[mask]
    (actor + 0.5 * error.square().sum() / tokens / 2).backward()
    theirs = [parameter.grad for module in modules for parameter in module.parameters()]
    for mine, other in zip(ours, theirs, strict=True):
        assert torch.allclose(mine, other, atol=1e-6)


def test_the_entropy_bonus_lowers_the_loss_by_the_mean_entropy_and_has_its_gradient() -> None:
    model, samples = view(), [sample(4, 0, 1.0, seed=1), sample(2, 1, 0.0, seed=2)]
    for one in samples:
        one.channels["advantages"] = torch.where(one.mask, 0.5, 0.0)
    batch, counts = batch_of(samples), counts_of(samples)
    plain, raised = (surrogate(ppo.Config(beta=0, entropy_coef=coef), turn(model), batch, counts).loss for coef in (0, 0.3))
    entropy = model.score(batch, entropy=True).entropy
    assert entropy is not None
    assert torch.allclose(plain - raised, 0.3 * entropy[batch.mask].mean())
    weight = model.module.get_input_embeddings().weight
    ours, theirs = (torch.autograd.grad(each, weight)[0] for each in (plain - raised, 0.3 * entropy[batch.mask].mean()))
    assert torch.allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize(("unit", "expected"), [("answer", 0.6), ("token", 0.2)])
def test_the_divergence_that_steers_beta_is_of_an_answer_or_of_a_token(unit: str, expected: float) -> None:
    """The catalogue's k1 [.2, −.1, .5]: .6 for the answer; an answer that is not trained does not count."""
    samples = [sample(3, 0, 1.0, seed=1), sample(3, 1, None, seed=2)]
    for one in samples:
        one.channels["ref_logprobs"] = one.channels["old_logprobs"] - torch.tensor([0, 0, 0, 0.2, -0.1, 0.5])
    samples[1].mask &= False
    here = turn(None, beta=0.2)
    here.stores["batch"] = samples
    config = ppo.Config.model_validate({"kl_target": expected / 2, "kl_horizon": 100, "kl_unit": unit})
    kl_control.steer(config, here)
    assert here.live["beta"] == pytest.approx(0.2 * (1 + 0.2 * 2 / 100))
    kl_control.steer(config.model_copy(update={"kl_target": expected}), here)
    assert here.live["beta"] == pytest.approx(0.2 * (1 + 0.2 * 2 / 100))


@pytest.mark.slow
def test_micro_batches_change_nothing(tmp_path: Path, small: Path) -> None:
    whole = train(asked(tmp_path, small, name="whole"))
    pieces = train(asked(tmp_path, small, name="pieces", per_device_train_batch_size=4))
    for name in ("loss", "loss/policy_avg", "loss/value_avg", "grad_norm", "critic/grad_norm", "policy/approxkl_avg", "reward"):
        assert list(curve(pieces, name).values()) == pytest.approx(list(curve(whole, name).values()), rel=1e-3, abs=5e-6)


def tensors(place: Path) -> dict[str, torch.Tensor]:
    return {f"{file.parent.name}/{file.name}/{name}": tensor for file in sorted(place.rglob("*.safetensors"))
            for name, tensor in load_file(file).items()}


@pytest.mark.slow
@pytest.mark.parametrize("config", [
    {"kl_target": 0.01, "kl_horizon": 24, "entropy_coef": 0.01}, {"use_peft": True},
    {"use_peft": True, "critic_use_peft": False}, {"kl_in": "loss", "num_generations": 1}])
def test_a_resumed_run_is_the_uninterrupted_one_to_the_bit_critic_and_optimizers_included(
    tmp_path: Path, small: Path, config: dict[str, Any]
) -> None:
    whole, rest = straight_and_resumed(lambda name: asked(tmp_path, small, name=name, **config))
    for name in ("loss/policy_avg", "loss/value_avg", "critic/vf_explained_var", "critic/grad_norm", "reward", "kl", "kl_coef"):
        assert curve(rest, name) == curve(whole, name, after=2)
    assert (len(set(curve(whole, "kl_coef").values())) > 1) == ("kl_target" in config)
    last = "checkpoints/step-00000004"
    expected, resumed = tensors(tmp_path / "whole" / last), tensors(tmp_path / "again" / last)
    assert any(name.startswith("critic/") for name in expected)
    assert any("optimizer-critic" in name for name in expected)
    assert expected.keys() == resumed.keys()
    assert all(torch.equal(tensor, resumed[name]) for name, tensor in expected.items())


def critic_of(folder: Path, small: Path, config: dict[str, Any] | None = None, **models: ModelRef) -> Any:
    made = asked(folder, small, **(config or {}))
    made = made.model_copy(update={"models": made.models | models})
    composition = ppo.compose(ppo.Config.model_validate(made.config), Setting(made, load_tokenizer(str(small)), 256, 1000))
    return next(role for role in composition.roles if role.name == "critic")


def test_the_critic_starts_from_its_own_model_where_one_is_chosen_else_from_the_policy(tmp_path: Path, small: Path) -> None:
    assert critic_of(tmp_path, small).weights == "policy"
    assert critic_of(tmp_path, small, critic=ModelRef(path=str(small))).weights == "critic"


def test_a_reward_model_as_critic_brings_its_head(tmp_path: Path, small: Path) -> None:
    torch.manual_seed(3)
    module = load_scalar(str(small))
    write_model(module, load_tokenizer(str(small)), tmp_path / "reward")
    made = asked(tmp_path, small, max_steps=1, critic_learning_rate=1e-9)
    ref = ModelRef(path=str(tmp_path / "reward"), kind=ModelKind.REWARD)
    train(made.model_copy(update={"models": made.models | {"critic": ref}}))
    kept = load_file(next((tmp_path / "run" / "checkpoints").glob("step-*/critic/model.safetensors")))
    assert torch.allclose(kept["score.weight"], module.score.weight, atol=1e-6)


def test_the_critic_has_a_learning_rate_of_its_own(tmp_path: Path, small: Path) -> None:
    found = train(asked(tmp_path, small, max_steps=1, critic_learning_rate=0.25, lr_scheduler_type="constant", warmup_ratio=0))
    assert curve(found, "critic/learning_rate") == {1: 0.25}
    assert curve(found, "learning_rate") == {1: 1e-3}


def test_equal_rewards_still_teach_the_critic(tmp_path: Path, small: Path) -> None:
    found = train(asked(tmp_path, small, reward=NEVER, beta=0, max_steps=4, critic_learning_rate=0.01))
    losses = curve(found, "loss/value_avg")
    assert losses[4] < losses[1]
    assert all(value > 0 for value in curve(found, "critic/grad_norm").values())


def test_when_every_answer_is_cut_and_cut_answers_are_left_out_nothing_is_learned(tmp_path: Path, small: Path) -> None:
    found = train(asked(tmp_path, small, max_completion_length=1, mask_truncated_completions=True, max_steps=2))
    kept = [step for step, cut in curve(found, "completions/clipped_ratio").items() if cut == 1]
    assert kept
    assert all(curve(found, name)[step] == 0 for step in kept for name in ("grad_norm", "critic/grad_norm"))


def test_a_step_without_any_reward_changes_nothing(tmp_path: Path, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.engine.rewards.length.score", lambda *given: float("nan"))
    found = train(asked(tmp_path, small, reward=BROKEN, max_steps=1))
    assert curve(found, "grad_norm") == curve(found, "critic/grad_norm") == {1: 0.0}
    before = load_file(small / "model.safetensors")
    assert all(torch.equal(tensor, before[name]) for name, tensor in weights(tmp_path).items())
    with pytest.raises(RewardFault, match="broken"):
        train(asked(tmp_path, small, name="refuse", reward=BROKEN | {"on_nan": "refuse"}))


def strange(folder: Path, **shape: int) -> ModelRef:
    """A model whose tokenizer knows one word more."""
    make_model(0, width=32, layers=2, inner=64, heads=2, context_length=256, **shape).save_pretrained(folder)
    tokenizer = make_tokenizer(256)
    tokenizer.add_tokens(["<|more|>"])
    tokenizer.save_pretrained(folder)
    return ModelRef(path=str(folder), name="stranger")


def test_a_critic_with_another_tokenizer_is_refused_by_the_check_and_by_the_run(tmp_path: Path, small: Path) -> None:
    made = asked(tmp_path, small)
    made = made.model_copy(update={"models": made.models | {"critic": strange(tmp_path / "stranger", vocabulary=300)}})
    wrong = [finding for finding in report(made).findings if finding.level == "error"]
    assert [finding.message.startswith("The critic model stranger reads other tokens") for finding in wrong] == [True]
    with pytest.raises(ConfigFault, match="reads other tokens"):
        train(made)


def test_a_critic_whose_vocabulary_is_too_small_is_refused_by_the_check(tmp_path: Path, small: Path) -> None:
    make_model(0, vocabulary=100, width=32, layers=2, inner=64, heads=2, context_length=256).save_pretrained(tmp_path / "short")
    make_tokenizer(256).save_pretrained(tmp_path / "short")
    made = asked(tmp_path, small)
    made = made.model_copy(update={"models": made.models | {"critic": ModelRef(path=str(tmp_path / "short"))}})
    assert [finding.code for finding in report(made).findings if finding.level == "error"] == ["vocabulary"]


def test_the_check_counts_the_critic_and_the_reference(tmp_path: Path, small: Path) -> None:
    """Full fine-tuning with a KL term: three models' weights, gradients and moments of two of them."""
    memory = report(asked(tmp_path, small)).memory
    alone = report(given(tmp_path, small, name="alone")).memory
    assert memory is not None
    assert alone is not None
    assert memory.weights == 3 * alone.weights
    assert memory.gradients == 2 * alone.gradients + HEAD
    assert memory.optimizer == 2 * alone.optimizer + 2 * HEAD
    assert memory.activations == 2 * alone.activations


def test_the_check_counts_an_adapters_reference_as_nothing_and_a_full_critic_in_full(tmp_path: Path, small: Path) -> None:
    both, full = (report(asked(tmp_path, small, use_peft=True, critic_use_peft=adapted)).memory for adapted in (True, False))
    alone = report(given(tmp_path, small, name="alone")).memory
    assert both is not None
    assert full is not None
    assert alone is not None
    assert both.weights == 2 * alone.weights + both.gradients
    policys = full.weights - 2 * alone.weights
    assert 0 < policys < both.gradients
    assert full.gradients == policys + alone.weights + HEAD

"""The classical methods as runs: their curves, exact resume, the identities between them, and what happens at the edges."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from tests.engine.builders import curve, dataset, of_type, straight_and_resumed, train, view, weights
from tests.engine.online_builders import SEVENS, given, prompts, sample, turn
from workers.contract.records import RecordKind
from workers.contract.run_spec import Resources, RunSpec
from workers.engine.composition import Setting, Turn
from workers.engine.families import actor_critic
from workers.engine.families.online_config import SOMETIMES
from workers.engine.families.surrogate import surrogate_loss
from workers.engine.faults import ConfigFault, DataFault
from workers.engine.method import method_of
from workers.engine.methods import a2c_a3c, mixer, mrt, reinforce, trpo
from workers.engine.modeling.loading import load_scalar, load_tokenizer
from workers.engine.modeling.models import Model, Valuer
from workers.engine.rollout import comparison
from workers.engine.sample import Sample, batch_of, counts_of

NEVER = {"terms": [{"name": "never", "kind": "regex_match", "params": {"pattern": "(?!)"}}]}
BROKEN = {"terms": [{"name": "broken", "kind": "length", "params": {}}], "on_nan": "drop"}
NOT_ALWAYS = SOMETIMES | {"kl", "objective/kl"}


def asked(folder: Path, model: Path, method: str, **config: Any) -> RunSpec:
    return given(folder, model, method=method, **config)


CURVES: list[tuple[str, list[dict[str, Any]]]] = [
    ("reinforce", [{"advantage": "state_value"}, {"advantage": "greedy_centred"}, {"advantage": "moving_average"}]),
    ("remax", [{}]), ("scst", [{}]), ("reinforce-plus-plus", [{"num_generations": 1}]), ("mrt", [{}]),
    ("mixer", [{"xent_steps": 1, "stage_steps": 1, "curriculum_length": 3, "stage_tokens": 2}]),
    ("a2c-a3c", [{}]), ("trpo", [{}]),
]


@pytest.mark.parametrize(("method", "configs"), CURVES)
def test_a_run_logs_the_metrics_its_card_names(tmp_path: Path, small: Path, method: str, configs: list[dict[str, Any]]) -> None:
    logged: set[str] = set()
    for number, config in enumerate(configs):
        found = train(asked(tmp_path, small, method, name=f"run-{number}", max_steps=3, save_steps=0,
                            held_out=prompts(tmp_path, 4, "test") if number == 0 else None, **config))
        assert found[-1].type == "done"
        values = [value for event in of_type(found, "metrics") for value in event.values.values()]
        assert all(value is not None and math.isfinite(value) for value in values)
        logged |= {name for event in of_type(found, "metrics") for name in event.values}
    named = {metric.name for metric in method_of(method).CARD.metrics}
    terms = {f"rewards/{term}/{what}" for term in ("sevens", "short") for what in ("mean", "std")}
    assert {name for name in named if "{term}" not in name} - NOT_ALWAYS <= logged
    assert logged <= named | terms


@pytest.mark.slow
@pytest.mark.parametrize(("method", "config", "curves"), [
    ("reinforce", {"advantage": "moving_average"}, ["baseline", "loss"]),
    ("remax", {}, ["reward/greedy", "objective/kl", "loss"]),
    ("mixer", {"xent_steps": 1, "stage_steps": 1, "curriculum_length": 3, "stage_tokens": 1}, ["mixer/xent_tokens", "loss"]),
    ("a2c-a3c", {"critic_update": "traces", "n_steps": 2}, ["loss/value_avg", "critic/grad_norm", "loss"]),
    ("trpo", {"value_iterations": 2, "use_peft": True}, ["trpo/kl", "trpo/step_norm", "loss/value_avg"]),
])
def test_a_resumed_run_is_the_uninterrupted_one_to_the_bit(
    tmp_path: Path, small: Path, method: str, config: dict[str, Any], curves: list[str]
) -> None:
    whole, rest = straight_and_resumed(lambda name: asked(tmp_path, small, method, name=name, **config))
    for name in curves:
        assert len(curve(whole, name)) > 2
        assert curve(rest, name) == curve(whole, name, after=2)
    final, resumed = weights(tmp_path, "whole"), weights(tmp_path, "again")
    assert all(torch.equal(final[name], resumed[name]) for name in final)


def three() -> list[Sample]:
    """Answers of one group with 0/1 rewards."""
    return [sample(4, 0, 1.0, seed=1), sample(2, 0, 0.0, seed=2), sample(3, 0, 1.0, seed=3)]


def gradients(model: Any, loss: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(loss, list(model.module.parameters())))


def alike(ours: list[Tensor], theirs: list[Tensor], scale: float = 1.0) -> bool:
    return all(torch.allclose(mine, other * scale, atol=1e-6) for mine, other in zip(ours, theirs, strict=True))


def test_with_rewards_of_0_and_1_reinforce_is_fine_tuning_on_the_accepted_answers_up_to_the_normaliser() -> None:
    model, samples = view(), three()
    config = reinforce.Config(advantage="to_go")
    comparison.compare_answers(config, (), turn(model), samples)
    batch = batch_of(samples)
    ours = gradients(model, surrogate_loss(config, turn(model), batch, counts_of(samples)))
    kept = batch_of([samples[0], samples[2]])
    nll = -model.score(kept).logprobs[kept.mask].mean()
    assert alike(ours, gradients(model, nll), scale=7 / 3)


def test_on_policy_the_clipped_surrogate_has_the_gradient_of_reinforce() -> None:
    model, samples = view(), three()
    plain = reinforce.Config(advantage="leave_one_out")
    clipped = method_of("rloo").Config(advantage="leave_one_out", beta=0, importance_sampling_level="token")
    comparison.compare_answers(plain, (), turn(model), samples)
    batch, counts = batch_of(samples), counts_of(samples)
    ours, theirs = (gradients(model, surrogate_loss(config, turn(model), batch, counts)) for config in (plain, clipped))
    assert alike(ours, theirs)


def test_the_gradient_of_minimum_risk_is_that_of_its_closed_form() -> None:
    """α·Σ_y Q(y)·(Δ(y) − E_Q Δ)·∇S(y), and none at equal risks or of a single candidate."""
    model, samples = view(), three()
    samples[1].reward = 0.25
    batch = batch_of(samples)
    ours = gradients(model, mrt.loss(mrt.Config(alpha=0.3), turn(model), batch, counts_of(samples)))
    whole = torch.where(batch.mask, model.score(batch).logprobs, 0.0).sum(-1)
    chance, risk = torch.softmax(0.3 * whole, 0).detach(), 1 - batch.rewards
    assert alike(ours, gradients(model, (0.3 * chance * (risk - (chance * risk).sum()) * whole).sum()))
    for dull in ([samples[0]], [samples[0], samples[2]]):
        found = gradients(model, mrt.loss(mrt.Config(), turn(model), batch_of(dull), counts_of(dull)))
        assert alike(found, [torch.zeros_like(each) for each in found])


def test_candidates_are_different_answers_and_the_reference(tmp_path: Path, small: Path) -> None:
    """Of one-token answers many are equal."""
    found = train(asked(tmp_path, small, "mrt", max_completion_length=1, num_generations=64, max_steps=1, top_k=3,
                        rollout_steps=1, rollout_prompts=9))
    shown = of_type(found, "rollout")
    assert curve(found, "mrt/candidates")[1] == pytest.approx(sum(len(event.answers) for event in shown) / len(shown))
    for event in shown:
        ids = [tuple(answer.tokens.ids) for answer in event.answers]
        assert len(set(ids)) == len(ids) <= 4
        assert any(answer.text == event.reference_answer[:1] for answer in event.answers)


def critic(small: Path) -> Model:
    torch.manual_seed(1)
    return Model(Valuer(load_scalar(str(small))), torch.device("cpu"), trained=True)


def judged(model: Any, judge: Model, **live: float) -> Turn:
    made = turn(model, **live)
    made.models = {"policy": model, "critic": judge}
    return made


def test_traces_move_the_critic_as_returns_do(small: Path) -> None:
    judge, samples = critic(small), three()
    here = judged(None, judge)
    config = a2c_a3c.Config(beta=0, lam=0.7, gamma=0.9, whiten_advantages=False)
    actor_critic.compare(config, lambda *tensors: a2c_a3c.estimate(config, *tensors), here, samples)
    batch, counts = batch_of(samples), counts_of(samples)
    forward = gradients(judge, actor_critic.value_loss(config, here, batch, counts))
    backward = gradients(judge, a2c_a3c.trace_loss(config, here, batch, counts))
    assert alike(backward, forward)


def test_a_learned_baseline_is_the_actor_critic_at_lambda_one(small: Path) -> None:
    judge, ours, theirs = critic(small), three(), three()
    reinforce.compare(reinforce.Config(advantage="state_value", gamma=0.9), judged(None, judge), ours)
    config = a2c_a3c.Config(beta=0, lam=1, gamma=0.9)
    actor_critic.compare(config, lambda *tensors: a2c_a3c.estimate(config, *tensors), judged(None, judge), theirs)
    for mine, other in zip(ours, theirs, strict=True):
        for name in ("advantages", "returns"):
            assert torch.allclose(mine.channels[name][mine.mask], other.channels[name][other.mask], atol=1e-6)


def region_step(model: Any, judge: Model, **config: Any) -> tuple[dict[str, float], Tensor, list[Sample]]:
    samples = [sample(length, number, None, seed=number) for number, length in enumerate((4, 2, 3, 5))]
    for one, advantage in zip(samples, (1.0, -1.0, 0.5, -0.5), strict=True):
        one.channels["advantages"] = torch.where(one.mask, advantage, 0.0)
    here = judged(model, judge, max_kl=0.01)
    here.stores["batch"] = samples
    before = torch.cat([parameter.detach().flatten() for parameter in model.module.parameters()])
    trpo.improve(trpo.Config(beta=0, **config), here)
    moved = torch.cat([parameter.detach().flatten() for parameter in model.module.parameters()]) - before
    return here.tally.values(), moved, samples


def test_a_trust_region_step_raises_the_surrogate_within_its_kl(small: Path) -> None:
    told, moved, _ = region_step(view(), critic(small), damping=0.01)
    assert told["trpo/surrogate_gain"] > 0
    assert 0.003 < told["trpo/kl"] <= 0.01
    assert told["trpo/step_norm"] == pytest.approx(float(moved.norm()), rel=1e-3)
    assert told["trpo/backtracks"] < 3


def test_with_damping_alone_the_step_is_along_the_gradient_and_micro_batches_change_nothing(small: Path) -> None:
    """F + c·1 with a huge c is c·1: the step is the gradient's direction."""
    model = view()
    parts, moved, samples = region_step(model, critic(small), damping=100, per_device_train_batch_size=1)
    whole, again, _ = region_step(view(), critic(small), damping=100)
    assert torch.allclose(moved, again, atol=1e-5)
    assert parts["trpo/kl"] == pytest.approx(whole["trpo/kl"], rel=1e-2)
    fresh, batch = view(), batch_of(samples)
    raised = (batch.channel("advantages") * fresh.score(batch).logprobs)[batch.mask].sum()
    gradient = torch.cat([each.flatten() for each in gradients(fresh, raised)])
    assert float(torch.cosine_similarity(moved, gradient, dim=0)) > 0.99


def test_a_step_that_nothing_allows_leaves_the_policy_as_it_was(small: Path) -> None:
    told, moved, _ = region_step(view(), critic(small), backtracks=1, damping=0, cg_iterations=1, backtrack_ratio=0.5,
                                 fisher_tokens=1)
    assert (told["trpo/step_norm"] == 0) == (not moved.any())
    model = view()
    here = judged(model, critic(small), max_kl=0.01)
    here.stores["batch"] = [sample(3, 0, None, seed=1)]
    here.stores["batch"][0].channels["advantages"] = torch.zeros(6)
    before = [parameter.detach().clone() for parameter in model.module.parameters()]
    trpo.improve(trpo.Config(beta=0), here)
    assert all(torch.equal(old, new) for old, new in zip(before, model.module.parameters(), strict=True))


def test_the_curriculum_takes_tokens_away_stage_by_stage() -> None:
    config = mixer.Config(curriculum_length=10, stage_tokens=3, xent_steps=2, stage_steps=2)
    assert [mixer.stage_of(config, step).tokens for step in range(1, 12)] == [10, 10, 7, 7, 4, 4, 1, 1, 0, 0, 0]
    by_weight = {anneal: [mixer.stage_of(mixer.Config.model_validate(
        {"form": "loss", "anneal": anneal, "xent_steps": 1, "anneal_steps": 4}), step).weight for step in range(1, 7)]
        for anneal in ("linear", "cosine", "step")}
    assert by_weight["linear"] == [1, 0.75, 0.5, 0.25, 0, 0]
    assert by_weight["cosine"] == pytest.approx([1, 0.853553, 0.5, 0.146447, 0, 0], abs=1e-6)
    assert by_weight["step"] == [1, 1, 0, 0, 0, 0]


def first_losses(folder: Path, small: Path, method: str, **config: Any) -> list[float]:
    made = asked(folder, small, method, name=f"{method}-{len(config)}", max_steps=2, save_steps=0, warmup_ratio=0,
                 lr_scheduler_type="constant", rollout_steps=0, **config)
    return list(curve(train(made), "grad_norm").values())


def test_mixer_is_fine_tuning_at_one_end_and_reinforce_at_the_other(tmp_path: Path, small: Path) -> None:
    """The whole reference (λ = 1, or s at least its length) trains as the answers do in fine-tuning; s = 0 is REINFORCE."""
    ends = {"reduction": "token_mean", "num_train_epochs": 1}
    tokens = first_losses(tmp_path, small, "mixer", xent_steps=9, **ends)
    weighed = first_losses(tmp_path, small, "mixer", xent_steps=9, form="loss", **ends)
    assert tokens == pytest.approx(weighed)
    shared = {"xent_steps": 0, "stage_steps": 1, "curriculum_length": 1}
    drawn = first_losses(tmp_path, small, "mixer", advantage="group_centred", **shared)
    other = first_losses(tmp_path, small, "mixer", advantage="group_centred", form="loss", anneal_steps=1, **shared)
    plain = first_losses(tmp_path, small, "reinforce", advantage="group_centred")
    assert drawn == pytest.approx(plain, rel=1e-5)
    assert other == pytest.approx(plain, rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["reinforce", "scst", "reinforce-plus-plus", "mrt"])
def test_equal_rewards_leave_the_model_as_it_was(tmp_path: Path, small: Path, method: str) -> None:
    extra = {"beta": 0} if method == "reinforce-plus-plus" else {"add_reference": False} if method == "mrt" else {}
    train(asked(tmp_path, small, method, reward=NEVER, max_steps=1, **extra))
    before = load_file(small / "model.safetensors")
    assert all(torch.allclose(tensor, before[name], atol=1e-9) for name, tensor in weights(tmp_path).items())


@pytest.mark.slow
@pytest.mark.parametrize("method", ["reinforce", "remax", "scst", "mrt", "a2c-a3c", "trpo"])
def test_a_step_without_any_reward_changes_nothing(
    tmp_path: Path, small: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.engine.rewards.length.score", lambda *given: float("nan"))
    extra = {"advantage": "state_value"} if method == "reinforce" else {}
    train(asked(tmp_path, small, method, reward=BROKEN, max_steps=1, **extra))
    before = load_file(small / "model.safetensors")
    assert all(torch.equal(tensor, before[name]) for name, tensor in weights(tmp_path).items())


@pytest.mark.slow
def test_when_every_answer_is_cut_and_cut_answers_are_left_out_no_step_is_taken(tmp_path: Path, small: Path) -> None:
    found = train(asked(tmp_path, small, "trpo", max_completion_length=1, mask_truncated_completions=True, max_steps=1,
                        top_k=1, value_iterations=1))
    if curve(found, "completions/clipped_ratio")[1] == 1:
        assert curve(found, "trpo/step_norm") == {}
    assert found[-1].type == "done"


def compose(folder: Path, small: Path, method: str, **config: Any) -> Any:
    made = asked(folder, small, method, **config)
    return method_of(method).compose(method_of(method).Config.model_validate(made.config),
                                     Setting(made, load_tokenizer(str(small)), 256, 1000))


def test_what_cannot_work_is_refused(tmp_path: Path, small: Path) -> None:
    with pytest.raises(ConfigFault, match="values"):
        compose(tmp_path, small, "grpo", advantage="state_value")
    with pytest.raises(ConfigFault, match="num_generations"):
        compose(tmp_path, small, "reinforce", advantage="length_weighted", num_generations=1)
    with pytest.raises(ConfigFault, match="which this method does not gather"):
        compose(tmp_path, small, "mixer", advantage="moving_average")
    made = asked(tmp_path, small, "trpo").model_copy(update={"resources": Resources(shard=True)})
    with pytest.raises(ConfigFault, match="differentiates the policy twice"):
        trpo.compose(trpo.Config(), Setting(made, load_tokenizer(str(small)), 256, 1000))
    bare = dataset(tmp_path / "bare", [{"prompt": "1+1="}], kind=RecordKind.PROMPT)
    with pytest.raises(DataFault, match="no reference answer"):
        train(asked(tmp_path, small, "mixer", data=bare, reward=SEVENS))
    assert {role.name for role in compose(tmp_path, small, "reinforce").roles} == {"policy"}

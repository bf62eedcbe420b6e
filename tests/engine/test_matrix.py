"""The matrix: every part works with every other, wherever the mathematics allows; where it does not, a fault says why.

Members are found by name, so that a new one is in the matrix as soon as its file is there. On tensors the product of credit,
advantage, policy loss and reduction is whole, with the KL estimators taken in turn; through a model every pair of values of
two fields is met (`pairwise`). Asked of each: a finite loss, gradient where it should be and nowhere else, masked tokens that
change nothing, metrics that the cards name.
"""

from dataclasses import replace
from itertools import combinations, cycle, product
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from torch import Tensor

from tests.engine.builders import view
from tests.engine.online_builders import sample, turn
from workers.contract.run_spec import ModelRef, RunSpec
from workers.engine import advantages, credit, members, policy_losses, preference, regularisers, token_weights
from workers.engine.advantages import estimator
from workers.engine.composition import Composition, Fit, Setting
from workers.engine.families.direct_config import DIVERGING
from workers.engine.families.online_config import FULL, METRICS, OnlineConfig
from workers.engine.families.surrogate import check_loss, surrogate_loss
from workers.engine.faults import ConfigFault
from workers.engine.methods import dpo, grpo
from workers.engine.policy_losses import Level, PolicyOptions, levels, policy_loss
from workers.engine.preference import answers_of
from workers.engine.preference._scores import Divergence
from workers.engine.regularisers import divergence
from workers.engine.rollout.comparison import compare_answers
from workers.engine.sample import Batch, Sample, batch_of, counts_of
from workers.engine.training.reducers import Reduction, reduce

ADVANTAGES, CREDITS, ESTIMATORS = (members.names(part.__name__) for part in (advantages, credit, regularisers))
LOSSES: list[tuple[str, Level]] = [(name, level) for name in members.names(policy_losses.__name__) for level in levels(name)]
OF_ANSWERS = ("baseline", "greedy_reward")
"""Needs that are one number an answer; any other is one a token."""


def answers() -> list[Sample]:
    """Two groups and their edges: unequal rewards, equal ones, an answer without a reward, an empty one, one left out."""
    found = [sample(length, group, reward, seed=seed) for seed, (length, group, reward) in enumerate(
        [(4, 0, 1.0), (2, 0, 0.0), (3, 0, None), (1, 0, 0.5), (3, 1, 0.25), (2, 1, 0.25), (0, 0, 0.5), (3, 0, 0.75)])]
    found[-1].mask &= False
    for index, one in enumerate(found):
        draw = torch.Generator().manual_seed(index)
        one.channels["old_logprobs"] = torch.where(one.mask, -3 + torch.rand(len(one), generator=draw), 0.0)
        one.channels["ref_logprobs"] = torch.where(one.mask, one.channels["old_logprobs"] - 0.3, 0.0)
        one.channels["proximal_logprobs"] = one.channels["old_logprobs"] + 0.05 * one.mask
        one.channels["values"] = torch.where(one.mask, torch.rand(len(one), generator=draw), 0.0)
        one.channels["action_values"] = one.channels["values"].clone()
        ends = one.mask.float() * (torch.arange(len(one)) % 2 == len(one) % 2)
        one.channels |= {"step_ends": ends, "step_rewards": ends * torch.rand(len(one), generator=draw)}
        one.scalars |= dict.fromkeys(OF_ANSWERS, 0.4)
    return found


def given(batch: Batch, package: str, name: str) -> dict[str, Tensor]:
    needs = getattr(members.load(package, name), "NEEDS", ())
    return {need: batch.scalars[need] if need in batch.scalars else batch.channel(need) for need in needs}


def advantage(batch: Batch, placed: str, compared: str) -> Tensor:
    token_rewards = credit.credit(placed)(batch.rewards, batch.mask, **given(batch, credit.__name__, placed))
    return estimator(compared)(token_rewards, batch.mask, batch.groups, **given(batch, advantages.__name__, compared))


def elsewhere(batch: Batch) -> Batch:
    """The batch with other numbers wherever nothing is trained; what steps and values say there is no member's to read."""
    channels = {name: torch.where(batch.mask, values, torch.full_like(values, 0.7)) for name, values in batch.channels.items()}
    return replace(batch, channels=channels)


@pytest.mark.parametrize(("placed", "compared"), list(product(CREDITS, ADVANTAGES)))
def test_every_credit_advantage_loss_reduction_and_estimator_go_together(placed: str, compared: str) -> None:
    batch, other = batch_of(answers()), elsewhere(batch_of(answers()))
    compared_, changed = advantage(batch, placed, compared), advantage(other, placed, compared)
    assert compared_.isfinite().all()
    assert not compared_[~batch.mask].any()
    assert not compared_[2].any()
    assert torch.equal(compared_, changed)
    counts = replace(counts_of(list(batch.samples)), length=8)
    old, reference = batch.channel("old_logprobs"), batch.channel("ref_logprobs")
    kinds = cycle(ESTIMATORS)
    for name, level in LOSSES:
        policy = (old + 0.2 * torch.linspace(-1, 1, old.numel()).view_as(old)).requires_grad_()
        there, far = (policy_loss(name)(p, o, compared_, batch.mask, PolicyOptions(level=level)) for p, o in (
            (policy, old), (torch.where(batch.mask, policy, 0.3), other.channel("old_logprobs"))))
        assert torch.equal(there.terms[batch.mask], far.terms[batch.mask])
        for how in Reduction:
            kl = divergence(next(kinds))(policy, reference)
            loss = reduce(there.terms + 0.1 * kl, batch.mask, counts, how)
            gradient, = torch.autograd.grad(loss, policy, retain_graph=True)
            assert loss.isfinite()
            assert gradient.isfinite().all()
            assert not gradient[~batch.mask].any()
            assert gradient[batch.mask].any()


FIELDS: dict[str, list[Any]] = {
    "advantage": list(ADVANTAGES), "credit": list(CREDITS), "policy_loss": LOSSES, "reduction": list(Reduction),
    "kl_estimator": [*ESTIMATORS, FULL], "kl_in": ["loss", "reward"], "num_iterations": [1, 2], "rollouts_behind": [0, 1],
    "importance_correction": ["auto", "none", "token_truncate", "token_mask", "sequence_truncate", "sequence_mask"],
    "top_entropy_quantile": [1.0, 0.3], "entropy_coef": [0.0, 0.01]}


def pairwise(fields: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """Few rows in which every pair of values of two fields stands; greedy, the same each time."""
    names = list(fields)
    open_ = {(a, i, b, j) for a, b in combinations(names, 2) for i in range(len(fields[a])) for j in range(len(fields[b]))}
    rows = []
    while open_:
        chosen = dict.fromkeys(names, -1)
        first = min(open_)
        chosen[first[0]], chosen[first[2]] = first[1], first[3]
        for name in names:
            if chosen[name] < 0:
                known = [(other, index) for other, index in chosen.items() if index >= 0]
                chosen[name] = max(range(len(fields[name])), key=lambda value, name=name, known=known: sum(  # type: ignore[misc]
                    ((name, value, o, i) in open_) + ((o, i, name, value) in open_) for o, i in known))
        open_ -= {(a, chosen[a], b, chosen[b]) for a, b in combinations(names, 2)}
        rows.append({name: fields[name][index] for name, index in chosen.items()})
    return rows


def config_of(row: dict[str, Any]) -> OnlineConfig:
    name, level = row["policy_loss"]
    return grpo.Config.model_validate(row | {"policy_loss": name, "importance_sampling_level": level, "beta": 0.1,
                                             "max_completion_length": 8})


def test_pairs_of_every_two_fields_go_through_a_model() -> None:
    """Loss and gradient are finite, the reference gets none, and every metric told is one that the cards name."""
    policy, reference = view(width=16, layers=1, inner=16), view(width=16, layers=1, inner=16, trained=False, seed=1)
    reference.module.requires_grad_(False)
    rows = pairwise(FIELDS)
    covered = {(a, str(row[a]), b, str(row[b])) for row in rows for a, b in combinations(FIELDS, 2)}
    assert len(covered) == sum(len(FIELDS[a]) * len(FIELDS[b]) for a, b in combinations(FIELDS, 2))
    named = {metric.name for metric in METRICS}
    for row in rows:
        config, samples = config_of(row), answers()
        told = replace(turn(policy, beta=0.1), models={"policy": policy, "reference": reference})
        check_loss(config)
        compare_answers(config, (), told, samples)
        loss = surrogate_loss(config, told, batch_of(samples), counts_of(samples))
        assert loss.isfinite(), row
        policy.module.zero_grad()
        loss.backward()
        gradients = [parameter.grad for parameter in policy.module.parameters()]
        assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients), row
        assert any(gradient.any() for gradient in gradients if gradient is not None), row
        assert all(parameter.grad is None for parameter in reference.module.parameters())
        assert set(told.tally.values()) <= named, row


@pytest.mark.parametrize(("name", "level"), LOSSES)
def test_an_answer_that_is_left_out_changes_nothing_through_a_model(name: str, level: Level) -> None:
    policy = view(width=16, layers=1, inner=16)
    config = config_of({"policy_loss": (name, level)})
    losses = []
    for change in (0, 1):
        samples = answers()
        samples[-1].ids = samples[-1].ids + change
        compare_answers(config, (), turn(policy), samples)
        losses.append(surrogate_loss(config, turn(policy), batch_of(samples), counts_of(samples)).item())
    assert losses[0] == losses[1]


def test_a_level_that_a_loss_cannot_take_its_ratio_at_is_refused_with_one_that_it_can() -> None:
    for name in members.names(policy_losses.__name__):
        for level in {"token", "sequence", "answer"} - set(levels(name)):
            config = grpo.Config.model_validate({"policy_loss": name, "importance_sampling_level": level})
            with pytest.raises(ConfigFault, match=f"not per {level}") as refused:
                check_loss(config)
            assert levels(name)[0] in refused.value.remedy


def pairs() -> Batch:
    return batch_of(paired())


def paired() -> list[Sample]:
    """Three pairs of answers of unlike lengths, one of them a single token."""
    rows = [sample(length, index // 2, None, seed=index) for index, length in enumerate([4, 2, 1, 3, 3, 3])]
    for index, row in enumerate(rows):
        row.scalars |= {"label": float(index % 2 == 0), "margin": 0.5 + index // 2, "safe": float(index != 1)}
        row.channels["ref_logprobs"] = torch.where(row.mask, torch.tensor(-1.5), 0.0)
    return rows


@pytest.mark.parametrize("weighting", members.names(token_weights.__name__))
@pytest.mark.parametrize("name", members.names(preference.__name__))
def test_every_preference_loss_goes_with_every_token_weighting_and_modifier(name: str, weighting: str) -> None:
    batch = pairs()
    weigh = token_weights.weigh(weighting, batch.mask, token_weights.Options())
    kinds = ["reverse_kl", "forward_kl", "js_divergence", "alpha_divergence"] if name in DIVERGING else ["reverse_kl"]
    for kind, smoothing, gamma, weight in product(kinds, (0.0, 0.1), (0.0, 0.5), (1.0, 0.3)):
        options = preference.Options(0.1, smoothing, gamma, divergence=kind)  # type: ignore[arg-type]
        losses = []
        for filler in (0.0, -9.0):
            logprobs = torch.where(batch.mask, torch.linspace(-3, -0.5, batch.mask.numel()).view_as(batch.ids), filler)
            logprobs.requires_grad_()
            found = preference.terms(name, answers_of(logprobs, batch, weigh, weights=weight), options)
            found.sum().backward()
            losses.append(found)
            assert found.isfinite().all()
            assert logprobs.grad is not None
            assert logprobs.grad.isfinite().all()
            assert not logprobs.grad[~batch.mask].any()
            assert logprobs.grad[batch.mask].any()
        assert torch.equal(*losses)


PAIR_FIELDS: dict[str, list[Any]] = {
    "loss_type": list(get_args(dpo.LossType)), "token_weighting": list(members.names(token_weights.__name__)),
    "f_divergence_type": list(get_args(Divergence)), "use_weighting": [False, True], "rpo_alpha": [0.0, 0.5],
    "label_smoothing": [0.0, 0.1], "bco_running_mean": [False, True]}


def composed(config: dpo.Config, spec: RunSpec) -> Composition | ConfigFault:
    try:
        return dpo.compose(config, Setting(spec, None, context_length=64, parameters=1000))
    except ConfigFault as fault:
        return fault


def test_pairs_of_every_two_fields_of_preference_go_through_a_model_or_are_refused_with_a_remedy(tmp_path: Path) -> None:
    """Loss and gradient are finite, the reference gets none, other tokens outside the answers change nothing, and every metric
    told is one that the card names."""
    policy, reference = view(width=16, layers=1, inner=16), view(width=16, layers=1, inner=16, trained=False, seed=1)
    named = {metric.name for metric in dpo.CARD.metrics}
    spec = RunSpec(method="dpo", models={"policy": ModelRef(path=str(tmp_path))}, output_dir=str(tmp_path))
    refused = 0
    for row in pairwise(PAIR_FIELDS):
        made = composed(dpo.Config.model_validate(row | {"max_length": 32}), spec)
        if isinstance(made, ConfigFault):
            refused += 1
            assert row["loss_type"] in made.message
            assert made.remedy
            continue
        fit = next(phase for phase in made.cycle if isinstance(phase, Fit))
        losses = []
        for filler in (0.0, -9.0):
            told = replace(turn(policy, beta=0.1), models={"policy": policy, "reference": reference})
            samples = [replace(side, scalars=side.scalars | {"nll_tokens": side.scalars["label"] * int(side.mask.sum())})
                       for side in paired()]
            for side in samples:
                side.channels["ref_logprobs"] = torch.where(side.mask, side.channels["ref_logprobs"], filler)
            loss = fit.loss(told, batch_of(samples), counts_of(samples))
            policy.module.zero_grad()
            loss.backward()
            losses.append(loss)
            assert loss.isfinite(), row
            gradients = [parameter.grad for parameter in policy.module.parameters()]
            assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients), row
            assert any(gradient.any() for gradient in gradients if gradient is not None), row
            assert all(parameter.grad is None for parameter in reference.module.parameters())
            assert set(told.tally.values()) <= named, row
        assert torch.equal(*losses), row
    assert refused

"""SeqGAN: what tokens are worth, REINFORCE's credit without continuations, both sides alike, curves, exact resume."""

import math
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given as given_
from hypothesis import settings
from hypothesis import strategies as st
from torch import Tensor

from tests.engine.builders import curve, of_type, straight_and_resumed, train, view, weights
from tests.engine.online_builders import given, prompts
from workers.contract.records import RecordKind
from workers.contract.run_spec import DatasetRef, RunSpec
from workers.engine.credit import action_values, last_token
from workers.engine.faults import ConfigFault, DataFault
from workers.engine.method import method_of
from workers.engine.methods import seqgan
from workers.engine.reward_models import binary
from workers.engine.rollout.token_values import token_values
from workers.engine.sample import Batch, Rollout, batch_of, counts_of
from workers.engine.sampler.grouped import generate
from workers.engine.training.tally import Tally

GAN: dict[str, Any] = {"discriminator_first": 1, "continuations": 2, "discriminator_learning_rate": 1e-2, "advantage": "to_go"}


def adversarial(folder: Path, model: Path, *, name: str = "run", **config: Any) -> RunSpec:
    return given(folder, model, method="seqgan", reward=None, name=name, **(GAN | config))


def test_rewards_to_go_of_the_placed_values_are_the_values() -> None:
    mask = torch.tensor([[False, True, True, False, True], [False, False, True, False, False]])
    values = torch.tensor([[0.0, 0.2, 0.6, 9.0, 0.5], [9.0, 9.0, 0.3, 9.0, 9.0]])
    found = action_values.token_rewards(torch.tensor([0.5, 0.3]), mask, action_values=values)
    torch.testing.assert_close(found, torch.tensor([[0, -0.4, 0.1, 0, 0.5], [0, 0, 0.3, 0, 0]]))
    torch.testing.assert_close(found.flip(-1).cumsum(-1).flip(-1)[mask], values[mask])
    assert action_values.token_rewards(torch.tensor([torch.nan, 0.3]), mask, action_values=values)[0, mask[0]].isnan().all()


def test_a_token_is_worth_the_mean_score_of_what_goes_on_from_it() -> None:
    """Greedy continuations of a greedy answer are that answer; drawn ones keep the beginning they go on from."""
    policy, asked = view(seed=3), [torch.tensor([10, 11, 12]), torch.tensor([13])]
    answers = generate(policy, asked, count=2, max_new_tokens=5, temperature=0.0)
    seen: list[Rollout] = []

    def judge(rollouts: Sequence[Rollout]) -> Tensor:
        seen.extend(rollouts)
        return torch.tensor([float(rollout.completion_ids.sum() + len(rollout.prompt_ids)) for rollout in rollouts])

    own = judge(answers)
    for found, score in zip(token_values(policy, judge, answers, count=3, longest=5, temperature=0.0), own, strict=True):
        assert found.tolist() == [score] * 5
    seen.clear()
    drawn = generate(policy, asked, count=1, max_new_tokens=4, temperature=1.0)
    values = token_values(policy, judge, drawn, count=3, longest=4, temperature=1.0)
    assert [float(each[-1]) for each in values] == judge(drawn).tolist()
    continued = seen[2:2 + 2 * 3 * 3]
    assert all(len(each.completion_ids) == 4 for each in continued)
    for index, each in enumerate(values):
        for written in (1, 2, 3):
            own_three = [one for one in continued[(written - 1) * 6: written * 6] if len(one.prompt_ids) == len(asked[index])]
            assert all(one.completion_ids[:written].equal(drawn[index].completion_ids[:written]) for one in own_three)
            assert float(each[written - 1]) == pytest.approx(sum(float(one.completion_ids.sum()) for one in own_three) / 3
                                                             + len(asked[index]))


def test_both_sides_count_alike_however_they_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = {0: 1.5, 1: -0.5, 2: 0.25}
    sides = [seqgan.side(Rollout(torch.tensor([5]), torch.tensor([index]), torch.zeros(1), True), real=index == 0)
             for index in range(3)]
    monkeypatch.setattr(seqgan, "answer_scores",
                        lambda model, batch, pad: torch.tensor([scores[int(ids[1])] for ids in batch.ids]))
    turn: Any = SimpleNamespace(models={"discriminator": None}, tokenizer=SimpleNamespace(pad_token_id=0), tally=Tally())

    def loss(batch: Batch) -> float:
        return float(seqgan.tell_apart(turn, batch, counts_of(sides, pieces=2)))

    real, one, other = (float(binary.terms(torch.tensor(scores[at]), torch.tensor(float(at == 0)))) for at in range(3))
    found = loss(batch_of(sides[:2])) + loss(batch_of(sides[2:]))
    assert found == pytest.approx(real / 2 + (one + other) / 4)
    assert turn.tally.values()["discriminator/loss"] == pytest.approx(found)
    assert turn.tally.values()["discriminator/accuracy"] == pytest.approx(0.5 + 0.25)


@settings(max_examples=25, deadline=None)
@given_(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 5)), min_size=1, max_size=6))
def test_without_continuations_the_credit_is_that_of_reinforce(rows: list[tuple[float, int]]) -> None:
    """Every token then has the whole answer's score, and what is left of the differences is the score on the last token."""
    rewards = torch.tensor([reward for reward, _ in rows])
    mask = torch.arange(5) < torch.tensor([length for _, length in rows]).unsqueeze(1)
    values = torch.where(mask, rewards.unsqueeze(1), 0.7)
    assert torch.equal(action_values.token_rewards(rewards, mask, action_values=values), last_token.token_rewards(rewards, mask))


def test_a_resumed_run_is_the_uninterrupted_one_and_a_fixed_discriminator_stays(tmp_path: Path, small: Path) -> None:
    whole, rest = straight_and_resumed(lambda name: adversarial(tmp_path, small, name=name, max_steps=4))
    for name in ("reward", "discriminator/loss", "discriminator/value_spread", "grad_norm"):
        assert curve(rest, name) == curve(whole, name, after=2), name
    final, resumed = weights(tmp_path, "whole"), weights(tmp_path, "again")
    assert all(torch.equal(final[name], resumed[name]) for name in final)
    assert list(curve(whole, "policy_loss")) == [2, 3, 4]
    losses = curve(whole, "discriminator/loss")
    assert losses[4] < losses[1]
    fixed = train(adversarial(tmp_path, small, name="fixed", max_steps=2, continuations=0, learning_rate=1e-9,
                              discriminator_learning_rate=0.0, discriminator_updates=1, discriminator_epochs=1))
    assert curve(fixed, "discriminator/value_spread")[2] == pytest.approx(0, abs=1e-6)
    assert curve(fixed, "discriminator/loss")[2] == pytest.approx(math.log(2), abs=0.05)


def test_it_logs_what_its_card_names_and_needs_references(tmp_path: Path, small: Path) -> None:
    held_out = prompts(tmp_path / "more", split="test")
    made = adversarial(tmp_path, small, max_steps=2, eval_steps=1, advantage="batch_centred")
    made.datasets["eval"] = held_out
    logged = {name for event in of_type(train(made), "metrics") for name in event.values}
    named = {metric.name for metric in method_of("seqgan").CARD.metrics}
    assert logged <= named
    assert named - logged <= {"baseline", "reward/greedy", "reward/above_greedy", "completions/mean_terminated_length"}
    bare = DatasetRef(path=made.datasets["train"].path, split="bare", kind=RecordKind.PROMPT_ANSWER)
    (Path(bare.path) / "bare.jsonl").write_text('{"prompt": "1+1="}\n' * 4, encoding="utf-8")
    with pytest.raises(DataFault, match="has no reference answer"):
        train(adversarial(tmp_path, small, name="bare").model_copy(update={"datasets": {"train": bare}}))
    with pytest.raises(ConfigFault, match="needs values"):
        train(adversarial(tmp_path, small, name="critic", advantage="state_value"))

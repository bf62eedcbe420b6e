"""A trial's numbers, worked by hand: terms kept apart, ranks and advantages beside the old ones."""

from typing import Any

import pandas  # type: ignore[import-untyped]
import pytest
import torch

from workers.contract.trials import ScoredPrompt, TrialAnswer, TrialOutcome, TrialPrompt, TrialRequest
from workers.engine import members
from workers.engine.faults import ConfigFault, RewardFault
from workers.engine.reports import trial

CORRECT = {"name": "correct", "kind": "numeric_match"}
SHORT = {"name": "short", "kind": "length", "weight": 0.5, "params": {"mode": "penalty", "limit": 10}}


def asked(*terms: dict[str, Any], prompts: list[TrialPrompt], replay: bool = False, **pipeline: Any) -> TrialOutcome:
    given = {"pipeline": {"terms": list(terms), **pipeline}, "replay": replay, "prompts": prompts}
    return trial.outcome(TrialRequest.model_validate(given))


def prompt(*texts: str, reference: str | None = "4", old: tuple[float | None, ...] = ()) -> TrialPrompt:
    olds = old or (None,) * len(texts)
    answers = [TrialAnswer(text=text, old_reward=was) for text, was in zip(texts, olds, strict=True)]
    return TrialPrompt(prompt="2+2=", reference=reference, answers=answers)


def rho(first: list[float], second: list[float]) -> float:
    """Spearman's ρ as pandas finds it."""
    return float(pandas.DataFrame({"first": first, "second": second}).corr(method="spearman").loc["first", "second"])


def only(outcome: TrialOutcome) -> ScoredPrompt:
    (found,) = outcome.prompts
    return found


def test_each_term_is_told_raw_and_the_total_is_their_weighted_sum() -> None:
    found = only(asked(CORRECT, SHORT, prompts=[prompt("it is 4", "5")]))
    right, wrong = found.answers
    assert {name: term.value for name, term in right.terms.items()} == {"correct": 1.0, "short": -0.3}
    assert right.reward == pytest.approx(1 - 0.15)
    assert wrong.reward == pytest.approx(0 - 0.05)
    assert (right.rank, wrong.rank, right.length) == (1, 2, 3)


def test_advantages_are_normalised_within_the_group() -> None:
    """Rewards 1, 0, 0: mean 1/3, deviation 1/√3, so A = (2/3) / (0.57735 + 1e-4) for the right one."""
    found = only(asked(CORRECT, prompts=[prompt("4", "5", "6")]))
    assert [answer.advantage for answer in found.answers] == pytest.approx([1.154500, -0.577250, -0.577250], abs=1e-5)
    assert [answer.rank for answer in found.answers] == [1, 2.5, 2.5]
    assert not found.flat


def test_what_transforms_and_gates_make_of_a_value_stands_beside_it() -> None:
    """A penalty of 0.3 clipped at −0.2, and a gate that the wrong answer does not pass: −1 in place of the sum."""
    clipped = {**SHORT, "transforms": [{"kind": "clip", "low": -0.2, "high": None}]}
    gate = {**CORRECT, "gate": {"at_least": 0.5, "otherwise": -1.0}}
    right, wrong = only(asked(gate, clipped, prompts=[prompt("it is 4", "5")])).answers
    assert (right.terms["short"].value, right.terms["short"].transformed, right.terms["short"].open) == (-0.3, -0.2, None)
    assert (right.terms["correct"].open, wrong.terms["correct"].open) == (True, False)
    assert right.reward == pytest.approx(-0.1)
    assert wrong.reward == -1.0


def test_the_summary_tells_spread_and_time_of_each_term() -> None:
    report = asked(CORRECT, SHORT, prompts=[prompt("4", "5"), prompt("4 4 4", reference=None)]).report
    correct, short = report.terms
    assert (report.prompts, report.answers, report.without) == (2, 3, 0)
    assert (correct.applied, correct.mean, correct.low, correct.high) == (2, 0.5, 0.0, 1.0)
    assert (short.applied, short.low, short.high) == (3, -0.3, -0.1)
    assert correct.deviation == pytest.approx(0.7071068)
    assert min(correct.seconds, short.seconds) > 0
    assert report.notes == [trial.WORDS]


def test_a_replay_puts_the_old_beside_the_new() -> None:
    """The old reward liked the second answer, the new one the first: ranks turn round, and so do advantages."""
    outcome = asked(CORRECT, replay=True, prompts=[prompt("4", "5", old=(0.0, 1.0)), prompt("4", "4", old=(0.5, 0.25))])
    turned, levelled = outcome.prompts
    assert [(answer.rank, answer.old_rank) for answer in turned.answers] == [(1, 2), (2, 1)]
    one = (1 / 2) / (0.5**0.5 + 1e-4)
    assert [answer.old_advantage for answer in turned.answers] == pytest.approx([-one, one])
    assert [answer.advantage for answer in turned.answers] == pytest.approx([one, -one])
    assert turned.shift == pytest.approx(2 * one)
    assert (turned.reordered, turned.flat) == (True, False)
    assert (levelled.reordered, levelled.flat, levelled.old_flat) == (False, True, False)
    replay = outcome.report.replay
    assert replay is not None
    assert (replay.groups, replay.reordered, replay.flat_before, replay.flat_after) == (2, 1, 0, 1)
    assert replay.spearman_within == pytest.approx(-1.0)
    assert replay.spearman == pytest.approx(rho([0.0, 1.0, 0.5, 0.25], [1, 0, 1, 1]))
    assert replay.old_mean == pytest.approx(0.4375)


def test_the_same_reward_changes_nothing() -> None:
    replay = asked(CORRECT, replay=True, prompts=[prompt("4", "5", "6", old=(1.0, 0.0, 0.0))])
    assert only(replay).shift == pytest.approx(0.0, abs=1e-12)
    assert replay.report.replay is not None
    assert replay.report.replay.spearman == pytest.approx(1.0)
    assert replay.report.replay.reordered == 0


def test_an_answer_without_an_old_reward_takes_no_part_in_the_comparison() -> None:
    found = only(asked(CORRECT, replay=True, prompts=[prompt("4", "5", "6", old=(1.0, 0.0, None))]))
    assert [answer.old_rank for answer in found.answers] == [1, 2, None]
    assert found.answers[2].old_advantage == 0


@pytest.mark.parametrize("seed", range(5))
def test_spearman_is_pandas_with_ties(seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    first, second = (torch.randint(0, 6, (40,), generator=random).to(torch.float64) for _ in range(2))
    assert trial.spearman(first, second) == pytest.approx(rho(first.tolist(), second.tolist()))
    assert trial.spearman(first, torch.ones(40, dtype=torch.float64)) is None


def breaking(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    """Makes the term `numeric_match` answer something else, or raise it."""

    def reward(params: Any, *, completions: list[str], **given: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(members.load("workers.engine.rewards", "numeric_match"), "reward", reward)


def test_a_term_that_answers_nan_is_told_at_its_answer_and_leaves_it_without_a_reward(monkeypatch: pytest.MonkeyPatch) -> None:
    breaking(monkeypatch, [float("nan"), 1.0])
    outcome = asked(CORRECT, SHORT, prompts=[prompt("4", "5")])
    broken, whole = only(outcome).answers
    assert (broken.reward, broken.rank, broken.terms["correct"].error) == (None, None, "It answered nan.")
    assert whole.terms["correct"].error == ""
    assert (outcome.report.without, outcome.report.terms[0].errors) == (1, 1)


@pytest.mark.parametrize(
    ("answer", "said"),
    [([1.0], "It answered 1 values for 2 answers"), (RewardFault("The function raised KeyError: 'x'.", "Mend it."), "KeyError")],
)
def test_a_term_that_breaks_as_a_whole_does_not_hide_the_others(
    monkeypatch: pytest.MonkeyPatch, answer: Any, said: str
) -> None:
    breaking(monkeypatch, answer)
    outcome = asked(CORRECT, SHORT, prompts=[prompt("4", "5")])
    correct, short = outcome.report.terms
    assert said in correct.error
    assert (correct.errors, correct.applied, short.applied) == (2, 0, 2)
    assert [one.terms["short"].value for one in only(outcome).answers] == [-0.1, -0.1]


def test_a_pipeline_that_cannot_be_made_ready_is_refused() -> None:
    with pytest.raises(ConfigFault):
        asked({"name": "x", "kind": "no_such_term"}, prompts=[prompt("4")])

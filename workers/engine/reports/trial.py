"""A trial: what a reward pipeline says of a few answers, and, for a run's own rollouts, what it would have changed.

Every term is asked once, timed, and kept apart: one that breaks is told as broken and takes no part, so that a person
sees all faults at once and not the first.
"""

import math
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor

from workers.contract.run_spec import RewardPipeline, RewardTerm
from workers.contract.trials import (
    ReplaySummary,
    ScoredAnswer,
    ScoredPrompt,
    TermSummary,
    TermValue,
    TrialAnswer,
    TrialOutcome,
    TrialPrompt,
    TrialReport,
    TrialRequest,
)
from workers.engine.advantages import group_normalised
from workers.engine.data.rendering import text_of
from workers.engine.faults import Fault
from workers.engine.modeling.loading import load_tokenizer
from workers.engine.reports.reward_report import spearman as spearman_of
from workers.engine.rewarding.reward_pipeline import Pipeline, Rewards, Term

WORDS = "No model's tokens were counted: lengths are in words."
RESERVED = {"prompts", "completions", "completion_ids", "params"}
"""What terms are given under these names is never a column of the data."""
Values = list[float | None]


@dataclass
class Asked:
    """What came of asking one term: seconds, and what was wrong by answer or with the term as a whole."""

    seconds: float = 0.0
    error: str = ""
    errors: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """What was found of B answers: rewards [B] new and old (NaN for none), their group-normalised advantages [B]."""

    replay: bool
    told: list[dict[str, TermValue]]
    lengths: list[int]
    total: Tensor
    advantages: Tensor
    old: Tensor
    old_advantages: Tensor


def trial(request: dict[str, Any]) -> dict[str, Any]:
    """A `TrialOutcome` for a `TrialRequest`. Raises Fault when the pipeline cannot be made ready."""
    return outcome(TrialRequest.model_validate(request)).model_dump(mode="json")


def outcome(request: TrialRequest) -> TrialOutcome:
    """Raises Fault when a term is unknown, misconfigured or cannot be loaded."""
    started = time.perf_counter()
    prompts = [prompt for prompt in request.prompts for _ in prompt.answers]
    answers = [answer for prompt in request.prompts for answer in prompt.answers]
    groups = [number for number, prompt in enumerate(request.prompts) for _ in prompt.answers]
    ids = tokens_of(request.tokenizer_path, answers)
    rewards, asked = scored(request.pipeline, prompts, answers, ids, groups)
    old = torch.tensor([math.nan if answer.old_reward is None else answer.old_reward for answer in answers], dtype=torch.float64)
    numbers = torch.tensor(groups)
    found = Found(
        replay=request.replay, told=[_told(rewards, request.pipeline, asked, index) for index in range(len(answers))],
        lengths=[len(one) for one in ids], total=rewards.total, advantages=advantages_of(rewards.total, numbers),
        old=old, old_advantages=advantages_of(old, numbers))
    ends = list(accumulate(len(prompt.answers) for prompt in request.prompts))
    places = [slice(end - len(prompt.answers), end) for prompt, end in zip(request.prompts, ends, strict=True)]
    told = [_prompt(prompt, here, found) for prompt, here in zip(request.prompts, places, strict=True)]
    report = TrialReport(
        prompts=len(told), answers=len(answers), without=int((~rewards.total.isfinite()).sum()), **_spread(rewards.total),
        terms=[_summary(term, rewards, asked[index], index) for index, term in enumerate(request.pipeline.terms)],
        replay=_replay(found, told, places) if request.replay else None,
        notes=[] if request.tokenizer_path or all(answer.ids is not None for answer in answers) else [WORDS],
        seconds=time.perf_counter() - started)
    return TrialOutcome(report=report, prompts=told)


def tokens_of(tokenizer_path: str, answers: Sequence[TrialAnswer]) -> list[list[int]]:
    """Token ids of each answer: its own, else the tokenizer's, else one number a word."""
    if all(answer.ids is not None for answer in answers):
        return [answer.ids or [] for answer in answers]
    if not tokenizer_path:
        return [answer.ids if answer.ids is not None else list(range(len(answer.text.split()))) for answer in answers]
    read = load_tokenizer(tokenizer_path)([answer.text for answer in answers], add_special_tokens=False)["input_ids"]
    return [answer.ids if answer.ids is not None else list(found) for answer, found in zip(answers, read, strict=True)]


def scored(
    spec: RewardPipeline, prompts: Sequence[TrialPrompt], answers: Sequence[TrialAnswer], ids: Sequence[Sequence[int]],
    groups: Sequence[int],
) -> tuple[Rewards, list[Asked]]:
    """Rewards of the answers, and how asking each term went. Broken values leave an answer without a reward."""
    lenient = spec.model_copy(update={"on_nan": "zero" if spec.on_nan == "zero" else "drop"})
    pipeline = Pipeline(lenient)
    asked = [Asked() for _ in pipeline.terms]
    pipeline.terms = tuple(watched(term, note) for term, note in zip(pipeline.terms, asked, strict=True))
    names = sorted({name for prompt in prompts for name in prompt.columns} - RESERVED)
    columns: dict[str, list[Any]] = {name: [prompt.columns.get(name) for prompt in prompts] for name in names}
    columns["answer"] = [prompt.reference for prompt in prompts]
    with closing(pipeline):
        rewards = pipeline.score(prompts=[prompt.prompt for prompt in prompts], completions=[answer.text for answer in answers],
                                 completion_ids=ids, columns=columns, groups=groups)
    return rewards, asked


def watched(term: Term, note: Asked) -> Term:
    """The term, timed, its faults noted in place of raised: None where it failed as a whole."""
    ask = term.reward

    def asking(params: Any, *, completions: Sequence[str], **given: Any) -> Values:
        begun = time.perf_counter()
        try:
            values = ask(params, completions=completions, **given)
            if len(values) != len(completions):
                note.error = (f"It answered {len(values)} values for {len(completions)} answers. "
                              "Return one value, or None, for each.")
                values = [None] * len(completions)
        except Fault as fault:
            note.error = f"{fault.message} {fault.remedy}".strip()
            values = [None] * len(completions)
        note.seconds = time.perf_counter() - begun
        note.errors = {index: f"It answered {value}." for index, value in enumerate(values)
                       if value is not None and not math.isfinite(value)}
        return list(values)

    return replace(term, reward=asking)


def ranks(values: Tensor) -> Tensor:
    """Ranks [n] of finite values [n] from the highest, 1, on; equal values share the mean of their places."""
    found, place, counts = (-values).unique(return_inverse=True, return_counts=True)
    last = counts.cumsum(0)
    return (last - (counts - 1) / 2)[place].to(torch.float64) if len(found) else values


def spearman(first: Tensor, second: Tensor) -> float | None:
    """Spearman's ρ over the places where both are finite; None where one is constant there."""
    both = first.isfinite() & second.isfinite()
    return spearman_of(first[both].numpy(), second[both].numpy())


def reordered(old: Tensor, new: Tensor) -> bool:
    """Whether some two answers that have both rewards stand in the opposite order, strictly before and after."""
    both = old.isfinite() & new.isfinite()
    before, after = (torch.sign(values[both].unsqueeze(0) - values[both].unsqueeze(1)) for values in (old, new))
    return bool((before * after < 0).any())


def flat(values: Tensor) -> bool:
    """Whether a group of two answers or more has equal rewards, so that group-normalised methods learn nothing from it."""
    known = values[values.isfinite()]
    return len(values) > 1 and (len(known) < 2 or float(known.max() - known.min()) < 1e-8)


def advantages_of(rewards: Tensor, groups: Tensor) -> Tensor:
    """Group-normalised advantages [B] of rewards [B]; 0 for an answer without a reward."""
    column = rewards.unsqueeze(-1)
    return group_normalised.advantages(column, torch.ones_like(column), groups).squeeze(-1)


def _told(rewards: Rewards, spec: RewardPipeline, asked: Sequence[Asked], index: int) -> dict[str, TermValue]:
    raw, moved, opened = rewards.of(index), rewards.transformed_of(index), rewards.opened[index].tolist()
    return {term.name: TermValue(value=raw[term.name], transformed=moved[term.name], open=opened[k] if term.gate else None,
                                 error=asked[k].errors.get(index, asked[k].error))
            for k, term in enumerate(spec.terms)}


def _prompt(prompt: TrialPrompt, here: slice, found: Found) -> ScoredPrompt:
    """The prompt with its answers, which stand at `here` among all."""
    old, new = found.old[here], found.total[here]
    places, old_places = _places(new), _places(old)
    answers = [
        ScoredAnswer(
            text=answer.text, label=answer.label, length=found.lengths[at], truncated=answer.truncated, terms=found.told[at],
            reward=_number(found.total[at]), rank=places[at - here.start], advantage=_number(found.advantages[at]),
            old_reward=answer.old_reward, old_rank=old_places[at - here.start],
            old_advantage=_number(found.old_advantages[at]) if found.replay else None)
        for at, answer in enumerate(prompt.answers, here.start)]
    shift = float((found.advantages[here] - found.old_advantages[here]).abs().max()) if found.replay else 0.0
    return ScoredPrompt(
        prompt=text_of(prompt.prompt), reference=prompt.reference, row=prompt.row, step=prompt.step, cursor=prompt.cursor,
        answers=answers, flat=flat(new), old_flat=found.replay and flat(old), reordered=found.replay and reordered(old, new),
        shift=shift)


def _places(values: Tensor) -> list[float | None]:
    """Rank of each value within its group; None without a reward."""
    known = values.isfinite()
    found = iter(ranks(values[known]).tolist())
    return [next(found) if there else None for there in known.tolist()]


def _summary(term: RewardTerm, rewards: Rewards, asked: Asked, index: int) -> TermSummary:
    values = rewards.terms[:, index]
    values = values[values.isfinite()]
    broken = len(asked.errors) or (len(rewards.total) if asked.error else 0)
    return TermSummary(
        name=term.name, kind=term.kind, applied=len(values), **_spread(values),
        low=_number(values.min()) if len(values) else None, high=_number(values.max()) if len(values) else None,
        errors=broken, error=asked.error or next(iter(asked.errors.values()), ""), seconds=asked.seconds)


def _spread(values: Tensor) -> dict[str, float | None]:
    """Mean and Bessel-corrected deviation of the finite values."""
    values = values[values.isfinite()]
    return {"mean": _number(values.mean()) if len(values) else None,
            "deviation": _number(values.std()) if len(values) > 1 else None}


def _replay(found: Found, prompts: Sequence[ScoredPrompt], places: Sequence[slice]) -> ReplaySummary:
    within = [rho for here in places if (rho := spearman(found.old[here], found.total[here])) is not None]
    return ReplaySummary(
        groups=len(prompts), reordered=sum(prompt.reordered for prompt in prompts),
        flat_before=sum(prompt.old_flat for prompt in prompts), flat_after=sum(prompt.flat for prompt in prompts),
        spearman=spearman(found.old, found.total), spearman_within=sum(within) / len(within) if within else None,
        old_mean=_spread(found.old)["mean"])


def _number(value: Tensor) -> float | None:
    return float(value) if bool(value.isfinite()) else None

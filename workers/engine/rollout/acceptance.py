"""Which written answers are worth training on: those that a score accepts, without duplicates, so many for each prompt.

`accepted` is the selection, a pure function; the rest writes and scores a step's answers for methods that fit by likelihood
to what was accepted.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from math import isfinite
from typing import Literal

from workers.contract.catalogue import MetricInfo
from workers.engine.composition import ModelView, Turn
from workers.engine.families import online_config, supervised
from workers.engine.rewarding.reward_pipeline import Pipeline
from workers.engine.rollout import scoring, written_answers
from workers.engine.sample import Sample
from workers.engine.training.training_config import setting as field

Duplicates = Literal["text", "equations", "keep"]
EQUATION = re.compile(r"[-+*/().\d\s]*\d[-+*/().\d\s]*=\s*-?\d+(?:\.\d+)?")


class AcceptanceConfig(written_answers.FittingConfig):
    """Adds how many answers are written, and which are accepted."""

    num_generations: int = field(
        8, "Answers per prompt", "Answers written to each prompt, of which the accepted are learned.", group="basic", order=16,
        unit="answers", ge=1, le=1024)
    accept_at: float = field(
        1.0, "Accept from", "Reward from which on an answer is accepted; a verifier's is 1.", group="basic", order=43, ge=-1e9,
        le=1e9)
    top_k: int = field(
        0, "Best of each prompt", "Accept at most the best so many of a prompt's answers; 0 sets no rank.", order=44,
        unit="answers", ge=0, le=1024)
    duplicates: Duplicates = field(
        "text", "Duplicates", "Leave out answers of equal text (up to spaces and case), or of equal equations; or keep them all.",
        order=45)
    max_per_prompt: int = field(
        4, "Accepted per prompt", "At most so many accepted answers of a prompt are learned, so that easy prompts do not crowd "
        "out the others.", order=46, unit="answers", ge=1, le=1024)


METRICS = [
    *(metric for metric in supervised.METRICS if metric.name not in {"eval/loss", "eval/mean_token_accuracy"}),
    *written_answers.METRICS,
    *(metric for metric in online_config.METRICS if metric.name == "reward" or metric.name.startswith("rewards/")),
    MetricInfo(name="acceptance_rate", title="Accepted answers", panel="Acceptance", better="up",
               help="Share of the written answers that the reward accepts."),
    MetricInfo(name="accepted/unique_per_prompt", title="Different accepted answers per prompt", panel="Acceptance",
               unit="answers", better="up"),
    MetricInfo(name="accepted/samples", title="Answers learned", panel="Acceptance", unit="answers"),
    MetricInfo(name="prompts/never", title="Prompts never solved", panel="Acceptance", better="down",
               help="Share of prompts none of whose answers is accepted: the hard ones."),
    MetricInfo(name="prompts/sometimes", title="Prompts solved sometimes", panel="Acceptance",
               help="Share of prompts some of whose answers are accepted, and some not."),
    MetricInfo(name="prompts/always", title="Prompts always solved", panel="Acceptance", better="up",
               help="Share of prompts all of whose answers are accepted: the easy ones."),
]


def accepted(
    scores: Sequence[float], keys: Sequence[str], groups: Sequence[int], *, at: float, top_k: int = 0, most: int | None = None,
) -> list[int]:
    """Indices of the kept answers, in order: score ≥ `at`, the first of its `keys` in its group, at most `most` of a group.

    With `top_k` only the best so many of a group come into question; of equal scores the earlier. A score that is not
    finite is never accepted. Scores [1, 0, 1, 1] at 1, the third a duplicate of the first, give 0 and 3.
    """
    members: dict[int, list[int]] = defaultdict(list)
    for index, group in enumerate(groups):
        members[group].append(index)
    kept = []
    for group_members in members.values():
        ranked = sorted((index for index in group_members if isfinite(scores[index])), key=lambda index: -scores[index])
        good = sorted(index for index in (ranked[:top_k] if top_k else ranked) if scores[index] >= at)
        first = {keys[index]: index for index in reversed(good)}
        kept += sorted(first.values())[:most]
    return sorted(kept)


def key_of(text: str, duplicates: Duplicates, index: int) -> str:
    """What two duplicates have in common. `keep` makes every answer one of its own, and so does a text without equations."""
    if duplicates == "keep":
        return str(index)
    if duplicates == "equations":
        found = ["".join(equation.split()) for equation in EQUATION.findall(text)]
        return " ".join(found) if found else f"text {' '.join(text.lower().split())}"
    return " ".join(text.lower().split())


def answered(
    config: AcceptanceConfig, turn: Turn, model: ModelView, prompts: Sequence[Sample], pipeline: Pipeline | None
) -> list[Sample]:
    """`num_generations` answers to each prompt with their rewards, told and shown; without a pipeline all count `accept_at`.

    An answer without text is never accepted: it has no reward.
    """
    rollouts = written_answers.roll_out(config, turn, model, prompts, config.num_generations)
    samples = written_answers.samples_of(turn, prompts, rollouts, config.num_generations)
    if pipeline is not None:
        rewards = scoring.score(pipeline, [prompts[sample.group] for sample in samples], rollouts,
                               [sample.text for sample in samples])
        scoring.tell_rewards(turn.tally, pipeline, rewards)
        for index, sample in enumerate(samples):
            sample.reward, sample.terms = float(rewards.total[index]), rewards.of(index)
    for sample in samples:
        known = config.accept_at if sample.reward is None else sample.reward
        sample.reward = known if sample.text.strip() and isfinite(known) else None
    tell(config, turn, samples)
    written_answers.show(config, turn, samples)
    return samples


def told(turn: Turn, kept: list[Sample]) -> list[Sample]:
    """The answers that a step learns, their number told; a step without any is a sentence in the log."""
    turn.tally.put("accepted/samples", len(kept))
    if not kept:
        turn.warn(f"Step {turn.step}: no answer was accepted, so that nothing was learned.")
    return kept


def selected(config: AcceptanceConfig, samples: Sequence[Sample]) -> list[Sample]:
    """The answers that are learned."""
    kept = accepted([float("nan") if sample.reward is None else sample.reward for sample in samples],
                    [key_of(sample.text, config.duplicates, index) for index, sample in enumerate(samples)],
                    [sample.group for sample in samples], at=config.accept_at, top_k=config.top_k, most=config.max_per_prompt)
    return [samples[index] for index in kept]


def tell(config: AcceptanceConfig, turn: Turn, samples: Sequence[Sample]) -> None:
    """`acceptance_rate`, `accepted/unique_per_prompt` and `prompts/…` of a step's answers."""
    good: dict[int, list[bool]] = defaultdict(list)
    unique = set()
    for index, sample in enumerate(samples):
        good[sample.group].append(sample.reward is not None and sample.reward >= config.accept_at)
        if good[sample.group][-1]:
            unique.add((sample.group, key_of(sample.text, config.duplicates, index)))
    count = len(good)
    turn.tally.put("acceptance_rate", sum(map(sum, good.values())) / len(samples))
    turn.tally.put("accepted/unique_per_prompt", len(unique) / count)
    turn.tally.put("prompts/never", sum(not any(marks) for marks in good.values()) / count)
    turn.tally.put("prompts/always", sum(all(marks) for marks in good.values()) / count)
    turn.tally.put("prompts/sometimes", sum(any(marks) and not all(marks) for marks in good.values()) / count)

"""Pairs made of answers that a model of the run writes, for methods that learn a preference from them at once.

`best_and_worst` is the selection, a pure function of rewards; `pair` makes two samples what `direct_preference` reads.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from workers.contract.catalogue import MetricInfo
from workers.engine.composition import Turn
from workers.engine.sample import Sample

METRICS = [
    MetricInfo(name="pairs/fraction", title="Prompts that gave a pair", panel="Pairs", better="up",
               help="Of the others, all answers were alike or without a reward."),
]


def best_and_worst(rewards: Sequence[float]) -> tuple[int, int] | None:
    """Indices of the highest and the lowest reward, the first of equals; None where all that are finite are equal.

    Rewards that are not finite do not count.
    """
    known = [index for index, reward in enumerate(rewards) if math.isfinite(reward)]
    if not known:
        return None
    best, worst = max(known, key=lambda index: rewards[index]), min(known, key=lambda index: rewards[index])
    return None if rewards[best] == rewards[worst] else (best, worst)


def pair(chosen: Sample, rejected: Sample, group: int) -> list[Sample]:
    """Both sides as one group with scalars `label` and `margin`, the difference in reward; nothing for equal answers."""
    if chosen.ids.tolist() == rejected.ids.tolist() or not bool(chosen.mask.any()) or not bool(rejected.mask.any()):
        return []
    gap = (chosen.reward or 0.0) - (rejected.reward or 0.0)
    return [replace(side, group=group, channels={}, scalars={"label": label, "margin": gap})
            for side, label in ((chosen, 1.0), (rejected, 0.0))]


def told(turn: Turn, found: Sequence[Sequence[Sample]], asked: int) -> list[Sample]:
    """The pairs of a step, numbered, their share of the prompts asked told; a step without any is a sentence in the log."""
    kept = [each for each in found if each]
    turn.tally.put("pairs/fraction", len(kept) / asked)
    if not kept:
        turn.warn(f"Step {turn.step}: no prompt gave a pair, so that nothing was learned.")
    return [replace(side, group=group) for group, each in enumerate(kept) for side in each]

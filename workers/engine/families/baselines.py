"""Baselines that have to be gathered: the moving average of earlier rewards, and the greedy answer's reward.

An advantage that needs one (`NEEDS`) has it from here in every method that learns from its own answers; where none needs it,
nothing is gathered and no greedy answer written.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from workers.contract.catalogue import MetricInfo
from workers.engine import advantages, members
from workers.engine.advantages.moving_average import moved
from workers.engine.composition import Stateful, Turn
from workers.engine.data.answered_prompts import prompts_of
from workers.engine.families.online_config import OnlineConfig
from workers.engine.rollout.comparison import Extra
from workers.engine.sample import Rollout, Sample
from workers.engine.sampler.ends import end_ids_of
from workers.engine.sampler.grouped import generate

MOMENTUM = 0.9
"""What the moving average keeps of itself at each step."""

Rate = Callable[[Turn, Sequence[Sample], Sequence[Rollout]], Tensor]
"""Rewards [P] of one answer to each of P prompts, NaN where one has none."""

METRICS = [
    MetricInfo(name="baseline", title="Baseline", panel="Reward", help="Moving average of earlier steps' rewards."),
    MetricInfo(name="reward/greedy", title="Reward of the greedy answers", panel="Reward", better="up"),
    MetricInfo(name="reward/above_greedy", title="Answers above the greedy one", panel="Reward",
               help="Share of the drawn answers with a higher reward."),
]


@dataclass(frozen=True)
class Gathered:
    """Channels and scalars for the members that need them, and what checkpoints keep of that."""

    extra: tuple[Extra, ...] = ()
    state: dict[str, Stateful] = field(default_factory=dict)


def gathered(config: OnlineConfig, rate: Rate) -> Gathered:
    """What the config's advantage needs of this file; `rate` scores greedy answers."""
    needs = getattr(members.load(advantages.__name__, config.advantage), "NEEDS", ()) if _is_member(config.advantage) else ()
    if "baseline" in needs:
        average = MovingAverage()
        return Gathered((Extra(("baseline",), average.give),), {"baseline": average})
    if "greedy_reward" in needs:
        return Gathered((Extra(("greedy_reward",), lambda turn, samples: give_greedy(config, rate, turn, samples)),))
    return Gathered()


def _is_member(name: str) -> bool:
    return name in members.names(advantages.__name__)


class MovingAverage:
    """b ← 0.9·b + 0.1·mean reward after each step, from 0: what a step is measured against, it had no part in."""

    def __init__(self) -> None:
        self.value = 0.0

    def give(self, turn: Turn, samples: list[Sample]) -> None:
        """Leaves each sample the present value, tells it, and moves it by the samples' rewards, where there are any."""
        turn.tally.put("baseline", self.value)
        for sample in samples:
            sample.scalars["baseline"] = self.value
        rewards = [sample.reward for sample in samples if sample.reward is not None]
        if rewards:
            self.value = moved(self.value, sum(rewards) / len(rewards), MOMENTUM)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        return {}, {"value": self.value}

    def restore(self, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
        self.value = values["value"]


def give_greedy(config: OnlineConfig, rate: Rate, turn: Turn, samples: list[Sample]) -> None:
    """Leaves each sample the reward of the policy's greedy answer to its prompt (one for a group), without gradient or KL."""
    prompts = prompts_of(samples)
    policy = turn.models["policy"]
    turn.say(f"writing {len(prompts)} greedy answers")
    rollouts = generate(policy, [prompt.ids for prompt in prompts], count=1, max_new_tokens=config.max_completion_length,
                        temperature=0.0, end_ids=end_ids_of(turn.tokenizer, policy.module), max_rows=config.rollout_rows)
    turn.say("")
    rewards = rate(turn, prompts, rollouts)
    of_group = dict(zip((prompt.group for prompt in prompts), rewards.tolist(), strict=True))
    for sample in samples:
        sample.scalars["greedy_reward"] = of_group[sample.group]
    if bool(rewards.isfinite().any()):
        turn.tally.put("reward/greedy", rewards[rewards.isfinite()].mean())
    pairs = [(sample.reward, of_group[sample.group]) for sample in samples if sample.reward is not None]
    known = [reward > greedy for reward, greedy in pairs if not math.isnan(greedy)]
    if known:
        turn.tally.put("reward/above_greedy", sum(known) / len(known))

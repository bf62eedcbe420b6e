"""How a step's answers are compared: rewards to token rewards by a credit, those to advantages by an estimator.

Both are members chosen by name in the config. What a member needs beyond rewards and masks it names in NEEDS; a method
gathers it as `Extra` channels. Legend: B answers of a step, T tokens of the longest.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from workers.engine import advantages, credit, members
from workers.engine.advantages import centred, estimator, group_count, group_sum
from workers.engine.composition import Turn
from workers.engine.credit import with_kl_penalty
from workers.engine.families.online_config import OnlineConfig
from workers.engine.faults import ConfigFault
from workers.engine.regularisers import k1 as log_ratio
from workers.engine.sample import Batch, Sample, batch_of
from workers.engine.training.tally import Tally

STEPS = ("step_rewards", "step_ends")
"""Channels that answers have where a term of the reward values steps."""
GATHERED = ("old_logprobs", *STEPS)
"""Channels that a step's answers may have before they are compared, whatever the method."""


@dataclass(frozen=True)
class Extra:
    """What a method gathers beside answers, for members whose NEEDS name it.

    `give` leaves each of a step's samples the channels [T] or scalars called `names`, before they are compared.
    """

    names: tuple[str, ...]
    give: Callable[[Turn, list[Sample]], None]


def given_first(extra: Sequence[Extra], compare: Callable[[Turn, list[Sample]], None]) -> Callable[[Turn, list[Sample]], None]:
    """A method's own comparison, with the extra channels given before."""
    def compared(turn: Turn, samples: list[Sample]) -> None:
        for each in extra:
            each.give(turn, samples)
        compare(turn, samples)

    return compared


def check_comparison(config: OnlineConfig, extra: Sequence[Extra] = (), fields: Sequence[str] = ("credit", "advantage")) -> None:
    """Raises ConfigFault where one of the config's `fields` needs what the method does not gather, or larger groups."""
    given = {*GATHERED, *(name for each in extra for name in each.names)}
    for field in fields:
        package, name = {"credit": credit.__name__, "advantage": advantages.__name__}[field], getattr(config, field)
        missing = [need for need in _needs(package, name) if need not in given]
        if missing:
            fitting = " or ".join(other for other in members.names(package) if {*_needs(package, other)} <= given)
            raise _at(field, ConfigFault(f"{field} {name} needs {' and '.join(missing)}, which this method does not gather.",
                                         f"Choose {fitting}."))
        smallest = getattr(members.load(package, name), "SMALLEST_GROUP", 1)
        if config.num_generations < smallest:
            raise _at(field, ConfigFault(
                f"{field} {name} compares the answers to one prompt, and num_generations is {config.num_generations}.",
                f"Set num_generations to {smallest} or more, or choose another {field}."))


def _needs(package: str, name: str) -> tuple[str, ...]:
    return tuple(getattr(members.load(package, name), "NEEDS", ()))


def _at(field: str, fault: ConfigFault) -> ConfigFault:
    fault.field = field
    return fault


def needed(package: str, name: str, batch: Batch) -> dict[str, Tensor]:
    """What the member's NEEDS name, from the channels and scalars of the batch.

    Raises ConfigFault where it needs steps and no term of the reward values any, KeyError for what else is missing.
    """
    if {*_needs(package, name)} & {*STEPS} - {*batch.channels}:
        raise ConfigFault(f"{package.rsplit('.', 1)[1]} {name} needs rewards of steps, and no term of the reward values steps.",
                          "Add a term that does (process_reward_model, or world on a generated world's rows).")
    return {need: batch.scalars[need] if need in batch.scalars else batch.channel(need) for need in _needs(package, name)}


def chosen_options(config: OnlineConfig, package: str, name: str) -> dict[str, Any]:
    """The config's values of the member's OPTIONS, of those that this method has as fields."""
    options = getattr(members.load(package, name), "OPTIONS", ())
    return {option: getattr(config, option) for option in options if hasattr(config, option)}


def compare_answers(config: OnlineConfig, extra: Sequence[Extra], turn: Turn, samples: list[Sample]) -> None:
    """Gives each answer token rewards by the config's credit and KL, and advantages by its advantage."""
    for each in extra:
        each.give(turn, samples)
    batch = batch_of(samples)
    tell_groups(turn.tally, samples)
    token_rewards = penalised(config, turn, batch)
    package, name = advantages.__name__, config.advantage
    found = estimator(name)(token_rewards, batch.mask, batch.groups, **needed(package, name, batch),
                            **chosen_options(config, package, name))
    hand_out(samples, token_rewards, found)


def penalised(config: OnlineConfig, turn: Turn, batch: Batch) -> Tensor:
    """Token rewards [B,T] by the config's credit, less β·k1 on each token where the KL is in the reward.

    Tells `objective/kl` where there is a reference.
    """
    token_rewards = credit.credit(config.credit)(batch.rewards, batch.mask, **needed(credit.__name__, config.credit, batch))
    if "ref_logprobs" not in batch.channels:
        return token_rewards
    k1 = log_ratio.divergence(batch.channel("old_logprobs"), batch.channel("ref_logprobs"))
    turn.tally.put("objective/kl", torch.where(batch.mask, k1, 0.0).sum(-1).mean())
    if config.kl_in == "loss":
        return token_rewards
    return with_kl_penalty(token_rewards, k1, batch.mask, beta=turn.live["beta"])


def hand_out(samples: list[Sample], token_rewards: Tensor, advantages: Tensor) -> None:
    """Leaves each sample its row of both [B,T]; its scalar `advantage` is that of its last token."""
    for index, sample in enumerate(samples):
        sample.channels["advantages"] = advantages[index, : len(sample)]
        sample.channels["token_rewards"] = token_rewards[index, : len(sample)]
        sample.scalars["advantage"] = float(advantages[index, len(sample) - 1])


def tell_groups(tally: Tally, samples: Sequence[Sample]) -> None:
    """`reward_std` (mean deviation of a group) and `frac_reward_zero_std`."""
    rewards = torch.tensor([math.nan if sample.reward is None else sample.reward for sample in samples], dtype=torch.float64)
    deviation = group_deviation(rewards, torch.tensor([sample.group for sample in samples]))
    tally.put("reward_std", deviation.mean())
    tally.put("frac_reward_zero_std", (deviation < 1e-8).float().mean())


def group_deviation(values: Tensor, groups: Tensor) -> Tensor:
    """Bessel-corrected deviation [B] of each row's group over its finite values; 0 for a group of one."""
    squares = group_sum(centred(values, groups).square(), groups)
    return (squares / (group_count(values, groups) - 1).clamp(min=1)).sqrt()

"""Where an answer's steps end and what they earned, for credit and advantages that need it (`NEEDS`).

A reward term that values steps says both. Without one the reward itself is the rule: the answer is cut at the separator, its
beginnings are scored as answers, and a step earned what it added, r_j = R(beginning_j) − R(beginning_{j−1}) with R of nothing
as 0. These add up to the answer's reward (potential-based shaping, Ng et al. 1999). It costs one scoring a step.
"""

from collections.abc import Sequence
from functools import partial

import torch

from workers.engine import advantages, credit, members
from workers.engine.composition import Turn
from workers.engine.data.steps import text_ends, token_ends
from workers.engine.families.online_config import OnlineConfig
from workers.engine.faults import ConfigFault
from workers.engine.rewarding.reward_pipeline import Pipeline
from workers.engine.rollout.comparison import Extra
from workers.engine.rollout.scoring import score
from workers.engine.sample import Rollout, Sample
from workers.engine.training.tally import Tally

CHANNELS = ("step_rewards", "step_ends")


def gathered(config: OnlineConfig, pipeline: Pipeline) -> tuple[Extra, ...]:
    """The step channels where the config's credit or advantage needs them, else nothing."""
    needs = {need for package, name in ((credit.__name__, config.credit), (advantages.__name__, config.advantage))
             if name in members.names(package) for need in getattr(members.load(package, name), "NEEDS", ())}
    return (Extra(CHANNELS, partial(give, config, pipeline)),) if needs & set(CHANNELS) else ()


def give(config: OnlineConfig, pipeline: Pipeline, turn: Turn, samples: list[Sample]) -> None:
    """Leaves every sample both channels, and tells `steps/…`. Raises ConfigFault where no term values steps and one has to."""
    if config.steps_from == "beginnings":
        give_beginnings(config, pipeline, turn, samples)
    elif any(name not in sample.channels for sample in samples for name in CHANNELS):
        fault = ConfigFault("The reward has no term that values steps.",
                            "Add a process reward model as a term, or set steps_from to beginnings.")
        fault.field = "steps_from"
        raise fault
    tell_steps(turn.tally, samples)


def give_beginnings(config: OnlineConfig, pipeline: Pipeline, turn: Turn, samples: list[Sample]) -> None:
    """Both channels by the rule. A beginning that cannot be scored adds nothing; an answer that cannot keeps its steps at 0."""
    ends = [places_of(turn.tokenizer, sample, config.step_separator.replace("\\n", "\n")) for sample in samples]
    earned = iter(_beginnings(pipeline, turn, samples, ends))
    for sample, places in zip(samples, ends, strict=True):
        rewards, marks = torch.zeros(len(sample)), torch.zeros(len(sample))
        before = 0.0
        for place in places:
            last = place == places[-1]
            value = (sample.reward if sample.reward is not None else before) if last else next(earned)
            value = before if value != value else value  # noqa: PLR0124 - NaN differs from itself
            rewards[place], marks[place], before = value - before, 1.0, value
        sample.channels |= {"step_rewards": rewards, "step_ends": marks}


def places_of(tokenizer: object, sample: Sample, separator: str) -> list[int]:
    """The last token of each step, the answer's last among them; every token where there is no separator."""
    first, last = sample.prompt_length, len(sample) - 1
    if not separator:
        return list(range(first, last + 1))
    ids = sample.ids[first:].tolist()
    inner = token_ends(tokenizer, ids, text_ends(sample.text, separator)[:-1]) if ids else []
    return [*sorted({first + place for place in inner if first + place < last}), last] if ids else []


def _beginnings(pipeline: Pipeline, turn: Turn, samples: Sequence[Sample], ends: Sequence[Sequence[int]]) -> list[float]:
    """The reward of every beginning but the whole answer, in order; NaN where there is none."""
    asked: dict[int, Sample] = {}
    prompts, rollouts = [], []
    for sample, places in zip(samples, ends, strict=True):
        prompt, answer = sample.ids[:sample.prompt_length], sample.ids[sample.prompt_length:]
        for place in places[:-1]:
            ids = answer[: place + 1 - sample.prompt_length]
            prompts.append(asked.setdefault(sample.group, sample))
            rollouts.append(Rollout(prompt, ids, torch.zeros(len(ids)), ended=False))
    texts = turn.tokenizer.batch_decode([rollout.completion_ids.tolist() for rollout in rollouts], skip_special_tokens=True)
    return list(score(pipeline, prompts, rollouts, texts).total.tolist()) if rollouts else []


def tell_steps(tally: Tally, samples: Sequence[Sample]) -> None:
    """`steps/count`, of an answer, and `steps/reward`, of a step."""
    for sample in samples:
        marks = sample.channels["step_ends"]
        tally.mean("steps/count", marks.sum())
        tally.mean("steps/reward", sample.channels["step_rewards"], marks)

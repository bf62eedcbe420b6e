"""Process reward model: how right each step of an answer is, as a trained process model says, and one number of them all.

The answer is cut at the separator; the model's head, read after the token that closes a step, is the log-odds that the step is
right (`rm-prm`). The steps' chances become the answer's reward by a step aggregation, and each step keeps its own reward for
methods that credit steps (survey §3.1.4, §5.9 and §7: beside an outcome term, each weighted, this is `rm-hybrid`).

An answer of white space has no steps and the term does not apply to it. Where prompt and answer are longer than the model's
context they lose their beginning, and steps that are lost with it are not valued.
"""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from workers.contract.records import Text
from workers.contract.run_spec import ModelKind
from workers.engine.data.steps import NO_STEPS, StepValues, step_places, text_ends
from workers.engine.modeling.models import Model, pieces_of
from workers.engine.rewarding.step_shaping import StepReward, step_rewards
from workers.engine.rewards import Answered, Card, Place
from workers.engine.rewards.reward_model import Params as ModelParams
from workers.engine.rewards.reward_model import Scored, sample_of_ids, whole
from workers.engine.sample import batch_of
from workers.engine.step_aggregation import aggregation


class Params(ModelParams):
    aggregation: Literal["last", "min", "prod", "mean", "max", "logit_sum"] = Field(
        default="last", title="Aggregation", description=(
            "How the steps' chances become the answer's reward: that of the last step, the lowest, their product, their mean, "
            "the highest, or the sum of their log-odds."))
    separator: str = Field(default="", max_length=20, title="Step separator", description=(
        "What ends a step of the answer; \\n stands for a line break. Empty: what the model was trained with."))
    step_reward: StepReward = Field(default="value", title="Reward of a step", description=(
        "For methods that credit steps: the step's chance itself; how far it moved the chance (progress, the first step against "
        "one half); or the same with the last step given its chance back (potential), which beside an outcome's reward only "
        "guides and pays nothing of its own."))


CARD = Card("Process reward model", "How right each step of an answer is, as a process model says, as one number.", (),
            "0 to 1; any number for a sum of log-odds", model=ModelKind.REWARD, model_required=True)


class Stepped(Scored):
    """The model, its tokenizer and where answers are cut; called as a reward."""

    def __init__(self, params: Params, place: Place) -> None:
        super().__init__(params, place, wanted=("process",),
                         remedy="Choose a process reward model, or ask this model by the term of its kind.")
        self.separator = params.separator.replace("\\n", "\n") or self.head.separator
        self.aggregate, self.step_reward = aggregation(params.aggregation), params.step_reward

    def __call__(
        self, /, *, prompts: Sequence[Text], completions: Sequence[str], completion_ids: Sequence[Sequence[int]],
        **columns: Sequence[Any],
    ) -> list[float | None]:
        assert self.model is not None
        ends = [text_ends(text, self.separator) for text in completions]
        rows = [whole(self.tokenizer, prompt, text) for prompt, text in zip(prompts, completions, strict=True)]
        places = [step_places(self.tokenizer, row, text, end, pad_token_id=self.model.module.config.pad_token_id)
                  for row, text, end in zip(rows, completions, ends, strict=True)]
        cut = [max(0, len(row.ids) - self.length) for row in rows]
        kept = [[place - off for place in found if place >= off] for found, off in zip(places, cut, strict=True)]
        chances = step_chances(self.model, [row.ids[off:] for row, off in zip(rows, cut, strict=True)], kept,
                               batch_tokens=self.batch_tokens)
        return Answered([float(self.aggregate(found)) if len(found) else None for found in chances],
                        steps=[self._steps(end, found) for end, found in zip(ends, chances, strict=True)],
                        more={"steps": [float(len(end)) for end in ends]})

    def _steps(self, ends: Sequence[int], chances: Tensor) -> StepValues:
        """Each step that was read with its reward."""
        if not len(chances):
            return NO_STEPS
        return StepValues(tuple(ends[len(ends) - len(chances):]), tuple(step_rewards(chances, self.step_reward).tolist()))


def prepare(params: Params, place: Place) -> Stepped:
    return Stepped(params, place)


def step_chances(model: Model, rows: Sequence[Sequence[int]], places: Sequence[Sequence[int]], *,
                 batch_tokens: int) -> list[Tensor]:
    """σ of the head's output at each of a row's `places`, [n] a row, in order."""
    order = sorted(range(len(rows)), key=lambda index: -len(rows[index]))
    found: list[Tensor] = []
    with torch.no_grad():
        for piece in pieces_of([sample_of_ids(rows[index]) for index in order], micro_samples=max(1, len(rows)),
                               micro_tokens=batch_tokens):
            batch, asked = batch_of(piece, model.device), order[len(found): len(found) + len(piece)]
            where = torch.zeros(batch.ids.shape, dtype=torch.bool)
            for line, index in enumerate(asked):
                where[line, list(places[index])] = True
            values = model.values(batch, where=where.to(model.device)).cpu()
            found += [values[line, list(places[index])].sigmoid() for line, index in enumerate(asked)]
    placed = dict(zip(order, found, strict=True))
    return [placed[index] for index in range(len(rows))]

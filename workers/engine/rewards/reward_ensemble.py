"""Reward ensemble: the scores of a model with several heads as one number, lower where they disagree (survey §7, `rm-ensemble`).

Each head read as any reward model's; how far they lie apart, the mean over a step's answers, is a curve of the term, which rises
when a policy leaves the answers that the heads have seen.
"""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from workers.contract.records import Text
from workers.contract.run_spec import ModelKind
from workers.engine.head_aggregation import aggregation, disagreement
from workers.engine.rewards import Answered, Card, Place
from workers.engine.rewards.reward_model import Params as ModelParams
from workers.engine.rewards.reward_model import Scored


class Params(ModelParams):
    aggregation: Literal["lower_bound", "mean", "min", "median"] = Field(default="lower_bound", title="Aggregation", description=(
        "The mean less the caution's share of the heads' deviation, their mean, the lowest, or the middle one."))
    caution: float = Field(default=0.5, ge=0, le=100, title="Caution", description=(
        "Deviations taken off the mean by the lower bound; 0.5 to 1 is usual."))


CARD = Card("Reward ensemble", "What several heads of a reward model give prompt and answer, less where they disagree.", (),
            "any number", model=ModelKind.REWARD, model_required=True)


class Asked(Scored):
    """The model and its tokenizer; called as a reward."""

    def __init__(self, params: Params, place: Place) -> None:
        super().__init__(params, place, wanted=("preference",), several=True,
                         remedy="Choose a reward ensemble, or ask this model by the term of its kind.")
        self.aggregate, self.caution = aggregation(params.aggregation), params.caution

    def __call__(
        self, /, *, prompts: Sequence[Text], completions: Sequence[str], completion_ids: Sequence[Sequence[int]],
        **columns: Sequence[Any],
    ) -> list[float | None]:
        scores = self.scores(prompts, completions)
        return Answered(self.aggregate(scores, self.caution).tolist() if len(scores) else [],
                        more={"ensemble_std": disagreement(scores).tolist() if len(scores) else []})


def prepare(params: Params, place: Place) -> Asked:
    return Asked(params, place)

"""Outcome reward model: the chance that an answer is right, as a trained outcome model says (survey §3.1.3, `rm-orm`).

It is σ of the head's number at the last token that is no padding; the rest is as for any reward model.
"""

from collections.abc import Sequence
from typing import Any

from workers.contract.records import Text
from workers.contract.run_spec import ModelKind
from workers.engine.rewards import Card, Place
from workers.engine.rewards.reward_model import Params as ModelParams
from workers.engine.rewards.reward_model import Scored


class Params(ModelParams):
    pass


CARD = Card("Outcome reward model", "The chance that the answer is right, as an outcome model says.", (), "0 to 1",
            model=ModelKind.REWARD, model_required=True)


class Judged(Scored):
    """The model and its tokenizer; called as a reward."""

    def __init__(self, params: Params, place: Place) -> None:
        super().__init__(params, place, wanted=("outcome",),
                         remedy="Choose an outcome reward model, or ask this model by the term of its kind.")

    def __call__(
        self, /, *, prompts: Sequence[Text], completions: Sequence[str], completion_ids: Sequence[Sequence[int]],
        **columns: Sequence[Any],
    ) -> list[float | None]:
        return [float(score) for score in self.scores(prompts, completions).sigmoid()]


def prepare(params: Params, place: Place) -> Judged:
    return Judged(params, place)

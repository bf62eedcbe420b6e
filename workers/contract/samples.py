"""Samples: answers that models wrote to the prompts of a data set, as an artifact of the kind `samples` holds them.

The artifact is a directory; `samples.jsonl` has one `SampledPrompt` a line, in the order of the prompts.
"""

from pydantic import Field

from workers.contract.document import Document
from workers.contract.records import Text

SAMPLES_FILE = "samples.jsonl"


class SampledAnswer(Document):
    """One answer. `model_id` is the library's or a checkpoint's id, `step` its training step where it is known.

    `right` says whether the answer equals the row's reference; None where the row has none. `length` counts tokens.
    `preferred` is the chance that a judge prefers it to the prompt's other answer, where one was asked.
    """

    text: str
    model_id: str = ""
    model_name: str = ""
    step: int | None = None
    length: int = Field(default=0, ge=0)
    truncated: bool = False
    right: bool | None = None
    preferred: float | None = Field(default=None, ge=0, le=1)


class SampledPrompt(Document):
    """A prompt with its answers; `row` is its row in the data set, `answer` the row's reference."""

    row: int = Field(ge=0)
    prompt: Text
    answer: str | None = None
    answers: list[SampledAnswer]

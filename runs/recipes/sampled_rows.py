"""Rows of a data set from what models wrote (`contract.samples`): pairs by a judge or by references, or right answers.

Where a judge said how sure it is, the surer of a prompt's answers is chosen over the least sure, `chosen_chance` being the label.
Where it did not, a right answer is chosen over a wrong one. What says nothing gives no row.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from runs.launches.models import Artifact
from runs.problems import FieldError, Invalid
from runs.sizes import size_words
from workers.contract.products import ProductKind
from workers.contract.samples import SAMPLES_FILE, SampledAnswer, SampledPrompt

SampledShape = Literal["preference", "demonstration"]
COLUMNS = {"preference": ("prompt", "chosen", "rejected"), "demonstration": ("prompt", "completion")}
MOST_BYTES = 64 * 2**20


def rows(artifact: Artifact, shape: SampledShape) -> list[dict[str, Any]]:
    """What `artifact` gives as rows of the shape. Raises Invalid for files that cannot be read and for no rows at all."""
    found = [row for prompt in _prompts(artifact) for row in _rows_of(prompt, shape)]
    if not found:
        raise _refusal("The samples hold no answers that one could learn from: none is marked right, and no judge prefers one."
                       if shape == "demonstration" else
                       "The samples hold no pair: no judge prefers an answer, and no prompt has a right and a wrong one.")
    return found


def _rows_of(prompt: SampledPrompt, shape: SampledShape) -> Iterator[dict[str, Any]]:
    asked = prompt.model_dump(mode="json", exclude_none=True)["prompt"]
    if shape == "demonstration":
        for text in dict.fromkeys(answer.text for answer in prompt.answers if answer.right):
            yield {"prompt": asked, "completion": _side(asked, text)}
    elif (pair := _pair(prompt.answers)) is not None:
        chosen, rejected = pair
        yield {"prompt": asked, "chosen": _side(asked, chosen.text), "rejected": _side(asked, rejected.text),
               "chosen_chance": 1.0 if chosen.preferred is None else chosen.preferred}


def _pair(answers: list[SampledAnswer]) -> tuple[SampledAnswer, SampledAnswer] | None:
    judged = sorted((answer for answer in answers if answer.preferred is not None), key=lambda answer: answer.preferred or 0.0)
    if len(judged) > 1 and (judged[-1].preferred or 0.0) > (judged[0].preferred or 0.0):
        return judged[-1], judged[0]
    right, wrong = (next((answer for answer in answers if answer.right is mark), None) for mark in (True, False))
    return None if judged or right is None or wrong is None else (right, wrong)


def _side(asked: Any, text: str) -> Any:
    """A conversation is answered by a turn."""
    return text if isinstance(asked, str) else [{"role": "assistant", "content": text}]


def _prompts(artifact: Artifact) -> list[SampledPrompt]:
    if artifact.kind != ProductKind.SAMPLES:
        raise _refusal(f"{artifact.id} is of the kind {artifact.kind}, not samples. Choose samples.")
    file = Path(artifact.path) / SAMPLES_FILE
    try:
        if (size := file.stat().st_size) > MOST_BYTES:
            raise _refusal(f"The samples have {size_words(size)}; {size_words(MOST_BYTES)} can be read at once. Sample fewer.")
        with file.open("rb") as lines:
            return [SampledPrompt.model_validate_json(line) for line in lines if line.strip()]
    except FileNotFoundError:
        raise _refusal(f"The files of {artifact.id} are gone. Sample again.") from None
    except ValidationError as error:
        raise _refusal(f"The samples of {artifact.id} cannot be read. Sample again.") from error


def _refusal(message: str) -> Invalid:
    return Invalid(message, [FieldError("samples", message)])

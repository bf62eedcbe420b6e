"""Python: a function of the user's own in TRL's shape, or an OpenAI grader's, called in a locked process (see `sandbox`).

TRL's: `def reward(prompts, completions, **columns) -> list[float]`, every argument a list with one entry for each answer;
of a conversation the prompt is its messages and the completion a list with the one message. A function is given those of
`prompts`, `completions`, `completion_ids` and the data's columns that it names, or all where it takes `**columns`.
OpenAI's: `def grade(sample, item) -> float`, called for each answer; `sample["output_text"]` is the answer, `item` its row.
"""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from workers.contract.records import Text
from workers.engine.data.rendering import text_of
from workers.engine.faults import UserCodeFault
from workers.engine.rewards import Card, Place, TermParams
from workers.engine.sandbox.child import MEGABYTE, Bounds, Child

EXAMPLE = '''def reward(prompts, completions, **columns):
    """One number for each answer, higher is better; None where it does not apply."""
    return [1.0 if "because" in text else 0.0 for text in completions]
'''
OWN = ("prompts", "completions", "completion_ids")


class Params(TermParams):
    source: str = Field(default=EXAMPLE, min_length=1, max_length=100_000, title="Function", description=(
        "Python source with the function. It runs without network, files or environment, with the standard library."),
        json_schema_extra={"x-format": "python"})
    function: str = Field(default="", max_length=100, title="Name", description=(
        "Which function to call; empty is reward (or grade for OpenAI's shape), or the only one there is."))
    shape: Literal["trl", "openai"] = Field(default="trl", title="Shape", description=(
        "trl: reward(prompts, completions, **columns), lists in, a list out. openai: grade(sample, item), one answer at a time."))
    libraries: list[Literal["numpy", "regex"]] = Field(default_factory=list, title="Libraries", description=(
        "What to have at hand beside the standard library."))
    timeout_seconds: float = Field(default=10.0, gt=0, le=300, title="Time limit", description=(
        "For one step's answers together; a function that takes longer fails the run."), json_schema_extra={"x-unit": "seconds"})
    memory_mb: int = Field(default=512, ge=16, le=16_384, title="Memory", description=(
        "What the function may take beyond its libraries."), json_schema_extra={"x-unit": "MiB"})


CARD = Card("Python function", "Your own function in TRL's shape, run where it can reach nothing.", (), "any number")


class Function:
    """The function in its process; called as a reward."""

    def __init__(self, params: Params) -> None:
        self.shape = params.shape
        self.child = Child(
            params.source, params.function or ("grade" if params.shape == "openai" else "reward"),
            Bounds(params.timeout_seconds, params.memory_mb * MEGABYTE, tuple(sorted(set(params.libraries)))))

    def __call__(
        self, /, *, prompts: Sequence[Text], completions: Sequence[str], completion_ids: Sequence[Sequence[int]],
        **columns: Sequence[Any],
    ) -> list[float | None]:
        if self.shape == "openai":
            return self.child.call_each(graded(prompts, completions, columns))
        given = arguments(prompts, completions, completion_ids, columns)
        return self.child.call(chosen(given, self.child.parameters), len(completions))

    def close(self) -> None:
        self.child.close()


def prepare(params: Params, place: Place) -> Function:
    return Function(params)


def arguments(prompts: Sequence[Text], completions: Sequence[str], completion_ids: Sequence[Sequence[int]],
              columns: dict[str, Sequence[Any]]) -> dict[str, list[Any]]:
    """All that TRL's shape has to give, as plain values. A column that bears one of its own names is left out."""
    own: dict[str, list[Any]] = {
        "prompts": [prompt if isinstance(prompt, str) else [turn.model_dump(exclude_none=True) for turn in prompt]
                    for prompt in prompts],
        "completions": [text if isinstance(prompt, str) else [{"role": "assistant", "content": text}]
                        for prompt, text in zip(prompts, completions, strict=True)],
        "completion_ids": [list(ids) for ids in completion_ids],
    }
    return {name: list(values) for name, values in columns.items()} | own


def chosen(given: dict[str, list[Any]], parameters: dict[str, Any]) -> dict[str, list[Any]]:
    """What of `given` the function takes. Raises UserCodeFault when it needs something else."""
    lacking = [name for name in parameters["needed"] if name not in given]
    if lacking:
        columns = ", ".join(sorted(set(given) - set(OWN))) or "none"
        raise UserCodeFault(f"The function needs {lacking[0]!r}, which the data has no column for; its columns are: {columns}.",
                            "Take another column, or give the parameter a default.")
    return given if parameters["any"] else {name: values for name, values in given.items() if name in parameters["names"]}


def graded(prompts: Sequence[Text], completions: Sequence[str], columns: dict[str, Sequence[Any]]) -> list[list[Any]]:
    """[sample, item] of each answer, as OpenAI's graders have them; the row's prompt and answer are among the item's fields."""
    items = [{name: values[index] for name, values in columns.items()} for index in range(len(completions))]
    return [[{"output_text": text}, item | {"prompt": text_of(prompt)}]
            for text, item, prompt in zip(completions, items, prompts, strict=True)]

"""Pairs of what models wrote to the same prompts (`contract.samples`)."""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

from pydantic import ValidationError

from runs.accounts.models import Project
from runs.annotation.schemas import SamplesSource
from runs.annotation.sources.pair import Pair, answer_of, between, some_of, within
from runs.launches.models import Artifact
from runs.problems import FieldError, Invalid
from runs.sizes import size_words
from workers.contract.products import ProductKind
from workers.contract.samples import SAMPLES_FILE, SampledAnswer, SampledPrompt

EMPTY = "Sample more answers to each prompt, or with a higher temperature, so that they differ."
MOST_BYTES = 256 * 2**20


def candidates(project: Project, source: SamplesSource, rng: Random) -> Iterator[Pair | str]:
    prompts = _prompts(project, source)
    rng.shuffle(prompts)
    two = _two_models(prompts, source) if source.pair == "between" else None
    return (found for prompt in prompts for found in _pairs(prompt, two, source.per_prompt, rng))


def _pairs(prompt: SampledPrompt, two: list[str] | None, count: int, rng: Random) -> Iterator[Pair | str]:
    by_model: dict[str, list[SampledAnswer]] = {}
    for answer in prompt.answers:
        by_model.setdefault(_model_of(answer), []).append(answer)
    if two:
        choices = between(by_model.get(two[0], []), by_model.get(two[1], []))
    else:
        choices = [pair for answers in by_model.values() for pair in within(answers)]
    if not choices:
        yield "no_pair"
    for first, second in some_of(choices, count, rng):
        known = "" if None in (first.right, second.right) or first.right == second.right else "first" if first.right else "second"
        shown = prompt.model_dump(mode="json", exclude_none=True)["prompt"]
        yield Pair(shown, _answer(first), _answer(second), known=known, reference=prompt.answer, row=prompt.row)


def _answer(answer: SampledAnswer) -> dict[str, object]:
    return answer_of(answer.text, model_id=answer.model_id, model_name=answer.model_name, step=answer.step)


def _model_of(answer: SampledAnswer) -> str:
    return answer.model_id or answer.model_name


def _prompts(project: Project, source: SamplesSource) -> list[SampledPrompt]:
    """The prompts of all artifacts, those that are equal with their answers joined."""
    joined: dict[str, SampledPrompt] = {}
    for artifact in _artifacts(project, source):
        for prompt in _read(artifact):
            key = json.dumps(prompt.model_dump(mode="json")["prompt"], sort_keys=True)
            known = joined.setdefault(key, prompt)
            if known is not prompt:
                known.answers.extend(prompt.answers)
    return list(joined.values())


def _artifacts(project: Project, source: SamplesSource) -> list[Artifact]:
    wanted = list(dict.fromkeys(source.artifact_ids))
    found = Artifact.objects.in_bulk(wanted)
    for artifact_id in wanted:
        artifact = found.get(artifact_id)
        if artifact is None or artifact.run.project_id != project.id:
            raise _refusal(f"No samples {artifact_id} in this project. Choose those of a run that has sampled.")
        if artifact.kind != ProductKind.SAMPLES:
            raise _refusal(f"{artifact_id} is of the kind {artifact.kind}, not samples. Choose samples.")
    return [found[artifact_id] for artifact_id in wanted]


def _read(artifact: Artifact) -> list[SampledPrompt]:
    file = Path(artifact.path) / SAMPLES_FILE
    try:
        size = file.stat().st_size
        if size > MOST_BYTES:
            raise _refusal(f"The samples have {size_words(size)}; {size_words(MOST_BYTES)} can be read at once. Sample fewer.")
        with file.open("rb") as lines:
            return [SampledPrompt.model_validate_json(line) for line in lines if line.strip()]
    except FileNotFoundError:
        raise _refusal(f"The files of {artifact.id} are gone. Sample again.") from None
    except ValidationError as error:
        raise _refusal(f"The samples of {artifact.id} cannot be read. Sample again.") from error


def _two_models(prompts: list[SampledPrompt], source: SamplesSource) -> list[str]:
    names = {_model_of(answer): answer.model_name or answer.model_id for prompt in prompts for answer in prompt.answers}
    if source.models:
        for model in source.models:
            if model not in names:
                raise _refusal(f"The samples hold no answers of {model}. They hold those of {_listed(names)}.", "models")
        return source.models
    if len(names) != 2:
        count = "one model" if len(names) == 1 else f"{len(names)} models"
        raise _refusal(f"The samples hold answers of {count}: {_listed(names)}. Name two that differ in `models`.", "models")
    return list(names)


def _listed(names: dict[str, str]) -> str:
    return ", ".join(f"{name} ({model})" if name != model else model for model, name in names.items()) or "none"


def _refusal(message: str, field: str = "artifact_ids") -> Invalid:
    return Invalid(message, [FieldError(f"source.{field}", message)])

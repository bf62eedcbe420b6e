"""OpenAI's grader grammar as a reward pipeline: string_check, text_similarity, score_model, python, multi.

A grader of one kind becomes one term; `multi` becomes one term for each of its graders, and `calculate_output` their
weights and aggregate: a weighted sum such as `0.7 * a + 0.3 * b` or `(a + b) / 2`, a product such as `a * b`, or
`min(a, b)`. What a pipeline cannot say is refused by the name of its field, never guessed at.

Left out: `label_model`, and the metrics `cosine` (needs an embedding model) and `meteor` (needs WordNet).
`pass_threshold` says when an evaluation passes and changes no score.
"""

import ast
import math
import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from workers.contract.run_spec import Affine, RewardPipeline, RewardTerm
from workers.contract.templates import Template, readable

Metric = Literal["fuzzy_match", "bleu", "gleu", "rouge_1", "rouge_2", "rouge_3", "rouge_4", "rouge_5", "rouge_l"]


class GraderErrors(Exception):
    """What is wrong with a grader: (field, sentence) for each fault, the field a dotted path into the document."""

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{field}: {message}" if field else message for field, message in errors))
        self.errors = errors


@dataclass(frozen=True)
class JudgeChoice:
    """What stands for the models that `score_model` names: a model of the library, or an endpoint and the name of its key."""

    model_id: str = ""
    base_url: str = ""
    api_key: str = ""


class _Grader(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(default="", max_length=200)


class StringCheck(_Grader):
    type: Literal["string_check"]
    input: Template
    reference: Template
    operation: Literal["eq", "ne", "like", "ilike"]


class TextSimilarity(_Grader):
    type: Literal["text_similarity"]
    input: Template
    reference: Template
    evaluation_metric: str
    pass_threshold: float | None = None

    @field_validator("evaluation_metric")
    @classmethod
    def _known(cls, value: str) -> str:
        known: tuple[str, ...] = Metric.__args__  # type: ignore[attr-defined]
        if value not in known:
            why = {"cosine": " It needs an embedding model.", "meteor": " It needs WordNet."}.get(value, "")
            raise ValueError(f"{value!r} cannot be computed here.{why} Choose one of {', '.join(known)}")
        return value


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")

    type: Literal["input_text", "output_text"]
    text: str


class Turn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    role: Literal["system", "developer", "user", "assistant"]
    content: str | Part | list[str | Part]
    type: Literal["message"] = "message"

    @property
    def text(self) -> str:
        parts = self.content if isinstance(self.content, list) else [self.content]
        return "".join(part if isinstance(part, str) else part.text for part in parts)

    @field_validator("content")
    @classmethod
    def _template(cls, value: Any) -> Any:
        for part in value if isinstance(value, list) else [value]:
            readable(part if isinstance(part, str) else part.text)
        return value


class Sampling(BaseModel):
    """Only how much the judge may write: it always takes its likeliest token."""

    model_config = ConfigDict(extra="ignore")

    max_completions_tokens: int | None = Field(default=None, ge=1, le=32_768)


class ScoreModel(_Grader):
    type: Literal["score_model"]
    model: str = Field(min_length=1, max_length=200)
    input: list[Turn] = Field(min_length=1, max_length=32)
    range: tuple[float, float] = (0.0, 1.0)
    sampling_params: Sampling | None = None
    pass_threshold: float | None = None

    @field_validator("range")
    @classmethod
    def _ordered(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not (math.isfinite(value[0]) and math.isfinite(value[1]) and value[0] < value[1]):
            raise ValueError("the first number must be below the second")
        return value


class Python(_Grader):
    type: Literal["python"]
    source: str = Field(min_length=1, max_length=100_000)
    image_tag: str | None = None


Single = StringCheck | TextSimilarity | ScoreModel | Python


class Multi(_Grader):
    type: Literal["multi"]
    graders: dict[str, Annotated[Single, Field(discriminator="type")]] = Field(min_length=1, max_length=32)
    calculate_output: str = Field(min_length=1, max_length=1000)


GRADER: TypeAdapter[Any] = TypeAdapter(Annotated[Single | Multi, Field(discriminator="type")])
KINDS = ("string_check", "text_similarity", "score_model", "python", "multi")


def pipeline_of(document: dict[str, Any], judge: JudgeChoice | None = None) -> RewardPipeline:
    """The pipeline that scores as the grader does. Raises GraderErrors."""
    try:
        grader = GRADER.validate_python(document)
    except ValidationError as error:
        raise GraderErrors([_told(one) for one in error.errors()]) from error
    if not isinstance(grader, Multi):
        return RewardPipeline(terms=[_term(grader, grader.name or grader.type, judge, "")])
    terms = {key: _term(one, key, judge, f"graders.{key}.") for key, one in grader.graders.items()}
    names = [term.name for term in terms.values()]
    if len(set(names)) < len(names):
        raise GraderErrors([("graders", "Two graders have names that differ only in signs. Rename one.")])
    return _combined(terms, grader.calculate_output)


def _term(grader: Single, name: str, judge: JudgeChoice | None, prefix: str) -> RewardTerm:
    named = term_name(name)
    match grader:
        case StringCheck():
            params = grader.model_dump(include={"input", "reference", "operation"})
            return RewardTerm(name=named, kind="string_check", params=params)
        case TextSimilarity():
            params = {"input": grader.input, "reference": grader.reference, "metric": grader.evaluation_metric}
            return RewardTerm(name=named, kind="text_similarity", params=params)
        case Python():
            return RewardTerm(name=named, kind="python", params={"source": grader.source, "shape": "openai"})
        case ScoreModel():
            return _judge_term(grader, named, judge, prefix)


def _judge_term(grader: ScoreModel, name: str, judge: JudgeChoice | None, prefix: str) -> RewardTerm:
    if judge is None or not (judge.model_id or judge.base_url):
        raise GraderErrors([(f"{prefix}model", f"Say who is asked for {grader.model!r}: a model of the library, or an endpoint "
                                               "of OpenAI's shape.")])
    params: dict[str, Any] = {"low": grader.range[0], "high": grader.range[1],
                              "messages": [{"role": turn.role, "content": turn.text} for turn in grader.input]}
    if grader.sampling_params is not None and grader.sampling_params.max_completions_tokens is not None:
        params["max_tokens"] = grader.sampling_params.max_completions_tokens
    if judge.model_id:
        return RewardTerm(name=name, kind="llm_judge", params=params, model_id=judge.model_id)
    return RewardTerm(name=name, kind="llm_judge",
                      params=params | {"base_url": judge.base_url, "model": grader.model, "api_key": judge.api_key})


def term_name(name: str) -> str:
    """A grader's name as a term may be called: small letters, digits and _, beginning with a letter."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return (plain if plain[:1].isalpha() else f"grader_{plain}".rstrip("_"))[:40]


def _combined(terms: dict[str, RewardTerm], formula: str) -> RewardPipeline:
    """Weights and aggregate that the formula says. Raises GraderErrors for one that a pipeline cannot say."""
    try:
        body = ast.parse(formula.strip(), mode="eval").body
        if isinstance(body, ast.Call) and isinstance(body.func, ast.Name) and body.func.id == "min" and not body.keywords:
            parts = [_linear(argument, set(terms)) for argument in body.args]
            if all(set(part) - {""} and len(part) == 1 for part in parts):
                weights = {name: weight for part in parts for name, weight in part.items()}
                if len(weights) == len(parts):
                    return _weighted(terms, weights, "min")
        elif (factors := _product(body, set(terms))) is not None and len(factors) > 1 + ("" in factors):
            first, *rest = [name for name in factors if name]
            return _weighted(terms, {first: factors.get("", 1.0)} | dict.fromkeys(rest, 1.0), "product")
        else:
            return _weighted(terms, _linear(body, set(terms)), "weighted_sum")
    except (SyntaxError, ValueError, RecursionError, ZeroDivisionError, OverflowError, MemoryError) as error:
        why = str(error) if type(error) is ValueError else "it cannot be read"
        raise GraderErrors([("calculate_output", f"{formula!r} is not a formula that a reward can have: {why}.")]) from error
    raise GraderErrors([("calculate_output", f"{formula!r} is not a formula that a reward can have: only weighted sums, products "
                                             "of graders and min() of graders are.")])


def _weighted(terms: dict[str, RewardTerm], weights: dict[str, float], aggregate: Literal["weighted_sum", "product", "min"],
              ) -> RewardPipeline:
    """The terms of the formula with their weights; a constant of a sum goes into the first term's offset."""
    constant = weights.get("", 0.0) if aggregate == "weighted_sum" else 0.0
    chosen = {name: weight for name, weight in weights.items() if name and weight != 0}
    if not chosen:
        raise ValueError("it depends on no grader")
    made = [terms[name].model_copy(update={"weight": weight}) for name, weight in chosen.items()]
    if constant:
        made[0] = made[0].model_copy(update={"transforms": [Affine(offset=constant / made[0].weight)]})
    return RewardPipeline(terms=made, aggregate=aggregate)


def _linear(node: ast.expr, names: set[str]) -> dict[str, float]:  # noqa: PLR0911 - one answer for each form
    """Coefficient of each grader, and of "" the constant. Raises ValueError for what is not linear."""
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return {"": float(value)}
        case ast.Name(id=name) if name in names:
            return {name: 1.0}
        case ast.Name(id=name):
            raise ValueError(f"there is no grader {name!r}")
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return _scaled(_linear(inner, names), -1.0)
        case ast.UnaryOp(op=ast.UAdd(), operand=inner):
            return _linear(inner, names)
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as sign, right=right):
            first = _linear(left, names)
            second = _scaled(_linear(right, names), 1.0 if isinstance(sign, ast.Add) else -1.0)
            return {name: first.get(name, 0.0) + second.get(name, 0.0) for name in first | second}
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            first, second = _linear(left, names), _linear(right, names)
            if set(first) == {""}:
                return _scaled(second, first[""])
            if set(second) == {""}:
                return _scaled(first, second[""])
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            bottom = _linear(right, names)
            if set(bottom) == {""}:
                return _scaled(_linear(left, names), 1.0 / bottom[""])
    raise ValueError("only weighted sums, products of graders and min() of graders are")


def _scaled(found: dict[str, float], factor: float) -> dict[str, float]:
    scaled = {name: factor * weight for name, weight in found.items()}
    if not all(math.isfinite(weight) for weight in scaled.values()):
        raise ValueError("its numbers are too large")
    return scaled


def _product(node: ast.expr, names: set[str]) -> dict[str, float] | None:
    """Factors of a product of graders, each once, and its constant as ""; None for anything else."""
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return {"": float(value)}
        case ast.Name(id=name) if name in names:
            return {name: 1.0}
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            first, second = _product(left, names), _product(right, names)
            if first is None or second is None or (set(first) & set(second)) - {""}:
                return None
            constant = {"": first.get("", 1.0) * second.get("", 1.0)} if "" in first | second else {}
            return first | second | constant
    return None


def _told(error: Any) -> tuple[str, str]:
    """Field and sentence of one of pydantic's errors; the tags of unions are no part of the path."""
    field = ".".join(str(part) for part in error["loc"] if part not in KINDS and part not in ("str", "Part"))
    if error["type"] in ("union_tag_invalid", "union_tag_not_found"):
        return f"{field}.type".lstrip("."), f"Choose one of {', '.join(KINDS)}."
    return field, f"{str(error['msg']).removeprefix('Value error, ')}."

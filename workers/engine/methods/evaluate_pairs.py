"""Accuracy on pairs: how often a model prefers the chosen answer of a pair to the rejected one.

A reward model prefers the answer with the higher score (RewardBench, arXiv 2403.13787). A language model prefers the one
it finds likelier, by the sum or the mean of its tokens' log-probs; with a reference model its implicit reward
log π(y|x) − log π_ref(y|x) decides (arXiv 2305.18290, equation 5, at β = 1). Ties count half.
"""

from collections.abc import Sequence
from typing import Literal

from workers.contract.catalogue import DataNeed, MetricInfo, ModelNeed, Paper, Preset
from workers.contract.evaluation import EvaluatedAnswer, EvaluationItem
from workers.contract.preflight import Finding
from workers.contract.records import Record, RecordKind, Text
from workers.contract.run_spec import ModelKind, ModelRef, RunKind, RunSpec
from workers.engine.card import card
from workers.engine.data.pairs import is_empty, render_answer
from workers.engine.data.rendering import sample_of, text_of
from workers.engine.data.rows import Rows
from workers.engine.faults import ConfigFault, DataFault, Fault, ModelFault
from workers.engine.modeling.loading import load_tokenizer
from workers.engine.reports import results
from workers.engine.rewarding.judging import final_values
from workers.engine.rollout import answering
from workers.engine.rollout.answering import Author
from workers.engine.sample import Sample
from workers.engine.task import Work, piecewise
from workers.engine.training.training_config import MethodConfig, setting


class Config(MethodConfig):
    suite: str = setting(
        "", "Suite", "The name under which its curves and columns stand; empty takes the data set's.", group="basic", order=13,
        max_length=60)
    score: Literal["sum", "mean"] = setting(
        "sum", "Log-probs of an answer", "Of a language model: their sum, or their mean, which favours no length.",
        group="basic", order=18)
    pairs_at_once: int = setting(
        32, "Pairs at once", "Pairs scored together; fewer need less memory.", order=47, unit="pairs", ge=1, le=65_536)


CARD = card(
    "evaluate-pairs", Config, kind=RunKind.EVALUATE, title="Accuracy on pairs", family="Evaluation",
    papers=[Paper(title="RewardBench: Evaluating Reward Models for Language Modeling", authors="Lambert et al.", year=2024,
                  link="https://arxiv.org/abs/2403.13787")],
    summary="Counts how often a reward model gives the chosen answer of a pair the higher score. A language model is measured by "
            "which answer it finds likelier, against a reference by its implicit reward.",
    formula=r"\frac1N\sum_i \left[\mathbb 1(s(y_i^+)>s(y_i^-)) + \tfrac12\,\mathbb 1(s(y_i^+)=s(y_i^-))\right]",
    confidence="code",
    data=[DataNeed(role="pairs", kinds=[RecordKind.PREFERENCE], help="Pairs that the model has not been trained on.")],
    models=[ModelNeed(role="model", kinds=[ModelKind.REWARD, ModelKind.CAUSAL], help="The model that is evaluated."),
            ModelNeed(role="reference", required=False, help="Where a language model started: its log-probs are taken off.")],
    metrics=[MetricInfo(name="eval/{suite}/accuracy", title="Accuracy", panel="Evaluation", better="up"),
             MetricInfo(name="eval/{suite}/margin", title="Margin", panel="Evaluation", better="up",
                        help="Mean of score(chosen) − score(rejected)."),
             MetricInfo(name="eval/{suite}/longer_wins", title="Longer answer preferred", panel="Evaluation",
                        help="Over pairs whose answers differ in length.")],
    presets=[Preset(name="default", title="Default", description="By score, or by the sum of log-probs."),
             Preset(name="mean", title="By mean log-prob", description="For language models: no preference for short answers.",
                    config={"score": "mean"})],
)


def perform(config: Config, work: Work) -> dict[str, float | None]:
    """Raises ModelFault, DataFault when no pair can be scored."""
    spec = work.spec
    ref = spec.datasets["pairs"]
    check_reference(spec)
    work.log.say("running", "loading the model")
    model = answering.author("model", spec.models["model"], work.device)
    reference = answering.author("reference", spec.models["reference"], work.device) if "reference" in spec.models else None
    records = list(Rows(ref))
    pairs, left_out = scorable(records, model)
    suite = results.suite_name(config.suite, ref)

    def publish(items: list[EvaluationItem], partial: bool) -> dict[str, float | None]:
        results.show(work, items)
        return results.evaluation(work, data="pairs", suite=suite, primary="accuracy", items=items, left_out=left_out,
                                  partial=partial, measure={})

    def ask(piece: Sequence[Pair]) -> list[EvaluationItem]:
        return [item_of(pair, both) for pair, both in zip(piece, scores_of(config, model, reference, piece), strict=True)]

    return piecewise(work, pairs, size=config.pairs_at_once, noun="pairs", ask=ask, publish=publish)


Pair = tuple[str, int, Record, tuple[Sample, Sample]]
"""Key, row, record, and chosen and rejected as the model reads them."""


def scorable(records: Sequence[Record], model: Author) -> tuple[list[Pair], list[str]]:
    """The pairs that can be scored, and sentences about the others. Raises DataFault when there is none."""
    found: list[Pair] = []
    equal = empty = long = 0
    for row, record in enumerate(records):
        if record.prompt is None or record.chosen is None or record.rejected is None:
            raise DataFault(f"Row {row + 1} is no preference: it lacks prompt, chosen or rejected.",
                            "Choose a data set of preferences.")
        if is_empty(record.chosen) or is_empty(record.rejected):
            empty += 1
            continue
        chosen, rejected = (sample_of(render_answer(model.tokenizer, record, side), row=row, record=record)
                            for side in (record.chosen, record.rejected))
        if chosen.ids.equal(rejected.ids):
            equal += 1
        elif max(len(chosen), len(rejected)) > model.context:
            long += 1
        else:
            found.append((answering.key_of(*map(shown, (record.prompt, record.chosen, record.rejected))), row, record,
                          (chosen, rejected)))
    said = [f"{count} of {len(records)} pairs {why}." for count, why in (
        (equal, "have two equal answers"), (empty, "have an empty answer"),
        (long, f"are longer than the model's context of {model.context} tokens")) if count]
    if not found:
        raise DataFault("No pair can be scored. " + " ".join(said), "Choose other pairs, or a model with a longer context.")
    return numbered(found), said


def numbered(found: list[Pair]) -> list[Pair]:
    """Pairs that say the same get keys of their own."""
    seen: dict[str, int] = {}
    for index, (key, *rest) in enumerate(found):
        seen[key] = seen.get(key, 0) + 1
        if seen[key] > 1:
            found[index] = (f"{key}-{seen[key]}", *rest)  # type: ignore[assignment]
    return found


def scores_of(config: Config, model: Author, reference: Author | None, piece: Sequence[Pair]) -> list[tuple[float, float]]:
    """Scores of chosen and rejected of each pair."""
    samples = [side for *_, sides in piece for side in sides]
    if model.ref.kind is ModelKind.REWARD:
        flat = final_values(model.model, samples)
    else:
        flat = likelihoods(config, model, samples)
        if reference is not None:
            flat = [own - other for own, other in zip(flat, likelihoods(config, reference, samples), strict=True)]
    return list(zip(flat[0::2], flat[1::2], strict=True))


def likelihoods(config: Config, model: Author, samples: Sequence[Sample]) -> list[float]:
    found = []
    for sample, logprobs in zip(samples, model.model.score_all(samples), strict=True):
        total = float(logprobs[sample.mask].double().sum())
        found.append(total / int(sample.mask.sum()) if config.score == "mean" else total)
    return found


def item_of(pair: Pair, scores: tuple[float, float]) -> EvaluationItem:
    """`accuracy` 1, ½ or 0; `longer_wins` only where the answers' lengths differ."""
    key, row, record, sides = pair
    margin = scores[0] - scores[1]
    lengths = [int(side.mask.sum()) for side in sides]
    values = {"accuracy": worth(margin), "margin": margin}
    if lengths[0] != lengths[1]:
        values["longer_wins"] = worth(margin if lengths[0] > lengths[1] else -margin)
    texts = (record.chosen or "", record.rejected or "")
    answers = [EvaluatedAnswer(text=shown(text), role=role, score=score, length=length)
               for text, role, score, length in zip(texts, ("chosen", "rejected"), scores, lengths, strict=True)]
    return EvaluationItem(key=key, row=row, prompt=text_of(record.prompt or ""), answers=answers, values=values)


def worth(margin: float) -> float:
    return 0.5 if margin == 0 else float(margin > 0)


def shown(text: Text) -> str:
    """An answer of one turn as its words, a longer one with its roles."""
    return text[0].content if isinstance(text, list) and len(text) == 1 else text_of(text)


def check_reference(spec: RunSpec) -> None:
    """Raises ConfigFault for a reference beside a reward model, ModelFault for one that reads other tokens."""
    if "reference" not in spec.models:
        return
    if spec.models["model"].kind is ModelKind.REWARD:
        raise ConfigFault("A reward model needs no reference.", "Remove the reference, or evaluate a language model.")
    if vocabulary(spec.models["model"]) != vocabulary(spec.models["reference"]):
        raise ModelFault("Model and reference have different tokenizers, so their log-probs are of different tokens.",
                         "Choose the model that this one was trained from.")


def vocabulary(ref: ModelRef) -> dict[str, int]:
    found: dict[str, int] = load_tokenizer(ref.path).get_vocab()
    return found


def examine(config: Config, spec: RunSpec) -> list[Finding]:
    """Rows can be read, and the reference fits the model."""
    try:
        check_reference(spec)
        first = next(iter(Rows(spec.datasets["pairs"])))
    except Fault as fault:
        return [Finding(level="error", code=fault.code, field="data" if isinstance(fault, DataFault) else "model",
                        message=f"{fault.message} {fault.remedy}".strip())]
    empty = first.chosen is None or first.rejected is None
    message = "The first row is no preference. Choose a data set of pairs."
    return [Finding(level="error", code="data", field="data", message=message)] if empty else []

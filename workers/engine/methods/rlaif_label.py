"""AI feedback: pairs of a model's own answers, each with the chance that a judge gives the one over the other.

Two answers are drawn to each prompt. A language model reads both, in both orders, and the log-probs of the letters A and B are
its label (see `label_odds`); it may be the very model that answered, which is self-rewarding. A reward model's label is
σ(r_1 − r_2), and knows no order. The samples that result become preferences whose soft labels `rm-bt` and `dpo` learn from.
Survey §3.2.4, `rlaif-label`.

At the edge: two equal answers are no pair, nor are two that are longer than the judge can read; both are counted and left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from workers.contract.catalogue import DataNeed, MetricInfo, ModelNeed, Paper, Preset
from workers.contract.events import MetricsEvent
from workers.contract.preflight import Finding
from workers.contract.products import ProductKind
from workers.contract.run_spec import ModelKind, RunKind, RunSpec
from workers.contract.samples import SAMPLES_FILE, SampledAnswer, SampledPrompt
from workers.engine.card import card
from workers.engine.faults import DataFault
from workers.engine.reports import results
from workers.engine.rewarding import judging
from workers.engine.rewarding.label_odds import SoftLabel, sigmoid, soft_labels
from workers.engine.rollout import answering
from workers.engine.rollout.answering import ASKED_KINDS, Answer, AnswerConfig, Author, Question
from workers.engine.rollout.verifiers import is_right
from workers.engine.task import Work
from workers.engine.training.training_config import Auto, again, setting


class Config(AnswerConfig):
    prompts: int = setting(
        0, "Prompts", "How many prompts are answered; 0 takes all.", group="basic", order=14, unit="prompts",
        auto=Auto(0, "all", "Every prompt of the data."), ge=0, le=1_000_000)
    num_generations: int = again(AnswerConfig, "num_generations", 2, "Two make a pair; of more, the first two that differ.")
    temperature: float = again(AnswerConfig, "temperature", 1.0)
    principles: str = setting(
        "", "Principles", "What makes an answer better, a line each; one is drawn for each pair. Empty: correct before wrong, "
        "then helpful. Read by a language model alone.", group="basic", order=60, max_length=20_000)
    clamp: float = setting(
        1.0, "Surest label", "Labels are kept within this and 1 less it; constitutional AI takes 0.6 where the judge reasons "
        "first.", order=61, gt=0.5, le=1)


CARD = card(
    "rlaif-label", Config, kind=RunKind.GENERATE, title="AI feedback labels (RLAIF)", family="Sampling",
    papers=[Paper(title="RLAIF vs. RLHF: Scaling Reinforcement Learning from Human Feedback with AI Feedback",
                  authors="Lee et al.", year=2023, link="https://arxiv.org/abs/2309.00267"),
            Paper(title="Constitutional AI: Harmlessness from AI Feedback", authors="Bai et al.", year=2022,
                  link="https://arxiv.org/abs/2212.08073"),
            Paper(title="Self-Rewarding Language Models", authors="Yuan et al.", year=2024,
                  link="https://arxiv.org/abs/2401.10020")],
    summary="Draws pairs of answers and lets a model say how sure it is which is better, in place of people. The labels are "
            "chances, and the bias for a place, for length and the judge's doubt are told.",
    formula=r"\hat p = \tfrac12\left(\sigma(\ell_A - \ell_B) + 1 - \sigma(\ell'_A - \ell'_B)\right),\quad "
            r"\ell' \text{ with the answers swapped}",
    confidence="knowledge",
    left_out="Reasoning before the letter, scores from 1 to 10, and judges behind an address, which rarely give log-probs.",
    data=[DataNeed(role="prompts", kinds=ASKED_KINDS, help="Prompts to answer; where rows have references, labels are compared "
                   "with them.")],
    models=[ModelNeed(role="policy", help="The model that answers."),
            ModelNeed(role="judge", kinds=[ModelKind.CAUSAL, ModelKind.REWARD], required=False,
                      help="The model that judges: a language model or a reward model. Empty: the model that answers judges "
                           "itself.")],
    metrics=[MetricInfo(name="judge/position_bias", title="Labels that turn with the order", panel="Judge", better="down",
                        help="Share of pairs; of language models."),
             MetricInfo(name="judge/entropy", title="Judge's doubt", panel="Judge", unit="nats",
                        help="Mean entropy of a label: log 2 cannot tell, 0 is sure."),
             MetricInfo(name="judge/longer_preferred", title="Longer answer preferred", panel="Judge",
                        help="Mean chance of the longer one; one half is no bias."),
             MetricInfo(name="judge/agreement", title="Agreement with references", panel="Judge", better="up",
                        help="Share of pairs with one right answer in which that one is preferred."),
             MetricInfo(name="judge/kappa", title="Cohen's κ with references", panel="Judge", better="up",
                        help="Agreement beyond what the shares of either would give by chance."),
             MetricInfo(name="samples/pairs", title="Pairs", panel="Answers", unit="pairs"),
             MetricInfo(name="samples/equal", title="Equal answers", panel="Answers", help="Share of prompts without a pair.")],
    presets=[Preset(name="default", title="Both orders", description="The judge's letters, asked twice."),
             Preset(name="constitution", title="Principles", description="One of several principles for each pair, labels kept "
                    "from 0.1 to 0.9.", config={"clamp": 0.9, "principles": "the one that is less harmful.\n"
                                                "the one that is more honest about what it does not know.\n"
                                                "the one that helps more with what was asked."}),
             Preset(name="demo", title="Demo", description="Two hundred pairs of two-digit sums, in seconds.",
                    config={"prompts": 200, "max_completion_length": 8})],
)


@dataclass(frozen=True)
class Pair:
    """Two answers to a question and how sure the judge is of the first; `label` None where a score decided."""

    question: Question
    answers: tuple[Answer, Answer]
    chance: float
    label: SoftLabel | None

    def right(self, side: int) -> bool | None:
        return None if self.question.reference is None else is_right(self.answers[side].text, self.question.reference)


def perform(config: Config, work: Work) -> dict[str, float | None]:
    """Raises DataFault when no prompt fits, or none gives two answers that differ."""
    spec = work.spec
    asked = answering.questions(spec.datasets["prompts"], count=config.prompts, shuffled_by=spec.seed)
    work.log.say("running", "loading the models")
    policy = answering.author("policy", spec.models["policy"], work.device)
    judge = answering.author("judge", spec.models["judge"], work.device) if "judge" in spec.models else policy
    asked, left_out = answering.fitting(asked, [policy], config.max_completion_length)
    for sentence in left_out:
        work.log.log(sentence, "warning")
    return answering.go_through(work, asked, config, ask=lambda piece: judged(config, policy, judge, piece, seed=spec.seed),
                                publish=lambda found, partial: publish(work, found))


def judged(config: Config, policy: Author, judge: Author, piece: Sequence[Question], *, seed: int) -> list[Pair | None]:
    """The pair of each question; None where its answers are equal or too long for the judge."""
    drawn = [two_that_differ(answers) for answers in answering.answer(policy, piece, config)]
    given = [(question, two) for question, two in zip(piece, drawn, strict=True) if two is not None]
    if not given:
        return [None] * len(piece)
    questions, texts = [question for question, _ in given], [[two[side].text for _, two in given] for side in (0, 1)]
    labels: list[SoftLabel | None] = [None] * len(given)
    if judge.ref.kind is ModelKind.REWARD:
        scores = [judging.rewards(judge, questions, side) for side in texts]
        chances = [None if None in both else sigmoid((both[0] or 0.0) - (both[1] or 0.0)) for both in zip(*scores, strict=True)]
    else:
        principles = [line.strip() for line in config.principles.splitlines() if line.strip()]
        labels = soft_labels(judge, [question.text for question in questions], *texts, principles=principles,
                             seed=seed + piece[0].row)
        chances = [None if label is None else label.chance for label in labels]
    found = iter(None if chance is None else Pair(question, two, min(max(chance, 1 - config.clamp), config.clamp), label)
                 for (question, two), chance, label in zip(given, chances, labels, strict=True))
    return [None if two is None else next(found) for two in drawn]


def two_that_differ(answers: Sequence[Answer]) -> tuple[Answer, Answer] | None:
    """The first answer and the first that says something else."""
    other = next((answer for answer in answers if answer.text != answers[0].text), None)
    return None if other is None else (answers[0], other)


def publish(work: Work, found: Sequence[Pair | None]) -> dict[str, float | None]:
    """Writes the artifact and tells the judge's figures. Raises DataFault when there is no pair."""
    pairs = [pair for pair in found if pair is not None]
    if not pairs:
        raise DataFault(f"None of {len(found)} prompts has two answers that differ and that the judge can read.",
                        "Raise the temperature or num_generations, or choose a judge with a longer context.")
    model = partial(SampledAnswer, model_id=work.spec.models["policy"].model_id, model_name=work.spec.models["policy"].name)
    results.lines(work, ProductKind.SAMPLES, SAMPLES_FILE, [SampledPrompt(
        row=pair.question.row, prompt=pair.question.record.prompt or "", answer=pair.question.reference,
        answers=[model(text=answer.text, length=answer.length, truncated=answer.truncated, right=pair.right(side),
                       preferred=pair.chance if side == 0 else 1 - pair.chance)
                 for side, answer in enumerate(pair.answers)]) for pair in pairs])
    values: dict[str, float | None] = dict(measures(pairs))
    values |= {"samples/pairs": float(len(pairs)), "samples/equal": 1 - len(pairs) / len(found)}
    work.log.write(MetricsEvent(step=len(found), values=values))
    return values


def measures(pairs: Sequence[Pair]) -> dict[str, float]:
    """`judge/…` over at least one pair; those that nothing can be said about are left out."""
    labels = [pair.label for pair in pairs if pair.label is not None]
    longer = [pair.chance if pair.answers[0].length > pair.answers[1].length else 1 - pair.chance
              for pair in pairs if pair.answers[0].length != pair.answers[1].length]
    # Each pair with one right answer: is it the first, and is the first preferred?
    known = [(bool(pair.right(0)), pair.chance > 0.5) for pair in pairs if pair.right(0) != pair.right(1)]
    found = {"judge/entropy": sum(SoftLabel(pair.chance, pair.chance).entropy for pair in pairs) / len(pairs)}
    if labels:
        found["judge/position_bias"] = sum(label.flips for label in labels) / len(labels)
    if longer:
        found["judge/longer_preferred"] = sum(longer) / len(longer)
    if known:
        found["judge/agreement"] = sum(one == other for one, other in known) / len(known)
        if (kappa := cohens_kappa(known)) is not None:
            found["judge/kappa"] = kappa
    return found


def cohens_kappa(given: Sequence[tuple[bool, bool]]) -> float | None:
    """Agreement of two raters beyond chance; None where chance alone would make them agree always."""
    count = len(given)
    first, second = (sum(row[side] for row in given) / count for side in (0, 1))
    by_chance = first * second + (1 - first) * (1 - second)
    return None if by_chance == 1 else (sum(one == other for one, other in given) / count - by_chance) / (1 - by_chance)


def examine(config: Config, spec: RunSpec) -> list[Finding]:
    return answering.findings(spec, roles=["policy"], room=config.max_completion_length)

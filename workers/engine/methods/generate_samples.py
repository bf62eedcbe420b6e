"""Sampling: one or two models answer the prompts of a data set; the answers are kept for people, pairs and rewards.

Answers are drawn as every method draws them (see `sampler`). Each is marked right or wrong where its row has a
reference: equal as text up to spaces, or ending in the same number.
"""

from collections.abc import Sequence

from workers.contract.catalogue import DataNeed, MetricInfo, ModelNeed, Paper, Preset
from workers.contract.events import MetricsEvent, RolloutAnswer, RolloutEvent
from workers.contract.preflight import Finding
from workers.contract.products import ProductKind
from workers.contract.run_spec import RunKind, RunSpec
from workers.contract.samples import SAMPLES_FILE, SampledAnswer, SampledPrompt
from workers.engine.card import card
from workers.engine.data.rendering import text_of
from workers.engine.reports import results
from workers.engine.rollout import answering
from workers.engine.rollout.answering import ASKED_KINDS, Answer, AnswerConfig, Author, Question
from workers.engine.rollout.verifiers import is_right
from workers.engine.task import Work
from workers.engine.training.training_config import Auto, setting

SHOWN = 64
"""Prompts shown as rollouts of the run; the artifact has all."""


class Config(AnswerConfig):
    prompts: int = setting(
        0, "Prompts", "How many prompts are answered; 0 takes all.", group="basic", order=14, unit="prompts",
        auto=Auto(0, "all", "Every prompt of the data."), ge=0, le=1_000_000)
    shuffle: bool = setting(
        True, "Draw prompts at random", "Take the prompts from anywhere in the data by the run's seed; off takes the first.",
        group="basic", order=15)
    num_generations: int = setting(
        2, "Answers per prompt", "Answers that each model writes to a prompt.", group="basic", order=16, unit="answers",
        ge=1, le=256)
    temperature: float = setting(
        1.0, "Temperature", "How freely answers are drawn; 0 always takes the likeliest token.", group="basic", order=17,
        ge=0, le=10)


CARD = card(
    "generate-samples", Config, kind=RunKind.GENERATE, title="Sample answers", family="Sampling",
    papers=[Paper(title="The Curious Case of Neural Text Degeneration", authors="Holtzman et al.", year=2019,
                  link="https://arxiv.org/abs/1904.09751")],
    summary="Lets one or two models answer the prompts of a data set and keeps the answers: for people to compare, for pairs, "
            "for trying a reward.",
    formula=r"y_1,\dots,y_n \sim \pi(\cdot \mid x)^{1/T}", confidence="code",
    data=[DataNeed(role="prompts", kinds=ASKED_KINDS, help="Prompts to answer; where rows have references, answers are marked.")],
    models=[ModelNeed(role="policy", help="The model that answers."),
            ModelNeed(role="policy_b", required=False, help="A second model that answers the same prompts.")],
    metrics=[MetricInfo(name="completions/mean_length", title="Answer length", panel="Answers", unit="tokens"),
             MetricInfo(name="completions/clipped_ratio", title="Answers cut", panel="Answers", better="down"),
             MetricInfo(name="samples/right", title="Right answers", panel="Answers", better="up",
                        help="Share of the answers to prompts with a reference that equal it.")],
    presets=[Preset(name="default", title="Two answers each", description="What a person needs to compare."),
             Preset(name="group", title="Eight answers each", description="For picking best and worst by a reward.",
                    config={"num_generations": 8})],
)


def perform(config: Config, work: Work) -> dict[str, float | None]:
    """Raises DataFault when no prompt fits."""
    asked = answering.questions(work.spec.datasets["prompts"], count=config.prompts,
                                shuffled_by=work.spec.seed if config.shuffle else None)
    work.log.say("running", "loading the model")
    authors = [answering.author(role, work.spec.models[role], work.device)
               for role in ("policy", "policy_b") if role in work.spec.models]
    asked, left_out = answering.fitting(asked, authors, config.max_completion_length)
    for sentence in left_out:
        work.log.log(sentence, "warning")
    return answering.go_through(work, asked, config, ask=lambda piece: sampled(authors, piece, config),
                                publish=lambda written, partial: publish(work, written))


def sampled(authors: Sequence[Author], piece: Sequence[Question], config: Config) -> list[SampledPrompt]:
    """Every author's answers to each question, in the order of the authors."""
    answers = [answering.answer(one, piece, config) for one in authors]
    return [SampledPrompt(row=question.row, prompt=question.record.prompt or "", answer=question.reference, answers=[
                told(one, question, answer) for one, all_of_one in zip(authors, answers, strict=True)
                for answer in all_of_one[index]])
            for index, question in enumerate(piece)]


def told(one: Author, question: Question, answer: Answer) -> SampledAnswer:
    right = None if question.reference is None else is_right(answer.text, question.reference)
    return SampledAnswer(text=answer.text, model_id=one.ref.model_id, model_name=one.ref.name, step=answering.step_of(one.ref),
                         length=answer.length, truncated=answer.truncated, right=right)


def publish(work: Work, written: list[SampledPrompt]) -> dict[str, float | None]:
    """Writes the artifact, shows the first prompts, tells the run's figures."""
    results.lines(work, ProductKind.SAMPLES, SAMPLES_FILE, written)
    for prompt in written[:SHOWN]:
        work.log.write(shown(prompt, len(written)))
    answers = [answer for prompt in written for answer in prompt.answers]
    marks = [answer.right for answer in answers if answer.right is not None]
    values: dict[str, float | None] = {
        "completions/mean_length": sum(answer.length for answer in answers) / len(answers),
        "completions/clipped_ratio": sum(answer.truncated for answer in answers) / len(answers)}
    values |= {"samples/right": sum(marks) / len(marks)} if marks else {}
    work.log.write(MetricsEvent(step=len(written), values=values))
    return values


def shown(prompt: SampledPrompt, step: int) -> RolloutEvent:
    answers = [RolloutAnswer(text=answer.text, reward=None if answer.right is None else float(answer.right), length=answer.length,
                             truncated=answer.truncated) for answer in prompt.answers]
    return RolloutEvent(step=step, row=prompt.row, prompt=text_of(prompt.prompt), reference_answer=prompt.answer,
                        answers=answers)


def examine(config: Config, spec: RunSpec) -> list[Finding]:
    return answering.findings(spec, roles=["policy", "policy_b"], room=config.max_completion_length)

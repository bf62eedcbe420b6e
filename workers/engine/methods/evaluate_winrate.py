"""Win rate: two models answer the same prompts, and a judge says whose answer is better.

A reward model or the run's reward scores both answers and the higher wins. A language model, of the library or behind an
endpoint of OpenAI's shape, reads both in both orders and says which is better (arXiv 2306.05685); a preference that turns
with the order counts half to each, and how often that happens is told. Ties count half.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial

import torch

from workers.contract.catalogue import DataNeed, MetricInfo, ModelNeed, Paper, Preset
from workers.contract.evaluation import EvaluatedAnswer, EvaluationItem
from workers.contract.preflight import Finding
from workers.contract.run_spec import ModelKind, RunKind, RunSpec
from workers.engine.card import card
from workers.engine.faults import ConfigFault, RewardFault
from workers.engine.reports import results
from workers.engine.rewarding import judging
from workers.engine.rewarding.judges import Endpoint, Judge, LocalJudge, Manner
from workers.engine.rewarding.judging import Verdict
from workers.engine.rewarding.reward_pipeline import Pipeline
from workers.engine.rollout import answering, scoring
from workers.engine.rollout.answering import ASKED_KINDS, Answer, AnswerConfig, Author, Question
from workers.engine.task import Work
from workers.engine.training.training_config import setting


class Config(AnswerConfig):
    suite: str = setting(
        "", "Suite", "The name under which its curves and columns stand; empty takes the data set's.", group="basic", order=13,
        max_length=60)
    tie_margin: float = setting(
        0.0, "Tie within", "Rewards that differ by no more than this are a tie.", order=45, ge=0, le=1e6)
    judge_base_url: str = setting(
        "", "Judge's address", "Of an endpoint in OpenAI's shape that judges, such as https://api.openai.com/v1. Empty where a "
        "model of the library or a reward does.", group="basic", order=60, max_length=500)
    judge_model: str = setting("", "Judge's model name", "As the endpoint calls it.", group="basic", order=61, max_length=200)
    judge_api_key: str = setting(
        "", "Judge's key", "Name of the environment variable that holds the endpoint's key, one that the workers' operator "
        "allows; never the key itself.", group="basic", order=62, max_length=100, pattern=r"^[A-Za-z_0-9]*$")
    judge_max_tokens: int = setting(
        64, "Judge's answer length", "Tokens in which a judging language model must give its verdict; give more to one that "
        "thinks first.", order=46, unit="tokens", ge=1, le=32_768)
    judge_timeout_seconds: float = setting(
        60.0, "Judge's time limit", "For one answer of the endpoint.", order=47, unit="seconds", gt=0, le=600)
    judge_retries: int = setting(
        3, "Judge's retries", "After silence, 429 and errors of the endpoint.", order=48, ge=0, le=10)
    judge_concurrency: int = setting(
        8, "Judged at once", "Questions under way to the endpoint at the same time.", order=49, ge=1, le=64)


CARD = card(
    "evaluate-winrate", Config, kind=RunKind.EVALUATE, title="Win rate", family="Evaluation",
    papers=[Paper(title="Judging LLM-as-a-Judge with MT-Bench and Chatbot Arena", authors="Zheng et al.", year=2023,
                  link="https://arxiv.org/abs/2306.05685")],
    summary="Two models answer the same prompts; a reward model, a reward or a judging language model says whose answer is "
            "better. A language model is asked in both orders, and its bias for a place is told.",
    formula=r"\frac1N\sum_i \left[\mathbb 1(a_i \succ b_i) + \tfrac12\,\mathbb 1(a_i \sim b_i)\right]", confidence="code",
    data=[DataNeed(role="prompts", kinds=ASKED_KINDS, help="Prompts that both models answer.")],
    models=[ModelNeed(role="policy", help="The model whose win rate is told."),
            ModelNeed(role="policy_b", help="The model that it is compared with."),
            ModelNeed(role="judge", kinds=[ModelKind.REWARD, ModelKind.CAUSAL], required=False,
                      help="A reward model, or a language model that follows instructions. Empty where an endpoint or the reward "
                           "judges.")],
    takes_reward=True,
    metrics=[MetricInfo(name="eval/{suite}/win_rate", title="Win rate", panel="Evaluation", better="up", help="Ties count half."),
             MetricInfo(name="eval/{suite}/ties", title="Ties", panel="Evaluation"),
             MetricInfo(name="eval/{suite}/consistent", title="Same verdict in both orders", panel="Evaluation", better="up"),
             MetricInfo(name="eval/{suite}/first_preferred", title="Answer shown first preferred", panel="Evaluation",
                        help="One half is a judge without bias for a place."),
             MetricInfo(name="eval/{suite}/longer_wins", title="Longer answer preferred", panel="Evaluation")],
    presets=[Preset(name="default", title="Greedy", description="The likeliest answer of each model."),
             Preset(name="drawn", title="Drawn", description="Four drawn answers to each prompt.",
                    config={"num_generations": 4, "temperature": 1.0})],
)


def perform(config: Config, work: Work) -> dict[str, float | None]:
    """Raises ConfigFault without a judge, RewardFault when no verdict can be read."""
    spec = work.spec
    check_judge(config, spec)
    ref = spec.datasets["prompts"]
    with reader_of(config, spec, work.device) as reader, answering.pipeline_of(spec, work.device) as pipeline:
        work.log.say("running", "loading the models")
        authors = [answering.author(role, spec.models[role], work.device) for role in ("policy", "policy_b")]
        scorer = answering.author("judge", spec.models["judge"], work.device) if "judge" in spec.models and not reader else None
        asked, left_out = answering.fitting(answering.questions(ref), authors, config.max_completion_length)

        def ask(piece: Sequence[Question]) -> list[EvaluationItem]:
            first, second = (answering.answer(one, piece, config) for one in authors)
            flat = [(question, one, other) for question, ones, others in zip(piece, first, second, strict=True)
                    for one, other in zip(ones, others, strict=True)]
            duels = read_duels(reader, flat, seed=spec.seed) if reader else scored_duels(config, scorer, pipeline, authors, flat)
            count = config.num_generations
            return [item_of(question, duels[index * count:(index + 1) * count]) for index, question in enumerate(piece)]

        return answering.go_through(work, asked, config, ask=ask, publish=partial(published, config, work, left_out))


def published(config: Config, work: Work, left_out: Sequence[str], items: list[EvaluationItem], stopped: bool,
              ) -> dict[str, float | None]:
    """The report of what was judged. Raises RewardFault when nothing was."""
    spec = work.spec
    unread = sum("win_rate" not in item.values for item in items)
    if unread == len(items):
        said = next((note for item in items for note in item.notes), "")
        raise RewardFault(f"The judge gave no verdict that can be read on any of {len(items)} prompts. It said: "
                          f"{said[:200]!r}.", "Choose a judge that follows instructions, or a reward model.")
    more = [f"On {unread} of {len(items)} prompts the judge gave no verdict that can be read."] if unread else []
    results.show(work, items)
    return results.evaluation(
        work, data="prompts", suite=results.suite_name(config.suite, spec.datasets["prompts"]), primary="win_rate", items=items,
        left_out=[*left_out, *more], partial=stopped,
        measure={"against": identity(spec, "policy_b"), "judge": identity(spec, "judge") or endpoint_name(config),
                 "tie_margin": config.tie_margin, "reward": spec.reward.model_dump(mode="json") if spec.reward else None})


@contextmanager
def reader_of(config: Config, spec: RunSpec, device: torch.device) -> Iterator[Judge | None]:
    """The judge that reads both answers, for as long as the block lasts; None where scores decide. Raises ConfigFault."""
    ref = spec.models.get("judge")
    if config.judge_base_url:
        with closing(endpoint_of(config)) as endpoint:
            yield endpoint
    elif ref is not None and ref.kind is ModelKind.CAUSAL:
        with closing(LocalJudge(ref, device, max_tokens=config.judge_max_tokens, rows=config.rollout_rows)) as local:
            yield local
    else:
        yield None


def endpoint_of(config: Config) -> Endpoint:
    """Raises ConfigFault for an address or a key that may not be used."""
    return Endpoint(config.judge_base_url, config.judge_model, key=config.judge_api_key, manner=Manner(
        max_tokens=config.judge_max_tokens, timeout_seconds=config.judge_timeout_seconds, retries=config.judge_retries,
        concurrency=config.judge_concurrency))


Flat = tuple[Question, Answer, Answer]


@dataclass(frozen=True)
class Duel:
    """One answer of each model, their scores where they have some, and what the judge made of them."""

    answers: tuple[Answer, Answer]
    verdict: Verdict
    scores: tuple[float | None, float | None] = (None, None)


def read_duels(judge: Judge, flat: Sequence[Flat], *, seed: int) -> list[Duel]:
    found = judging.verdicts(judge, [question.text for question, *_ in flat], [one.text for _, one, _ in flat],
                             [other.text for *_, other in flat], seed=seed)
    return [Duel((one, other), verdict) for (_, one, other), verdict in zip(flat, found, strict=True)]


def scored_duels(config: Config, judge: Author | None, pipeline: Pipeline | None, authors: Sequence[Author],
                 flat: Sequence[Flat]) -> list[Duel]:
    scores = [scores_of(judge, pipeline, author, [(question, pair[side]) for question, *pair in flat])
              for side, author in enumerate(authors)]
    return [Duel((one, other), Verdict(winner(first, second, config.tie_margin), None, ()), (first, second))
            for (_, one, other), first, second in zip(flat, *scores, strict=True)]


def scores_of(judge: Author | None, pipeline: Pipeline | None, author: Author,
              given: Sequence[tuple[Question, Answer]]) -> list[float | None]:
    texts = [answer.text for _, answer in given]
    if judge is not None:
        return judging.rewards(judge, [question for question, _ in given], texts)
    assert pipeline is not None
    totals = scoring.score(pipeline, [author.prompt(question) for question, _ in given], [answer.rollout for _, answer in given],
                          texts).total.tolist()
    return [None if math.isnan(total) else total for total in totals]


def winner(first: float | None, second: float | None, tie_margin: float) -> float | None:
    if first is None or second is None:
        return None
    return 0.5 if abs(first - second) <= tie_margin else float(first > second)


def item_of(question: Question, duels: Sequence[Duel]) -> EvaluationItem:
    """Means over the duels that were judged; none of them, no values."""
    judged = [duel for duel in duels if duel.verdict.win is not None]
    values: dict[str, float] = {}
    if judged:
        wins = [duel.verdict.win or 0.0 for duel in judged]
        values = {"win_rate": sum(wins) / len(wins), "ties": sum(win == 0.5 for win in wins) / len(wins)}
        longer = [win if duel.answers[0].length > duel.answers[1].length else 1 - win
                  for win, duel in zip(wins, judged, strict=True) if duel.answers[0].length != duel.answers[1].length]
        values |= {"longer_wins": sum(longer) / len(longer)} if longer else {}
        firsts = [duel.verdict.first for duel in judged if duel.verdict.first is not None]
        values |= {"first_preferred": sum(firsts) / len(firsts),
                   "consistent": sum(duel.verdict.agrees for duel in judged) / len(judged)} if firsts else {}
    answers = [EvaluatedAnswer(text=answer.text, role=role, score=score, length=answer.length, truncated=answer.truncated)
               for duel in duels for role, answer, score in zip(("policy", "policy_b"), duel.answers, duel.scores, strict=True)]
    notes = [note for duel in duels for note in duel.verdict.notes]
    return EvaluationItem(key=question.key, row=question.row, prompt=question.text, reference=question.reference, answers=answers,
                          values=values, notes=notes)


def check_judge(config: Config, spec: RunSpec) -> None:
    """Raises ConfigFault unless there is one judge, whole."""
    has = {"a model": "judge" in spec.models, "an endpoint": bool(config.judge_base_url), "a reward": spec.reward is not None}
    judges = [word for word, given in has.items() if given]
    if len(judges) != 1:
        raise ConfigFault(f"A win rate needs one judge; the run has {' and '.join(judges) or 'none'}.",
                          "Choose a model as judge, an endpoint, or a reward.")
    if config.judge_base_url and not config.judge_model:
        raise ConfigFault("The judge's endpoint needs the name of a model.", "Set judge_model.")


def endpoint_name(config: Config) -> str:
    return f"{config.judge_model} at {config.judge_base_url}" if config.judge_base_url else ""


def identity(spec: RunSpec, role: str) -> str:
    ref = spec.models.get(role)
    return "" if ref is None else ref.weights_hash or ref.model_id or ref.path


def examine(config: Config, spec: RunSpec) -> list[Finding]:
    found = answering.findings(spec, roles=["policy", "policy_b"], room=config.max_completion_length)
    try:
        check_judge(config, spec)
        if config.judge_base_url:
            endpoint_of(config).close()
    except ConfigFault as fault:
        field = "judge_base_url" if config.judge_base_url else "reward"
        found.append(Finding(level="error", code="judge", field=field, message=f"{fault.message} {fault.remedy}"))
    return found

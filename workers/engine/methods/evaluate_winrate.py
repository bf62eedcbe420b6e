"""Win rate: two models answer the same prompts, and a judge says whose answer is better.

A reward model or the run's reward scores both answers and the higher wins. A language model reads both in both orders
and says which is better (arXiv 2306.05685); a preference that turns with the order counts half to each, and how often
that happens is told. Ties count half.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from workers.contract.catalogue import DataNeed, MetricInfo, ModelNeed, Paper, Preset
from workers.contract.evaluation import EvaluatedAnswer, EvaluationItem
from workers.contract.preflight import Finding
from workers.contract.run_spec import ModelKind, RunKind, RunSpec
from workers.engine import answering, judging, online, results
from workers.engine.answering import ASKED_KINDS, Answer, AnswerConfig, Author, Question
from workers.engine.card import card
from workers.engine.faults import ConfigFault, RewardFault
from workers.engine.judging import Say, Verdict
from workers.engine.reward_pipeline import Pipeline
from workers.engine.task import Work
from workers.engine.training_config import setting


class Config(AnswerConfig):
    suite: str = setting(
        "", "Suite", "The name under which its curves and columns stand; empty takes the data set's.", group="basic", order=13,
        max_length=60)
    tie_margin: float = setting(
        0.0, "Tie within", "Rewards that differ by no more than this are a tie.", order=110, ge=0, le=1e6)
    judge_max_tokens: int = setting(
        64, "Judge's answer length", "Tokens in which a judging language model must give its verdict.", order=111, unit="tokens",
        ge=1, le=8192)


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
                      help="A reward model, or a language model that follows instructions. Without one the reward judges.")],
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
    check_judge(spec)
    ref = spec.datasets["prompts"]
    work.log.say("running", "loading the models")
    authors = [answering.author(role, spec.models[role], work.device) for role in ("policy", "policy_b")]
    judge = answering.author("judge", spec.models["judge"], work.device) if "judge" in spec.models else None
    asked, left_out = answering.fitting(answering.questions(ref), authors, config.max_completion_length)
    suite = results.suite_name(config.suite, ref)
    say = judging.spoken(judge, config, config.judge_max_tokens) if judge and judge.ref.kind is ModelKind.CAUSAL else None

    def ask(pipeline: Pipeline | None, piece: Sequence[Question]) -> list[EvaluationItem]:
        first, second = (answering.answer(one, piece, config) for one in authors)
        flat = [(question, one, other) for question, ones, others in zip(piece, first, second, strict=True)
                for one, other in zip(ones, others, strict=True)]
        duels = spoken_duels(say, flat, seed=spec.seed) if say else scored_duels(config, judge, pipeline, authors, flat)
        count = config.num_generations
        return [item_of(question, duels[at:at + count]) for question, at in zip(piece, range(0, len(flat), count), strict=True)]

    def publish(items: list[EvaluationItem], stopped: bool) -> dict[str, float | None]:
        unread = sum("win_rate" not in item.values for item in items)
        if unread == len(items):
            said = next((note for item in items for note in item.notes), "")
            raise RewardFault(f"The judge gave no verdict that can be read on any of {len(items)} prompts. It said: "
                              f"{said[:200]!r}.", "Choose a judge that follows instructions, or a reward model.")
        more = [f"On {unread} of {len(items)} prompts the judge gave no verdict that can be read."] if unread else []
        results.show(work, items)
        return results.evaluation(
            work, data="prompts", suite=suite, primary="win_rate", items=items, left_out=[*left_out, *more], partial=stopped,
            measure={"against": identity(spec, "policy_b"), "judge": identity(spec, "judge"), "tie_margin": config.tie_margin,
                     "reward": spec.reward.model_dump(mode="json") if spec.reward else None})

    with answering.pipeline_of(spec, work.device) as pipeline:
        return answering.go_through(work, asked, config, ask=partial(ask, pipeline), publish=publish)


Flat = tuple[Question, Answer, Answer]


@dataclass(frozen=True)
class Duel:
    """One answer of each model, their scores where they have some, and what the judge made of them."""

    answers: tuple[Answer, Answer]
    verdict: Verdict
    scores: tuple[float | None, float | None] = (None, None)


def spoken_duels(say: Say, flat: Sequence[Flat], *, seed: int) -> list[Duel]:
    found = judging.verdicts(say, [question.text for question, *_ in flat], [one.text for _, one, _ in flat],
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
    totals = online.score(pipeline, [author.prompt(question) for question, _ in given], [answer.rollout for _, answer in given],
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
    notes = [said for duel in duels for said in duel.verdict.said]
    return EvaluationItem(key=question.key, row=question.row, prompt=question.text, reference=question.reference, answers=answers,
                          values=values, notes=notes)


def check_judge(spec: RunSpec) -> None:
    """Raises ConfigFault unless there is one judge."""
    if ("judge" in spec.models) == (spec.reward is not None):
        found = "the run has a judge and a reward." if spec.reward else "the run has none."
        raise ConfigFault(f"A win rate needs one judge: {found}", "Choose a model as judge, or a reward.")


def identity(spec: RunSpec, role: str) -> str:
    ref = spec.models.get(role)
    return "" if ref is None else ref.weights_hash or ref.model_id or ref.path


def examine(config: Config, spec: RunSpec) -> list[Finding]:
    found = answering.findings(spec, roles=["policy", "policy_b"], room=config.max_completion_length)
    try:
        check_judge(spec)
    except ConfigFault as fault:
        found.append(Finding(level="error", code="reward", field="reward", message=f"{fault.message} {fault.remedy}"))
    return found

"""Accuracy and pass@k: a model answers prompts whose answers can be checked, once or several times each.

With n answers to a prompt of which c are right, accuracy is c / n and pass@k = 1 − C(n−c, k) / C(n, k), without bias
(arXiv 2107.03374, equation 1), for k = 1, 2, 4, … up to n; both are means over prompts. Intervals are over prompts, which
are independent, never over answers to one prompt, which are not.
"""

import math
from collections.abc import Sequence
from functools import partial

from workers.contract.catalogue import DataNeed, MetricInfo, ModelNeed, Paper, Preset
from workers.contract.evaluation import EvaluatedAnswer, EvaluationItem
from workers.contract.preflight import Finding
from workers.contract.run_spec import RunKind, RunSpec
from workers.engine.card import card
from workers.engine.faults import ConfigFault, DataFault
from workers.engine.reports import results
from workers.engine.rewarding.reward_pipeline import Pipeline
from workers.engine.rollout import answering, scoring
from workers.engine.rollout.answering import ASKED_KINDS, Answer, AnswerConfig, Author, Question
from workers.engine.rollout.verifiers import Verifier, mark
from workers.engine.task import Work
from workers.engine.training.training_config import setting
from workers.statistics import pass_at_k

NO_REWARD = "The reward decides what is right, and the run has none."


class Config(AnswerConfig):
    suite: str = setting(
        "", "Suite", "The name under which its curves and columns stand; empty takes the data set's.", group="basic", order=13,
        max_length=60)
    verifier: Verifier = setting(
        "match", "Right when", "match: equal as text or ending in the same number; exact_match: as text; numeric_match: its "
        "number; math_verify: mathematically; reward: the run's reward reaches the pass mark.", group="basic", order=18)
    pass_mark: float = setting(
        1.0, "Pass mark", "Least reward that counts as right, where the reward decides.", order=47, ge=-1e6, le=1e6)


CARD = card(
    "evaluate-answers", Config, kind=RunKind.EVALUATE, title="Accuracy and pass@k", family="Evaluation",
    papers=[Paper(title="Evaluating Large Language Models Trained on Code", authors="Chen et al.", year=2021,
                  link="https://arxiv.org/abs/2107.03374")],
    summary="Lets a model answer prompts with known answers and counts the right ones, with an interval. With several answers "
            "to each prompt it tells pass@k: how often at least one of k is right.",
    formula=r"\mathrm{pass@}k = \frac1N\sum_i\left[1 - \binom{n-c_i}{k}\Big/\binom{n}{k}\right]", confidence="code",
    data=[DataNeed(role="prompts", kinds=ASKED_KINDS, help="Prompts with reference answers; of a demonstration its completion.")],
    models=[ModelNeed(role="policy", help="The model that is evaluated.")], takes_reward=True,
    metrics=[MetricInfo(name="eval/{suite}/accuracy", title="Accuracy", panel="Evaluation", better="up"),
             MetricInfo(name="eval/{suite}/pass@{k}", title="pass@k", panel="Evaluation", better="up"),
             MetricInfo(name="eval/{suite}/reward", title="Reward", panel="Evaluation", better="up"),
             MetricInfo(name="eval/{suite}/length", title="Answer length", panel="Evaluation", unit="tokens"),
             MetricInfo(name="eval/{suite}/truncated", title="Answers cut", panel="Evaluation", better="down")],
    presets=[Preset(name="default", title="Greedy", description="One answer to each prompt, the likeliest."),
             Preset(name="pass8", title="pass@8", description="Eight drawn answers to each prompt.",
                    config={"num_generations": 8, "temperature": 0.8})],
)


def perform(config: Config, work: Work) -> dict[str, float | None]:
    """Raises ConfigFault, DataFault when no row can be counted."""
    spec = work.spec
    if config.verifier == "reward" and spec.reward is None:
        raise ConfigFault(NO_REWARD, "Add a reward, or choose another verifier.")
    ref = spec.datasets["prompts"]
    asked, left_out = countable(answering.questions(ref), config)
    work.log.say("running", "loading the model")
    policy = answering.author("policy", spec.models["policy"], work.device)
    asked, unfit = answering.fitting(asked, [policy], config.max_completion_length)
    suite = results.suite_name(config.suite, ref)

    def publish(items: list[EvaluationItem], stopped: bool) -> dict[str, float | None]:
        results.show(work, items)
        return results.evaluation(
            work, data="prompts", suite=suite, primary="accuracy", items=items, left_out=[*left_out, *unfit], partial=stopped,
            measure={"verifier": config.verifier, "reward": told_reward(spec), "pass_mark": passing(config)})

    with answering.pipeline_of(spec, work.device) as pipeline:
        return answering.go_through(work, asked, config, ask=partial(items_of, config, policy, pipeline), publish=publish)


def countable(asked: list[Question], config: Config) -> tuple[list[Question], list[str]]:
    """The questions that can be marked, and a sentence about the others. Raises DataFault when there is none."""
    if config.verifier == "reward":
        return asked, []
    kept = [question for question in asked if question.reference is not None]
    if not kept:
        raise DataFault(f"None of the {len(asked)} rows has a reference answer.",
                        "Choose a data set with answers, or let a reward decide what is right.")
    left = len(asked) - len(kept)
    return kept, [f"{left} of {len(asked)} rows have no reference answer."] if left else []


def items_of(config: Config, policy: Author, pipeline: Pipeline | None, piece: Sequence[Question]) -> list[EvaluationItem]:
    """Answers, marks and their values; a prompt that nothing can mark has no accuracy."""
    groups = answering.answer(policy, piece, config)
    flat = [(question, answer) for question, answers in zip(piece, groups, strict=True) for answer in answers]
    totals = totals_of(pipeline, policy, flat)
    if config.verifier == "reward":
        marks = [None if total is None else total >= config.pass_mark for total in totals]
    else:
        marks = mark(config.verifier, [answer.text for _, answer in flat], [question.reference for question, _ in flat])
    count = config.num_generations
    return [item_of(question, answers, marks[at:at + count], totals[at:at + count])
            for question, answers, at in zip(piece, groups, range(0, len(flat), count), strict=True)]


def totals_of(pipeline: Pipeline | None, policy: Author, flat: Sequence[tuple[Question, Answer]]) -> list[float | None]:
    if pipeline is None:
        return [None] * len(flat)
    found = scoring.score(pipeline, [policy.prompt(question) for question, _ in flat], [answer.rollout for _, answer in flat],
                         [answer.text for _, answer in flat])
    return [None if math.isnan(total) else total for total in found.total.tolist()]


def item_of(question: Question, answers: Sequence[Answer], marks: Sequence[bool | None],
            totals: Sequence[float | None]) -> EvaluationItem:
    shown = [EvaluatedAnswer(text=answer.text, role="policy", right=right, length=answer.length, truncated=answer.truncated,
                             score=float(right) if total is None and right is not None else total)
             for answer, right, total in zip(answers, marks, totals, strict=True)]
    n = len(answers)
    values = {"length": sum(answer.length for answer in answers) / n,
              "truncated": sum(answer.truncated for answer in answers) / n}
    rewards = [total for total in totals if total is not None]
    if rewards:
        values["reward"] = sum(rewards) / len(rewards)
    known = [right for right in marks if right is not None]
    if len(known) == n:
        right = sum(known)
        values["accuracy"] = right / n
        values |= {f"pass@{k}": pass_at_k(n, right, k) for k in ks(n)}
    return EvaluationItem(key=question.key, row=question.row, prompt=question.text, reference=question.reference, answers=shown,
                          values=values)


def ks(n: int) -> list[int]:
    """2, 4, 8, … and n itself; pass@1 is the accuracy."""
    return sorted({n, *(2**power for power in range(1, n.bit_length()))} - {1}) if n > 1 else []


def passing(config: Config) -> float | None:
    return config.pass_mark if config.verifier == "reward" else None


def told_reward(spec: RunSpec) -> object:
    return spec.reward.model_dump(mode="json") if spec.reward else None


def examine(config: Config, spec: RunSpec) -> list[Finding]:
    found = answering.findings(spec, roles=["policy"], room=config.max_completion_length,
                               needs_reference=config.verifier != "reward")
    if config.verifier == "reward" and spec.reward is None:
        found.append(Finding(level="error", code="reward", field="reward",
                             message=f"{NO_REWARD} Add one, or choose another verifier."))
    return found

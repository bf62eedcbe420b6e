"""Process reward model: the chance that each step of an answer is right, fitted to labelled steps.

The steps are joined by the separator as one answer. The scalar head's number at the token that closes a step (its separator's
last; of the last step the text's last token) is the step's log-odds, and the loss is `reward_models.binary`, the mean over the
labelled steps of the batch: what a token classifier of two labels has whose logits differ by that number. Survey §3.1.4. The
final model is a sequence classifier with one label: its number for a text cut after a step is that step's. With one step, or
with the last step alone, this is `rm-orm`.

Labels are chances in [0, 1] (or false and true): soft ones are the share of continuations from the step that came out right.
Human marks −1, 0 and 1 are read as wrong, right, right. What comes after the first wrong step may be left out of the loss, for
people rarely say what a step is worth that builds on an error.

At the edge: an empty step is left out with its label, and a row without a step; a row whose labels do not fit its steps is an
error, as is a label out of range. Where a row is cut, the steps that are lost are not trained.
"""

from dataclasses import replace
from functools import partial
from itertools import accumulate
from typing import Literal

import torch
from torch import Tensor

from workers.contract.catalogue import MetricInfo, Paper, Preset
from workers.contract.products import RewardReport
from workers.contract.records import Record, RecordKind
from workers.engine.card import card
from workers.engine.composition import Composition, Setting, Turn
from workers.engine.data.labelled_steps import Labels, first_wrong, labelled_steps
from workers.engine.data.pairs import LONG, LeftOut, render_answer
from workers.engine.data.rendering import sample_of, truncate
from workers.engine.data.steps import step_places
from workers.engine.families import reward_training
from workers.engine.families.reward_training import Parts, RewardConfig, held_out_only, metrics, needs
from workers.engine.modeling.models import SCORE_TOKENS, pieces_of
from workers.engine.modeling.reward_heads import declaration
from workers.engine.reports.answer_report import ScoredAnswer, ScoredSteps, auc, first_errors, process_report
from workers.engine.reward_models import binary
from workers.engine.sample import Batch, Counts, Sample, batch_of
from workers.engine.training.tally import Tally
from workers.engine.training.training_config import setting as option

NO_STEP = "without a step that has text"
NO_LABEL = "whose labelled steps do not fit the maximum length"


class Config(RewardConfig):
    separator: str = option(
        "\\n", "Step separator", "Stands between the steps and closes them; \\n is a line break. It is kept with the model.",
        group="basic", order=44, min_length=1, max_length=20)
    labels: Labels = option(
        "chances", "Labels", "Chances that a step is right, from 0 (false) to 1 (true), or people's marks: −1 wrong, 0 neutral, "
        "1 right, where neutral counts as right.", order=45)
    after_first_error: Literal["keep", "leave_out"] = option(
        "keep", "After the first error", "Train on the labels of steps behind the first wrong one, or leave them out.", order=46)
    train_on_last_step_only: bool = option(
        False, "Last step only", "Train on each answer's last step alone, which makes an outcome model.", order=47)


CARD = card(
    "rm-prm", Config, title="Process reward model", family="Reward modelling",
    papers=[Paper(title="Let's Verify Step by Step", authors="Lightman et al.", year=2023,
                  link="https://arxiv.org/abs/2305.20050"),
            Paper(title="Math-Shepherd: Verify and Reinforce LLMs Step-by-step without Human Annotations", authors="Wang et al.",
                  year=2023, link="https://arxiv.org/abs/2312.08935")],
    summary="Learns the chance that each step of an answer is right, from steps that people or roll-outs labelled. What results "
            "finds the first error, guides a search, and rewards other runs step by step.",
    formula=r"\mathcal{L} = -\frac{1}{\sum_i n_i}\sum_i\sum_{j=1}^{n_i}\left[y_{ij}\log\sigma(r_{ij}) + "
            r"(1-y_{ij})\log\sigma(-r_{ij})\right]",
    confidence="code", left_out="Making labels by roll-outs; placeholder tokens whose logits for + and − are compared.",
    data=needs([RecordKind.STEPWISE], "Answers in steps, each with a label."),
    models=reward_training.MODELS,
    presets=[
        Preset(name="default", title="Whole model", description="All weights, steps in lines."),
        Preset(name="marks", title="Human marks", description="Marks −1, 0 and 1; nothing is learned behind the first error.",
               config={"labels": "marks", "after_first_error": "leave_out"}),
        reward_training.LORA,
        Preset(name="demo", title="Demo", description="Sums worked out column by column, each line judged, with the tiny model.",
               config={"learning_rate": 1e-3, "per_device_train_batch_size": 64, "max_length": 64, "max_steps": 100,
                       "eval_steps": 25, "eval_limit": 256}),
    ],
    metrics=metrics(
        "labelled steps",
        [MetricInfo(name="accuracy", title="Step accuracy", panel="Accuracy", better="up",
                    help="Share of steps taken for what they are."),
         MetricInfo(name="frac_right", title="Share of steps marked right", panel="Accuracy")],
        [held_out_only("auc", "Held-out AUC", "Chance that a right step scores above a wrong one."),
         held_out_only("first_error_f1", "Held-out F1 of the first error",
                       "Harmonic mean of first errors found and of right answers passed."),
         held_out_only("wrong_precision", "Held-out precision on wrong steps", "Share of the steps taken for wrong that are.")]),
)


def compose(config: Config, setting: Setting) -> Composition:
    """One trained role with a scalar head. Raises ConfigFault when answers may be longer than the model's context."""
    return reward_training.composition(config, setting, Parts(
        render=partial(render, config, setting), loss=loss, measure=held_out_measures, report=report,
        declares=declaration("process", step_separator=separator_of(config)), best=("eval/auc", "up")))


def separator_of(config: Config) -> str:
    return config.separator.replace("\\n", "\n")


def render(config: Config, setting: Setting, left_out: LeftOut, record: Record, row: int) -> list[Sample]:
    """The answer with its labelled step ends masked in, and the channel `step_labels` [T] there. Raises DataFault."""
    steps = labelled(config, record, row)
    if not steps:
        return left_out.add(NO_STEP, row)
    separator = separator_of(config)
    text = separator.join(step for step, _ in steps)
    ends = list(accumulate(len(step) + len(separator) for step, _ in steps))
    whole = render_answer(setting.tokenizer, record, text)
    cut = truncate(whole, config.max_length, config.truncation_mode)
    if cut is None:
        return left_out.add(LONG, row)
    off = len(whole.ids) - len(cut.ids) if config.truncation_mode == "keep_end" else 0
    sample = sample_of(cut, row=row, record=record)
    mask, labels = torch.zeros(len(sample), dtype=torch.bool), torch.zeros(len(sample))
    places = step_places(setting.tokenizer, whole, text, ends, pad_token_id=setting.tokenizer.pad_token_id)
    for place, label in [(place - off, label) for place, (_, label) in zip(places, steps, strict=True)]:
        if label is not None and 0 < place < len(sample):
            mask[place], labels[place] = True, label
    if not bool(mask.any()):
        return left_out.add(NO_LABEL, row)
    return [replace(sample, mask=mask, channels={"step_labels": labels})]


def labelled(config: Config, record: Record, row: int) -> list[tuple[str, float | None]]:
    """The steps that have text, without white space or separator at their ends, and the chances; None where one is not trained.

    Raises DataFault for a row without steps and labels, and for labels that do not fit.
    """
    kept = labelled_steps(record, row, config.labels)
    wrong = first_wrong([found for _, found in kept])
    trained = range(len(kept) - 1 if config.train_on_last_step_only else 0,
                    wrong + 1 if config.after_first_error == "leave_out" else len(kept))
    return [(step, found if at in trained else None) for at, (step, found) in enumerate(kept)]


def loss(turn: Turn, batch: Batch, counts: Counts) -> Tensor:
    """The micro-batch's part of the mean over the step's labelled steps."""
    values, labels = turn.models["reward"].values(batch), batch.channel("step_labels")
    tell(turn.tally, values[batch.mask], labels[batch.mask])
    return binary.terms(values[batch.mask], labels[batch.mask]).sum() / max(counts.tokens, 1.0)


def tell(tally: Tally, scores: Tensor, labels: Tensor) -> None:
    """`accuracy`, `frac_right` and the rewards of the scores and labels [n] of steps."""
    tally.mean("accuracy", ((scores >= 0) == (labels >= 0.5)).float())
    tally.mean("frac_right", (labels >= 0.5).float())
    reward_training.tell_rewards(tally, scores)


def scored(turn: Turn, samples: list[Sample]) -> list[ScoredSteps]:
    """Scores of each answer's labelled steps, in order of `samples`."""
    model, found = turn.models["reward"], []
    for piece in pieces_of(samples, micro_samples=max(1, len(samples)), micro_tokens=SCORE_TOKENS):
        with torch.no_grad():
            values = model.values(batch_of(piece, model.device)).cpu()
        for line, sample in zip(values, piece, strict=True):
            places = sample.mask.nonzero().flatten().tolist()
            found.append(ScoredSteps(tuple(
                ScoredAnswer(float(line[place]), float(sample.channels["step_labels"][place]),
                             place + 1 - sample.prompt_length, sample.record or Record()) for place in places)))
    return found


def held_out_measures(turn: Turn, samples: list[Sample]) -> dict[str, float]:
    """The curves over the labelled steps of held-out answers, `auc`, and how well the first error is found."""
    solutions = scored(turn, samples)
    steps = [step for solution in solutions for step in solution.steps]
    scores, labels = torch.tensor([step.score for step in steps]), torch.tensor([step.label for step in steps])
    tally = Tally()
    tell(tally, scores, labels)
    tally.mean("loss", binary.terms(scores, labels))
    errors = first_errors(solutions)
    more = {"auc": auc(scores.tolist(), [step.right for step in steps]), "first_error_f1": errors["first_error_f1"],
            "wrong_precision": errors["wrong_precision"]}
    return tally.values() | {"samples": len(steps)} | {name: value for name, value in more.items() if value is not None}


def report(turn: Turn, split: str, samples: list[Sample], held_out: bool) -> RewardReport:
    return process_report(split, scored(turn, samples), held_out=held_out)

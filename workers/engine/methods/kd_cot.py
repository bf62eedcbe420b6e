"""Step-by-step distillation: one model learns the label and, as a second task, the rationale of a larger model.

Each row gives two samples, told apart by the words before the question:
L = α·NLL(answer | "[label] " + x) + (1 − α)·NLL(rationale | "[rationale] " + x), each the mean over its own tokens of the
step. Only the label's words are used afterwards, so that answering costs no more than without rationales. With α = 1 it is
instruction fine-tuning on the answers. Survey §4.5 (Distilling step-by-step, arXiv 2305.02301).

At the edge: a row whose rationale and answer cannot be told apart is left out.
"""

from collections.abc import Mapping
from functools import partial
from typing import ClassVar

from torch import Tensor

from workers.contract.catalogue import DataNeed, ModelNeed, Paper, Preset
from workers.contract.records import Record, RecordKind
from workers.engine.card import card
from workers.engine.composition import Composition, Setting, Turn
from workers.engine.data.rendering import extended, render_demonstration
from workers.engine.data.worked_answers import COLUMNS, Style, columns_of, worked_of
from workers.engine.families import supervised
from workers.engine.faults import DataFault
from workers.engine.sample import Batch, Counts, Sample
from workers.engine.training.training_config import setting as field


class Config(supervised.SupervisedConfig):
    """Adds the two tasks and their weight."""

    answers_per_sample: ClassVar[int] = 2

    alpha: float = field(
        0.5, "α", "Weight of the answers' loss; the rationales have the rest.", group="basic", order=43, live=True, ge=0, le=1)
    label_prefix: str = field(
        "[label] ", "Words for the answer", "What stands before the question when the answer is asked.", order=44, max_length=200)
    rationale_prefix: str = field(
        "[rationale] ", "Words for the rationale", "What stands before the question when the rationale is asked.", order=45,
        max_length=200)
    style: Style = field(
        "last_line", "Form of the answer", "How rows of one text end: the rationale between think tags; “The answer is …”; after "
        "####; on the last line.", order=46)
    rationale_columns: str = field(
        COLUMNS, "Rationale columns", "Columns that may hold the rationale, separated by commas; the first that a row has "
        "counts.", order=47, max_length=500)


CARD = card(
    "kd-cot", Config,
    title="Step-by-step distillation", family="Distillation",
    papers=[Paper(title="Distilling Step-by-Step! Outperforming Larger Language Models with Less Training Data and Smaller "
                        "Model Sizes", authors="Hsieh et al.", year=2023, link="https://arxiv.org/abs/2305.02301")],
    summary="Teaches answers and, as a second task behind another prefix, the rationales that a larger model wrote for them. "
            "The rationales shape the model; it need not write them to answer.",
    formula=r"L = \alpha\,\mathrm{NLL}(a \mid \text{[label]}\, x) + (1-\alpha)\,\mathrm{NLL}(r \mid \text{[rationale]}\, x)",
    confidence="paper",
    left_out="The teacher does not write within the run: its rationales are in the data (sampled beforehand, or by kd-seq).",
    data=[DataNeed(role="train", kinds=[RecordKind.DEMONSTRATION, RecordKind.PROMPT_ANSWER],
                   help="Questions with a teacher's rationale and an answer, in columns or as one text."),
          DataNeed(role="eval", kinds=[RecordKind.DEMONSTRATION, RecordKind.PROMPT_ANSWER], required=False,
                   help="Held-out questions of the same form; the answer alone is asked.")],
    models=[ModelNeed(role="policy", help="The model that is trained: the student.")],
    presets=[
        Preset(name="default", title="Whole model", description="All weights, both tasks alike."),
        Preset(name="lora", title="LoRA", description="A small adapter on every linear layer.",
               config={"use_peft": True, "lora_r": 16, "lora_alpha": 32}),
        Preset(name="demo", title="Demo", description="Sums and their working, column by column, with the tiny model.",
               part="rationales",
               config={"learning_rate": 1e-3, "adam_beta2": 0.98, "per_device_train_batch_size": 32, "max_steps": 600,
                       "max_length": 96, "eval_steps": 150, "eval_limit": 128, "eval_max_new_tokens": 8}),
    ],
    metrics=[*supervised.METRICS, supervised.part_metric("label", "Loss of answers"),
             supervised.part_metric("rationale", "Loss of rationales")],
)


def compose(config: Config, setting: Setting) -> Composition:
    """As instruction fine-tuning on two tasks; a step's batch size counts rows, each of which is two samples."""
    return supervised.compose(config, setting, partial(render, config, setting), loss=partial(loss, config),
                              data={"eval": partial(render_label, config, setting)}, live={"alpha": config.alpha})


def render(config: Config, setting: Setting, record: Record, row: int) -> list[Sample]:
    """The question with its answer and the question with its rationale; nothing when they cannot be told apart.

    Raises DataFault for a row without a prompt.
    """
    return [one for task in ("label", "rationale") for one in _task(config, setting, record, row, task)]


def render_label(config: Config, setting: Setting, record: Record, row: int) -> list[Sample]:
    """The question with its answer alone: what the model is asked afterwards."""
    return _task(config, setting, record, row, "label")


def _task(config: Config, setting: Setting, record: Record, row: int, task: str) -> list[Sample]:
    worked = worked_of(record, columns_of(config.rationale_columns), config.style)
    if record.prompt is None:
        raise DataFault(f"Row {row + 1} has no prompt.", "Choose a data set of questions with rationales and answers.")
    if worked is None:
        return []
    words, target = ((config.label_prefix, worked.answer) if task == "label" else
                     (config.rationale_prefix, worked.rationale))
    asked = Record(prompt=extended(record.prompt, before=words), completion=target, tools=record.tools)
    made = supervised.finished(render_demonstration(setting.tokenizer, asked), config, row=row, record=asked)
    return [supervised.in_parts(sample, {name: sample.mask.float() * (name == task) for name in ("label", "rationale")})
            for sample in made]


def loss(config: Config, turn: Turn, batch: Batch, counts: Counts) -> Tensor:
    """α of the answers' mean and the rest of the rationales'; tells `loss/label` and `loss/rationale`."""
    terms = supervised.token_loss(supervised.told_scores(turn, batch).logprobs, loss_type=config.loss_type)
    alpha = turn.live["alpha"]
    shares: Mapping[str, float] = {"label": alpha, "rationale": 1 - alpha}
    return supervised.sum_of_parts(turn, batch, counts, dict.fromkeys(shares, terms), shares)

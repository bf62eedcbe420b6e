"""Retrieval-augmented fine-tuning: the model learns to answer from passages in its prompt, and to tell them from others.

Each question stands behind passages: with probability p those that answer it and some that do not, else only the others, so
that the model neither relies on a passage being there nor forgets what it knows. The answer alone is trained, as in
instruction fine-tuning, which this is where a row has no passage and none is added. Survey §1, §7 (RAFT, arXiv 2403.10131).

What a row's prompt looks like follows from the run's seed and the row alone: it is the same in every epoch.
"""

import random
from itertools import islice
from typing import Any

from workers.contract.catalogue import DataNeed, MetricInfo, ModelNeed, Paper, Preset
from workers.contract.records import Record, RecordKind
from workers.engine.card import card
from workers.engine.composition import Composition, Setting, Turn
from workers.engine.data.rendering import extended, render_demonstration
from workers.engine.data.rows import Rows
from workers.engine.data.worked_answers import columns_of, text_of_completion
from workers.engine.families import supervised
from workers.engine.faults import DataFault
from workers.engine.sample import Sample
from workers.engine.training.training_config import setting as field

KINDS = [RecordKind.DEMONSTRATION, RecordKind.PROMPT_ANSWER]


class Config(supervised.SupervisedConfig):
    """Adds the passages: where they stand, and which are shown."""

    documents_columns: str = field(
        "documents,passages,contexts,context", "Passage columns", "Columns that may hold a row's passages (a text, or a list of "
        "them), separated by commas; the first that a row has counts.", group="basic", order=43, max_length=500)
    gold_column: str = field(
        "gold", "Column of the right passages", "The place of the passage that answers (from 0), or a list of places; where a "
        "row has none, all its passages do.", order=44, max_length=200)
    keep_gold: float = field(
        0.8, "Share with the right passage", "Share of the rows that are shown the passages that answer; the others see only "
        "passages that do not.", group="basic", order=45, ge=0, le=1)
    distractors: int = field(
        2, "Other passages", "Passages of other rows that are added to a row's own.", group="basic", order=46, unit="passages",
        ge=0, le=64)


CARD = card(
    "rag-ft", Config,
    title="Retrieval-augmented fine-tuning", family="Supervised tuning",
    papers=[Paper(title="RAFT: Adapting Language Model to Domain Specific RAG", authors="Zhang et al.", year=2024,
                  link="https://arxiv.org/abs/2403.10131")],
    summary="Teaches the model to answer from passages in its prompt: most examples show the right passage among others, some "
            "only others, so that facts come from what is read and noise is told from it.",
    formula=r"L(\theta) = -\log \pi_\theta(a \mid d^* \text{ with probability } p,\; d_1, \dots, d_k,\; q)",
    confidence="paper",
    left_out="Retrieval itself: passages are in the data. Citations are not scored.",
    data=[DataNeed(role="train", kinds=KINDS, help="Questions with answers, and passages in a column of their own."),
          DataNeed(role="eval", kinds=KINDS, required=False,
                   help="Held-out questions of the same form, asked with the right passage and without it.")],
    models=[ModelNeed(role="policy", help="The model that is trained.")],
    presets=[
        Preset(name="default", title="Four of five with the passage", description="The right passage and two others, or only "
               "others."),
        Preset(name="lora", title="LoRA", description="A small adapter on every linear layer.",
               config={"use_peft": True, "lora_r": 16, "lora_alpha": 32}),
        Preset(name="demo", title="Demo", description="Sums whose working, column by column, is one of the passages.",
               part="rationales",
               config={"documents_columns": "rationale", "distractors": 1, "learning_rate": 1e-3, "adam_beta2": 0.98,
                       "per_device_train_batch_size": 32, "max_steps": 600, "max_length": 128, "eval_steps": 150,
                       "eval_limit": 128, "eval_max_new_tokens": 8}),
    ],
    metrics=[*supervised.METRICS,
             MetricInfo(name="documents", title="Passages shown", panel="Progress", unit="passages"),
             MetricInfo(name="eval/without_gold/exact_match", title="Held-out exact match without the passage",
                        panel="Evaluation", better="up", share_of="eval/samples",
                        help="What the model knows without the passage that answers.")],
)


def compose(config: Config, setting: Setting) -> Composition:
    """As instruction fine-tuning behind passages. Held-out rows are read with the right passages, and again without."""
    rows = {role: Rows(ref) for role, ref in setting.spec.datasets.items()}

    def gather(turn: Turn) -> list[Sample]:
        samples = supervised.next_samples(config, turn)
        for sample in samples:
            turn.tally.mean("documents", sample.scalars["documents"])
        return samples

    def measure(turn: Turn) -> dict[str, float]:
        shown = list(islice(turn.data["eval"].all(), config.eval_limit))
        hidden = [one for sample in shown for one in render(config, setting, rows["eval"], rows["eval"][sample.row], sample.row,
                                                            keep=False)]
        without = supervised.exact_match(supervised.greedy_answers(config, turn, hidden))
        return (supervised.likelihood_of(turn, shown) |
                {f"eval/without_gold/{name.removeprefix('eval/')}": value for name, value in without.items()
                 if name != "eval/samples"} |
                supervised.exact_match(supervised.greedy_answers(config, turn, shown)))

    return supervised.compose(
        config, setting, lambda record, row: render(config, setting, rows["train"], record, row), gather=gather, measure=measure,
        data={"eval": lambda record, row: render(config, setting, rows["eval"], record, row, keep=True)})


def render(config: Config, setting: Setting, rows: Rows, record: Record, row: int, *, keep: bool | None = None) -> list[Sample]:
    """The question behind its passages, and its answer; `keep` says whether the right ones are there (None: by p).

    Raises DataFault for a row without a question or an answer.
    """
    answer = record.answer if record.answer is not None else record.extra.get("answer", text_of_completion(record.completion))
    if record.prompt is None or answer is None:
        raise DataFault(f"Row {row + 1} has no question, or no answer.", "Choose a data set of questions with answers.")
    draw = random.Random(f"{setting.spec.seed} {row}")  # noqa: S311 - not a secret
    shown = passages(config, rows, record, row, draw, keep=draw.random() < config.keep_gold if keep is None else keep)
    before = "".join(f"[{place}] {text}\n" for place, text in enumerate(shown, 1))
    asked = Record(prompt=extended(record.prompt, before=before), completion=str(answer), tools=record.tools)
    samples = supervised.finished(render_demonstration(setting.tokenizer, asked), config, row=row, record=asked)
    for sample in samples:
        sample.scalars["documents"] = float(len(shown))
    return samples


def passages(config: Config, rows: Rows, record: Record, row: int, draw: random.Random, *, keep: bool) -> list[str]:
    """The row's right passages when `keep`, its others, and some of other rows, in drawn order; never the same twice."""
    own = documents_of(config, record)
    said = record.extra.get(config.gold_column)
    places = set(range(len(own))) if said is None else {int(place) for place in (said if isinstance(said, list) else [said])}
    right = [text for place, text in enumerate(own) if place in places]
    found = [text for place, text in enumerate(own) if place not in places]
    for _ in range(4 * config.distractors):
        if len(found) >= config.distractors + len(own) - len(right) or rows.count < 2:
            break
        other = documents_of(config, rows[draw.randrange(rows.count)])
        picked = draw.choice(other) if other else ""
        if picked and picked not in found and picked not in right:
            found.append(picked)
    shown = (right if keep else []) + found
    draw.shuffle(shown)
    return shown


def documents_of(config: Config, record: Record) -> list[str]:
    """The row's passages: of a list its texts (or what its objects hold as text), a text alone, or none."""
    value: Any = next((record.extra[name] for name in columns_of(config.documents_columns) if record.extra.get(name)), [])
    found = [str(one.get("text", "")) if isinstance(one, dict) else str(one)
             for one in (value if isinstance(value, list) else [value])]
    return [text for text in found if text.strip()]

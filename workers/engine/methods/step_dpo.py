"""Step-DPO: preferences between next steps of an answer that both sides share so far (arXiv 2406.18629).

A pair is two steps behind the same beginning, and DPO's logistic loss is taken over their tokens alone (see `next_steps` and
`direct_preference`). Pairs come from rows of preferences, whose answers are compared step by step, or from answers whose steps
are labelled and whose first wrong one has a correction. Survey §7, `step-dpo`.

It is DPO where every answer is one step, and where two answers differ in their last step alone: what they share cancels in
the difference of their log-ratios. Of answers that go on after the first step that differs, DPO blames all that follows.

At the edge: an answer without a wrong step, or whose wrong step has no correction, gives no pair, and so does a pair that
cannot be told apart (see `pairs`).
"""

from functools import partial

from workers.contract.catalogue import DataNeed, Paper, Preset
from workers.contract.records import Record, RecordKind
from workers.engine.card import card
from workers.engine.composition import Composition, Setting
from workers.engine.data import next_steps, pairs
from workers.engine.data.labelled_steps import Labels
from workers.engine.data.next_steps import NextSteps
from workers.engine.data.pairs import LeftOut
from workers.engine.families import direct_card, direct_config
from workers.engine.families import direct_preference as direct
from workers.engine.faults import DataFault
from workers.engine.sample import Sample
from workers.engine.training.training_config import setting as field

RIGHT = "without a wrong step"
UNCORRECTED = "whose wrong step has no correction"


class Config(direct_config.ReferencedConfig):
    separator: str = field(
        "\\n", "Step separator", "Stands between the steps and closes them; \\n is a line break.", group="basic", order=44,
        min_length=1, max_length=20)
    before_column: str = field(
        "", "Column of the shared steps", "Of preferences: the column with what both answers go on from, such as "
        "initial_reason_steps. Empty: what the answers begin with alike.", order=45, max_length=100)
    correction_column: str = field(
        "correction", "Column of the correction", "Of labelled steps: the column with what the first wrong step should be.",
        order=46, min_length=1, max_length=100)
    labels: Labels = field(
        "chances", "Labels", "Of labelled steps: chances that a step is right, from 0 (false) to 1 (true), or people's marks: "
        "−1 wrong, 0 neutral, 1 right, where neutral counts as right.", order=47)
    end_of_text: bool = field(
        True, "Learn the end", "A step that ends its answer is trained with the end of text, as DPO does. Off where the steps of "
        "the data only look as if they were the last.", order=48)


KINDS = [RecordKind.STEPWISE, RecordKind.PREFERENCE]
CARD = card(
    "step-dpo", Config, title="Step-wise preference optimisation", family="Preference optimisation",
    papers=[Paper(title="Step-DPO: Step-wise Preference Optimization for Long-chain Reasoning of LLMs", authors="Lai et al.",
                  year=2024, link="https://arxiv.org/abs/2406.18629")],
    summary="DPO on single steps of a solution: behind the same beginning the right next step is preferred to the first wrong "
            "one. What was right before an error is not unlearned with it.",
    formula=r"\mathcal{L} = -\log\sigma\!\left(\beta\log\frac{\pi_\theta(s_w\mid x, s_{<k})}{\pi_{ref}(s_w\mid x, s_{<k})}"
            r" - \beta\log\frac{\pi_\theta(s_l\mid x, s_{<k})}{\pi_{ref}(s_l\mid x, s_{<k})}\right)",
    confidence="knowledge", left_out="Finding the first error and writing its correction, which the paper has another model do.",
    data=[DataNeed(role="train", kinds=KINDS, help="Labelled steps with a correction, or pairs of answers in steps."),
          DataNeed(role="eval", kinds=KINDS, required=False, help="Held-out rows of the same kind.")],
    models=[direct_card.POLICY, direct_card.REFERENCE],
    presets=[
        *direct_card.presets("All weights; a frozen copy is the reference.",
                             "A small adapter; the model without it is the reference.", demo={"max_length": 48}),
        Preset(name="marks", title="Human marks", description="Steps marked −1, 0 or 1 by people.", config={"labels": "marks"}),
        Preset(name="math-step-dpo", title="Math-Step-DPO", description="The columns of the paper's own data; its steps do not "
              "end their answers.", config={"before_column": "initial_reason_steps", "end_of_text": False, "beta": 0.5}),
    ],
    metrics=direct_card.REFERENCED_METRICS,
)


def compose(config: Config, setting: Setting) -> Composition:
    """Raises ConfigFault for settings, pairs or a reference that do not fit."""
    return direct.compose(
        config, setting,
        direct.Objective("sigmoid", lambda beta: direct.referenced_options(config, beta), nll=config.rpo_alpha),
        read=partial(read, config, setting))


def read(config: Config, setting: Setting, record: Record, row: int, left_out: LeftOut) -> list[Sample]:
    """The two next steps of a row as a pair, or nothing. Raises DataFault for a row without what is to be compared."""
    found = next_pair(config, record, row, left_out)
    if found is None:
        return []
    if any(not step.strip() and not (last and config.end_of_text) for step, last in zip(found.steps, found.last, strict=True)):
        return left_out.add(pairs.EMPTY, row)
    sides = next_steps.render_steps(setting.tokenizer, record, found, end_of_text=config.end_of_text)
    return pairs.pair_of(sides, record, row, max_length=config.max_length, mode=config.truncation_mode, left_out=left_out)


def next_pair(config: Config, record: Record, row: int, left_out: LeftOut) -> NextSteps | None:
    """The row's two next steps behind what they share; None, and why in `left_out`, where it has none."""
    separator = config.separator.replace("\\n", "\n")
    if record.completions is not None:
        correction = record.extra.get(config.correction_column)
        known = isinstance(correction, str) and bool(correction.strip())
        found = next_steps.of_labels(record, row, config.labels, str(correction).strip() if known else "", separator)
        if found is None or not known:
            left_out.add(RIGHT if found is None else UNCORRECTED, row)
            return None
        return found
    if record.prompt is None or record.chosen is None or record.rejected is None:
        raise DataFault(f"Row {row + 1} is no preference: it lacks prompt, chosen or rejected.",
                        "Choose a data set of preferences or of labelled steps.")
    before = record.extra.get(config.before_column, "") if config.before_column else ""
    if not isinstance(before, str) or (config.before_column and config.before_column not in record.extra):
        raise DataFault(f"Row {row + 1} has no text in the column {config.before_column}.",
                        "Name the column that holds the steps before the pair in before_column, or leave it empty.")
    return next_steps.of_answers(next_steps.one_text(record.chosen, row), next_steps.one_text(record.rejected, row), before,
                                 separator)

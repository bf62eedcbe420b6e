"""Chain-of-thought fine-tuning: the target is a rationale and the answer it ends in, so that the model learns to write steps.

L = −Σ w·logp / Σ w over the completion's tokens, w = 1 on the rationale and `answer_weight` on the answer (with the end
token). With `answer_weight` 1 it is instruction fine-tuning on the same texts. Survey §4.3.

At the edge: a row whose answer cannot be told from its rationale is trained as rationale alone.
"""

from functools import partial
from itertools import islice

import torch
from torch import Tensor

from workers.contract.catalogue import DataNeed, MetricInfo, ModelNeed, Paper, Preset
from workers.contract.records import Record, RecordKind
from workers.engine.card import card
from workers.engine.composition import Composition, Setting, Turn
from workers.engine.data.rendering import Rendered, render_demonstration
from workers.engine.data.worked_answers import (
    COLUMNS,
    Style,
    Worked,
    columns_of,
    parse,
    tail_tokens,
    text_of_completion,
    worked_of,
)
from workers.engine.families import supervised
from workers.engine.faults import DataFault
from workers.engine.sample import Batch, Counts, Sample
from workers.engine.training.training_config import setting as field


class Config(supervised.SupervisedConfig):
    """Adds how rationale and answer are written, and how much the answer counts."""

    style: Style = field(
        "last_line", "Form of the answer", "`think`: the rationale between think tags; `answer_is`: “The answer is …”; `hash`: "
        "after ####; `last_line`: on the last line.", group="basic", order=43)
    answer_weight: float = field(
        1.0, "Weight of the answer", "How much a token of the answer counts beside one of the rationale.", group="basic",
        order=44, ge=0, le=100)
    rationale_columns: str = field(
        COLUMNS, "Rationale columns", "Columns that may hold the rationale, separated by commas; the first that a row has "
        "counts. Rows without one are read as one text.", order=46, max_length=500)


CARD = card(
    "sft-cot", Config,
    title="Chain-of-thought fine-tuning", family="Supervised tuning",
    papers=[Paper(title="Chain-of-Thought Prompting Elicits Reasoning in Large Language Models", authors="Wei et al.", year=2022,
                  link="https://arxiv.org/abs/2201.11903"),
            Paper(title="Large Language Models Are Reasoning Teachers", authors="Ho et al.", year=2022,
                  link="https://arxiv.org/abs/2212.10071")],
    summary="Teaches the model to write its steps before the answer: the target is a rationale followed by the answer, and the "
            "answer's tokens may count more than the rationale's.",
    formula=r"L(\theta) = -\frac{\sum_{t} w_t \log \pi_\theta(y_t \mid x, y_{<t})}{\sum_t w_t},\quad "
            r"w_t = w_a \text{ on the answer, } 1 \text{ on the rationale}",
    confidence="paper",
    data=[DataNeed(role="train", kinds=[RecordKind.DEMONSTRATION, RecordKind.PROMPT_ANSWER],
                   help="Questions with a rationale and an answer, in columns or as one text."),
          DataNeed(role="eval", kinds=[RecordKind.DEMONSTRATION, RecordKind.PROMPT_ANSWER], required=False,
                   help="Held-out questions.")],
    models=[ModelNeed(role="policy", help="The model that is trained.")],
    presets=[
        Preset(name="default", title="Whole model", description="All weights, every token alike."),
        Preset(name="lora", title="LoRA", description="A small adapter on every linear layer.",
               config={"use_peft": True, "lora_r": 16, "lora_alpha": 32}),
        Preset(name="think", title="Think tags", description="The rationale between tags, as reasoning models write it.",
               config={"style": "think"}),
        Preset(name="demo", title="Demo", description="Sums worked out column by column with the tiny model.",
               part="rationales",
               config={"learning_rate": 1e-3, "adam_beta2": 0.98, "per_device_train_batch_size": 32, "max_steps": 600,
                       "max_length": 96, "eval_steps": 150, "eval_limit": 128, "eval_max_new_tokens": 32}),
    ],
    metrics=[*supervised.METRICS,
             supervised.part_metric("rationale", "Loss of rationales"), supervised.part_metric("answer", "Loss of answers"),
             MetricInfo(name="eval/answer_parsed", title="Held-out answers that parse", panel="Evaluation", better="up",
                        share_of="eval/samples", help="Share of greedy texts that end in an answer as the form says.")],
)


def compose(config: Config, setting: Setting) -> Composition:
    """As instruction fine-tuning, with the answer's tokens weighed and measured apart."""
    return supervised.compose(config, setting, partial(render, config, setting), loss=partial(loss, config),
                              measure=partial(held_out_measures, config))


def render(config: Config, setting: Setting, record: Record, row: int) -> list[Sample]:
    """Prompt and worked answer; the parts are the channels `weights/rationale` and `weights/answer`.

    Raises DataFault for a row without a prompt, or with nothing to learn.
    """
    worked = worked_of(record, columns_of(config.rationale_columns), config.style)
    text = text_of_completion(record.completion) if worked is None else worked.text
    if record.prompt is None or text is None:
        raise DataFault(f"Row {row + 1} has no prompt, or neither a completion nor a rationale with its answer.",
                        "Name the column of the rationale in rationale_columns, or choose rows with completions.")
    asked = Record(prompt=record.prompt, completion=text, answer=None if worked is None else worked.answer, tools=record.tools)
    rendered = render_demonstration(setting.tokenizer, asked)
    found = []
    for one in rendered:
        for sample in supervised.finished([one], config, row=row, record=asked):
            off = len(one.ids) - len(sample) if config.truncation_mode == "keep_end" else 0
            found.append(_parted(sample, _answer_from(setting, one, worked) - off))
    return found


def _answer_from(setting: Setting, rendered: Rendered, worked: Worked | None) -> int:
    """The position from which on the trained tokens are the answer's; beyond the end where there is none."""
    if worked is None:
        return len(rendered.ids)
    places = [place for place, trained in enumerate(rendered.trained) if trained]
    count = tail_tokens(setting.tokenizer, [rendered.ids[place] for place in places], worked.text[worked.at:])
    return places[-count]


def _parted(sample: Sample, answered: int) -> Sample:
    answer = (torch.arange(len(sample)) >= answered).float()
    return supervised.in_parts(sample, {"rationale": 1 - answer, "answer": answer})


def loss(config: Config, turn: Turn, batch: Batch, counts: Counts) -> Tensor:
    """Σ w·term / Σ w over the step; tells `loss/rationale` and `loss/answer`."""
    terms = supervised.token_loss(supervised.told_scores(turn, batch).logprobs, loss_type=config.loss_type)
    weighed = {name: weight * counts.weights[f"weights/{name}"]
               for name, weight in (("rationale", 1.0), ("answer", config.answer_weight))}
    total = sum(weighed.values()) or 1.0
    return supervised.sum_of_parts(turn, batch, counts, dict.fromkeys(weighed, terms),
                                   {name: weight / total for name, weight in weighed.items()})


def held_out_measures(config: Config, turn: Turn) -> dict[str, float]:
    """The supervised measures, the answer parsed before it is compared, and the share of texts that parse."""
    samples = list(islice(turn.data["eval"].all(), config.eval_limit))
    answers = supervised.greedy_answers(config, turn, samples)
    parsed = [parse(text, config.style) for text, _ in answers]
    found = supervised.likelihood_of(turn, samples) | supervised.exact_match(
        [(text if worked is None else worked.answer, reference)
         for worked, (text, reference) in zip(parsed, answers, strict=True)])
    return found | ({"eval/answer_parsed": sum(worked is not None for worked in parsed) / len(parsed)} if parsed else {})

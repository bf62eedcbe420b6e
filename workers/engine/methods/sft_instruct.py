"""Instruction fine-tuning: maximum likelihood on the responses of (instruction, response) pairs.

L = −Σ m·logp / Σ m over the whole batch, m = 1 on response tokens and the end token. With m = 1 everywhere (plain
text) it is the language-model loss. Survey §4.1; see `supervised` for what it shares with the other methods.
"""

from workers.contract.catalogue import DataNeed, ModelNeed, Paper, Preset
from workers.contract.records import Record, RecordKind
from workers.engine.card import card
from workers.engine.composition import Composition, Setting
from workers.engine.data.rendering import render_taught
from workers.engine.families import supervised
from workers.engine.sample import Sample


class Config(supervised.SupervisedConfig):
    """Instruction fine-tuning has no field of its own."""


CARD = card(
    "sft-instruct", Config,
    title="Instruction fine-tuning", family="Supervised tuning",
    papers=[Paper(title="Finetuned Language Models Are Zero-Shot Learners", authors="Wei et al.", year=2021,
                  link="https://arxiv.org/abs/2109.01652")],
    summary="Teaches the model to answer as the examples do: it raises the probability of each response given its "
            "instruction. The prompt is read, never trained on. The base of every other method.",
    formula=r"L(\theta) = -\frac{\sum_{i,t} m_{i,t} \log \pi_\theta(y_{i,t} \mid x_i, y_{i,<t})}{\sum_{i,t} m_{i,t}}",
    confidence="code",
    data=[DataNeed(role="train", kinds=[RecordKind.DEMONSTRATION, RecordKind.CONVERSATION, RecordKind.TEXT],
                   help="Prompts with the answers to learn."),
          DataNeed(role="eval", kinds=[RecordKind.DEMONSTRATION, RecordKind.CONVERSATION, RecordKind.TEXT], required=False,
                   help="Held-out rows for loss and exact match.")],
    models=[ModelNeed(role="policy", help="The model that is trained.")],
    presets=[
        Preset(name="default", title="Whole model", description="All weights, learning rate by the model's size."),
        Preset(name="lora", title="LoRA", description="A small adapter on every linear layer.",
               config={"use_peft": True, "lora_r": 16, "lora_alpha": 32}),
        Preset(name="packed", title="Packed", description="For rows of very different lengths.",
               config={"packing": True, "per_device_train_batch_size": 4}),
        Preset(name="demo", title="Demo", description="Sums with the tiny model: a minute on two cores.",
               config={"learning_rate": 1e-3, "adam_beta2": 0.98, "per_device_train_batch_size": 32, "max_steps": 1000,
                       "max_length": 64, "eval_steps": 200, "eval_limit": 256, "eval_max_new_tokens": 8}),
    ],
    metrics=supervised.METRICS,
)


def compose(config: Config, setting: Setting) -> Composition:
    """Demonstrations, conversations (all assistant turns) or plain text, as the data set's kind says."""
    def render(record: Record, row: int) -> list[Sample]:
        return supervised.finished(render_taught(setting.tokenizer, record), config, row=row, record=record)

    return supervised.compose(config, setting, render)

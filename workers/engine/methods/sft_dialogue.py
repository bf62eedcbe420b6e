"""Multi-turn fine-tuning: the same loss on conversations, trained on what the assistant says and nothing else.

L = −Σ w·logp / Σ w, w the weight of the token's message under `weights` (1 where it has none), else 1.
The mask comes from the chat template (see `rendering`). On a one-turn chat it is instruction fine-tuning. Survey §4.2.
"""

from workers.contract.catalogue import DataNeed, MetricInfo, ModelNeed, Paper, Preset
from workers.contract.records import Message, Record, RecordKind
from workers.engine.card import card
from workers.engine.composition import Apply, Composition, Setting, Turn
from workers.engine.data.rendering import TrainOn, render_conversation
from workers.engine.families import supervised
from workers.engine.faults import DataFault
from workers.engine.sample import Sample
from workers.engine.training.training_config import setting as field


class Config(supervised.SupervisedConfig):
    """Adds which of the assistant's turns are trained."""

    per_device_train_batch_size: int = field(
        16, "Batch size per device", "Conversations computed at once. Halve it and double accumulation when memory runs out.",
        group="basic", order=20, unit="samples", ge=1, le=4096)
    train_on: TrainOn = field(
        "all_assistant", "Trained turns",
        "Every assistant turn, only the last one, or each as much as its weight in the data says.", group="basic", order=43)


CARD = card(
    "sft-dialogue", Config,
    title="Dialogue fine-tuning", family="Supervised tuning",
    papers=[Paper(title="Training language models to follow instructions with human feedback", authors="Ouyang et al.",
                  year=2022, link="https://arxiv.org/abs/2203.02155")],
    summary="Teaches the model to reply in context: whole conversations are read through the model's chat template and "
            "only the assistant's turns, with their end tokens, are trained.",
    formula=r"L(\theta) = -\frac{\sum_{t} m_t \log \pi_\theta(y_t \mid y_{<t})}{\sum_t m_t},\quad "
            r"m_t = 1 \text{ exactly on assistant turns}",
    confidence="code",
    data=[DataNeed(role="train", kinds=[RecordKind.CONVERSATION, RecordKind.DEMONSTRATION], help="Conversations."),
          DataNeed(role="eval", kinds=[RecordKind.CONVERSATION, RecordKind.DEMONSTRATION], required=False,
                   help="Held-out conversations.")],
    models=[ModelNeed(role="policy", help="The model that is trained; its tokenizer needs a chat template.")],
    presets=[
        Preset(name="default", title="Whole model", description="All weights, every assistant turn."),
        Preset(name="lora", title="LoRA", description="A small adapter on every linear layer.",
               config={"use_peft": True, "lora_r": 16, "lora_alpha": 32}),
        Preset(name="demo", title="Demo", description="Conversations about sums with the tiny model: two minutes on two cores.",
               config={"learning_rate": 1e-3, "adam_beta2": 0.98, "per_device_train_batch_size": 32, "max_steps": 600,
                       "max_length": 128, "eval_steps": 100, "eval_limit": 128, "eval_max_new_tokens": 8}),
    ],
    metrics=[*supervised.METRICS,
             MetricInfo(name="assistant_token_fraction", title="Trained share of tokens", panel="Progress",
                        help="Tokens of the assistant's turns among all tokens read.")],
)


def compose(config: Config, setting: Setting) -> Composition:
    """As instruction fine-tuning, with the turns chosen by `train_on` and the trained share of tokens logged."""
    def render(record: Record, row: int) -> list[Sample]:
        rendered = render_conversation(setting.tokenizer, _turns(record), train_on=config.train_on, tools=record.tools)
        return supervised.finished(rendered, config, row=row, record=record)

    base = supervised.compose(config, setting, render)
    read, fit = base.cycle
    return Composition(**{**vars(base), "cycle": (read, Apply("count", _count), fit)})


def _turns(record: Record) -> list[Message]:
    """The record's messages; a demonstration is a prompt whose assistant turns are not trained, then its completion."""
    if record.messages is not None:
        return record.messages
    if record.prompt is None or record.completion is None:
        raise DataFault("Dialogue fine-tuning reads conversations.", "Choose a data set of conversations.")
    prompt = [Message(role="user", content=record.prompt)] if isinstance(record.prompt, str) else record.prompt
    answer = [Message(role="assistant", content=record.completion)] if isinstance(record.completion, str) else record.completion
    return [*prompt, *answer]


def _count(turn: Turn) -> None:
    for sample in turn.stores["batch"]:
        turn.tally.mean("assistant_token_fraction", float(sample.mask.sum()) / len(sample), len(sample))

"""What the cards of preference losses share: curves, data, models, presets."""

from collections.abc import Mapping

from workers.contract.catalogue import DataNeed, MetricInfo, ModelNeed, Preset
from workers.contract.records import RecordKind
from workers.engine.data import pairs
from workers.engine.training.training_config import HELD_OUT_COUNT

METRICS = [
    MetricInfo(name="loss", title="Loss", panel="Loss", better="down", help="Mean over pairs."),
    MetricInfo(name="rewards/accuracies", title="Accuracy", panel="Accuracy", better="up",
               help="Share of pairs whose chosen answer has the higher implicit reward."),
    MetricInfo(name="rewards/margins", title="Margin", panel="Reward", better="up", help="Mean reward of chosen − rejected."),
    MetricInfo(name="rewards/chosen", title="Reward of chosen", panel="Reward", help="β·(log π − log π_ref)."),
    MetricInfo(name="rewards/rejected", title="Reward of rejected", panel="Reward"),
    MetricInfo(name="logps/chosen", title="Log-prob of chosen", panel="Log-probs", unit="nats",
               help="Of whole answers. When it falls together with that of rejected answers, both are being unlearned."),
    MetricInfo(name="logps/rejected", title="Log-prob of rejected", panel="Log-probs", unit="nats"),
    MetricInfo(name="entropy", title="Entropy", panel="Policy", unit="nats/token"),
    MetricInfo(name="eval/loss", title="Held-out loss", panel="Loss", better="down"),
    MetricInfo(name="eval/rewards/accuracies", title="Held-out accuracy", panel="Accuracy", better="up",
               share_of="eval/samples"),
    HELD_OUT_COUNT,
    MetricInfo(name="eval/rewards/margins", title="Held-out margin", panel="Reward", better="up"),
    MetricInfo(name="eval/rewards/chosen", title="Held-out reward of chosen", panel="Reward"),
    MetricInfo(name="eval/rewards/rejected", title="Held-out reward of rejected", panel="Reward"),
    MetricInfo(name="eval/logps/chosen", title="Held-out log-prob of chosen", panel="Log-probs", unit="nats"),
    MetricInfo(name="eval/logps/rejected", title="Held-out log-prob of rejected", panel="Log-probs", unit="nats"),
    *pairs.METRICS,
]
NLL_METRICS = [
    MetricInfo(name="nll_loss", title="Negative log-likelihood", panel="Loss", better="down",
               help="Of a token of the chosen answers."),
    MetricInfo(name="eval/nll_loss", title="Held-out negative log-likelihood", panel="Loss", better="down"),
]
WEIGHT_METRICS = [
    MetricInfo(name="wpo/weights", title="WPO weight", panel="Policy", help="Mean weight of a pair."),
    MetricInfo(name="eval/wpo/weights", title="Held-out WPO weight", panel="Policy"),
]
REFERENCED_METRICS = [
    *METRICS, *NLL_METRICS, *WEIGHT_METRICS,
    MetricInfo(name="ppl/kept_fraction", title="Kept by the perplexity filter", panel="Perplexity",
               help="Share of the pairs read."),
    MetricInfo(name="ppl/threshold", title="Perplexity threshold", panel="Perplexity"),
    MetricInfo(name="ppl/chosen", title="Perplexity of chosen", panel="Perplexity", help="Mean, under the reference."),
    MetricInfo(name="ppl/rejected", title="Perplexity of rejected", panel="Perplexity"),
]

DATA = [DataNeed(role="train", kinds=[RecordKind.PREFERENCE], help="Prompts with a chosen and a rejected answer."),
        DataNeed(role="eval", kinds=[RecordKind.PREFERENCE], required=False, help="Held-out pairs.")]
POLICY = ModelNeed(role="policy", help="The model that is trained, best one that was taught to answer first.")
REFERENCE = ModelNeed(role="reference", required=False,
                      help="What the policy is tied to. Left out, it is the model that the run starts from.")
DEMO_CONFIG = {"per_device_train_batch_size": 32, "max_steps": 60, "learning_rate": 1e-4, "lr_scheduler_type": "constant",
               "warmup_ratio": 0.0, "max_length": 32, "eval_steps": 10, "eval_limit": 256}


def presets(whole: str, lora: str, *, demo: Mapping[str, object] | None = None) -> list[Preset]:
    """`default`, `lora` and `demo` of a method of pairs."""
    return [Preset(name="default", title="Whole model", description=whole),
            Preset(name="lora", title="LoRA", description=lora, config={"use_peft": True, "lora_r": 16, "lora_alpha": 32}),
            Preset(name="demo", title="Demo", description="Sums with the tiny model: a minute on two cores.",
                   config=DEMO_CONFIG | dict(demo or {}))]

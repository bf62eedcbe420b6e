"""What plain policy gradient methods share: −A·log π over whole answers, and one update on each set of answers.

There is no ratio in the loss, so that a second update on the same answers would be biased: neither passes nor clip ranges
are fields here.
"""

from typing import ClassVar, Literal

from workers.contract.catalogue import Preset
from workers.engine.families.online_config import DEMO, OnlineConfig, ReductionName
from workers.engine.training.training_config import again


class PolicyGradientConfig(OnlineConfig):
    policy_loss: ClassVar[str] = "reinforce"  # type: ignore[misc]
    importance_sampling_level: ClassVar[Literal["token"]] = "token"  # type: ignore[misc]
    epsilon: ClassVar[float] = 0.2  # type: ignore[misc]
    epsilon_high: ClassVar[None] = None  # type: ignore[misc]
    delta: ClassVar[None] = None  # type: ignore[misc]
    weight_cap: ClassVar[float] = 5.0  # type: ignore[misc]
    num_iterations: ClassVar[int] = 1  # type: ignore[misc]
    updates_per_rollout: ClassVar[int] = 1  # type: ignore[misc]

    reduction: ReductionName = again(OnlineConfig, "reduction", "seq_mean_token_sum")


def demo(*without: str, **config: object) -> Preset:
    """The demo preset of every method that learns from its own answers, `config` in place of its settings, some left out."""
    kept = {name: value for name, value in (DEMO.config | config).items() if name not in without}
    return DEMO.model_copy(update={"config": kept})

"""DAPO: decoupled clip and dynamic sampling policy optimisation (arXiv 2503.14476): GRPO with five changes.

The clip lets rare tokens rise further than they may fall; groups whose answers all have the same reward, which teach nothing,
are drawn anew; every token weighs the same; there is no KL term; answers near the longest length lose reward by and by, or cut
answers are left out altogether (`mask_truncated_completions`), which makes their punishment moot.

At the edge: when the cap on batches is reached the step trains on the groups it has; when none teaches, it changes nothing. An
answer without a reward is not punished either. Of an epoch's prompts those drawn in place of others count as seen.
"""

from functools import partial

from workers.contract.catalogue import Paper, Preset
from workers.engine.card import card
from workers.engine.composition import Composition, Setting, Turn
from workers.engine.families import online
from workers.engine.families.online_config import DATA, DEMO, METRICS, POLICY, OnlineConfig
from workers.engine.rewards.length import Params, soft_overlong
from workers.engine.rollout.comparison import Extra
from workers.engine.sample import Sample
from workers.engine.training.training_config import again, setting


class Config(OnlineConfig):
    epsilon_high: float | None = again(OnlineConfig, "epsilon_high", 0.28)
    dynamic_sampling: bool = again(OnlineConfig, "dynamic_sampling", True)
    updates_per_rollout: int = again(
        OnlineConfig, "updates_per_rollout", 4, "Optimizer steps into which a pass is cut; the ratio moves within them.")
    overlong_share: float = setting(
        0.2, "Overlong share", "Over this last share of the maximum answer length the reward falls by 1 (soft overlong "
        "punishment); 0 punishes none.", order=121, ge=0, le=1)


CARD = card(
    "dapo", Config, title="Decoupled clip and dynamic sampling (DAPO)", family="Policy optimisation",
    papers=[Paper(title="DAPO: An Open-Source LLM Reinforcement Learning System at Scale", authors="Yu et al.", year=2025,
                  link="https://arxiv.org/abs/2503.14476")],
    summary="GRPO for long reasoning at scale: clips higher than lower, replaces prompts that are always or never answered "
            "rightly, weighs all tokens alike and punishes answers that run out of room.",
    formula=r"\mathcal{L} = -\frac1{\sum_i|y_i|}\sum_{i=1}^{G}\sum_t \min\!\left(\rho_{i,t}A_i,\;"
            r"\mathrm{clip}(\rho_{i,t},1-\varepsilon,1+\varepsilon_{high})A_i\right)\quad\text{s.t. } "
            r"0 < |\{i: y_i \text{ is right}\}| < G",
    confidence="code", data=DATA, models=[POLICY], needs_reward=True, metrics=METRICS,
    presets=[
        Preset(name="default", title="Default", description="The paper's clip range, dynamic sampling and soft punishment.",
               config={}),
        Preset(name="overlong_filtering", title="Overlong filtering", description="Cut answers are left out in place of "
               "punished.", config={"mask_truncated_completions": True, "overlong_share": 0}),
        DEMO.model_copy(update={"config": DEMO.config | {"beta": 0, "max_steps": 30, "max_generation_batches": 4}}),
    ],
)


def compose(config: Config, setting: Setting) -> Composition:
    """Raises ConfigFault when there is no reward, a term misses its column, or the settings contradict each other."""
    return online.composition(config, setting, extra=(Extra((), partial(punish, config)),) if config.overlong_share else ())


def punish(config: Config, turn: Turn, samples: list[Sample]) -> None:
    """Adds the soft overlong punishment, 0 to −1, to each reward; tells its mean as that of a term."""
    cache = max(1, round(config.overlong_share * config.max_completion_length))
    bounds = Params(limit=config.max_completion_length, cache=cache)
    for sample in samples:
        lost = soft_overlong(len(sample) - sample.prompt_length, bounds)
        turn.tally.mean("rewards/overlong/mean", lost)
        if sample.reward is not None:
            sample.reward += lost

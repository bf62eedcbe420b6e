"""GRPO with process supervision (arXiv 2402.03300, §4.1.3): every step of an answer is compared, not the answer alone.

The rewards of all steps of a group are normalised together, and a token's advantage is the sum of those of the steps that end
at it or later. What a step earned is said by a process reward model among the reward's terms, or by the reward of the answer's
beginnings. With one step an answer it is GRPO.

At the edge: equal step rewards have advantage 0; an answer that could not be scored takes no part; an answer without a
separator is one step.
"""

from typing import Literal

from workers.contract.catalogue import Paper, Preset
from workers.engine.card import card
from workers.engine.composition import Composition, Setting
from workers.engine.families import online
from workers.engine.families.online_config import (
    DATA,
    DEMO,
    METRICS,
    POLICY,
    AdvantageName,
    CreditName,
    OnlineConfig,
    ReductionName,
)
from workers.engine.training.training_config import again


class Config(OnlineConfig):
    credit: CreditName = again(OnlineConfig, "credit", "step_rewards")
    advantage: AdvantageName = again(OnlineConfig, "advantage", "process_normalised")
    reduction: ReductionName = again(OnlineConfig, "reduction", "seq_mean_token_mean")
    steps_from: Literal["term", "beginnings"] = again(OnlineConfig, "steps_from", "beginnings")


CARD = card(
    "grpo-process", Config, title="GRPO with process supervision", family="Policy optimisation",
    papers=[Paper(title="DeepSeekMath: Pushing the Limits of Mathematical Reasoning in Open Language Models",
                  authors="Shao et al.", year=2024, link="https://arxiv.org/abs/2402.03300")],
    summary="GRPO that looks inside answers: each step has its reward, and tokens are credited with the steps they lead to. "
            "For a process reward model, or any reward that can judge an answer's beginning.",
    formula=r"\mathcal{L} = \mathcal{L}_{GRPO},\quad A_{i,t} = \sum_{j:\,end_i(j)\ge t}"
            r"\frac{r_{i,j}-\mathrm{mean}(\mathbf r)}{\mathrm{std}(\mathbf r)+10^{-4}},\quad "
            r"\mathbf r = \text{the rewards of all steps of the group}",
    confidence="paper", data=DATA, models=[POLICY], needs_reward=True, metrics=METRICS,
    presets=[
        Preset(name="default", title="Default", description="A step is a line; it earns what it adds to the reward.", config={}),
        Preset(name="process_model", title="Process reward model", description="A process term of the reward values steps.",
               config={"steps_from": "term"}),
        DEMO.model_copy(update={"config": DEMO.config | {"step_separator": ""}}),
    ],
)


def compose(config: Config, setting: Setting) -> Composition:
    """Raises ConfigFault when there is no reward, a term misses its column, or the settings contradict each other."""
    return online.composition(config, setting)

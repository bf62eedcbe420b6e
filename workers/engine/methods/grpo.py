"""GRPO: group relative policy optimisation with outcome rewards (arXiv 2402.03300).

One turn: G answers to each of P prompts, scored by the reward pipeline; the advantage of an answer is its reward within
its group; the policy is fitted by the clipped surrogate, with a KL term to the reference in the loss or in the reward.
How answers are drawn, scored and shown is `online`'s; here stand the group's estimators and the loss.

At the edge: equal rewards in a group, a group of which one answer could be scored, and an answer without a reward have
advantage 0; an answer that is the end token alone has that one token; when every answer is cut and cut answers are left
out, the step changes nothing.
"""

from functools import partial
from typing import Literal

from torch import Tensor

from workers.contract.catalogue import Paper, Preset
from workers.engine import online
from workers.engine.advantages import estimator
from workers.engine.card import card
from workers.engine.composition import Composition, Setting, Turn
from workers.engine.online_config import DATA, DEMO, METRICS, POLICY, OnlineConfig
from workers.engine.reducers import Reduction
from workers.engine.sample import Batch, Counts, Sample
from workers.engine.training_config import setting

ESTIMATORS = {"group": "group_normalised", "batch": "batch_scaled", "none": "group_centred"}


class Config(OnlineConfig):
    importance_sampling_level: Literal["token", "sequence"] = setting(
        "token", "Ratio level", "One ratio per token, or one per answer (GSPO).", order=116)
    scale_rewards: Literal["group", "batch", "none"] = setting(
        "group", "Scale rewards by", "Deviation of the group, of the whole batch, or nothing (Dr. GRPO).", order=117)
    reduction: Literal["token_mean", "token_mean_local", "seq_mean_token_mean", "seq_mean_token_sum", "const"] = setting(
        "seq_mean_token_mean", "Loss average", "Over answers of their tokens' mean (GRPO), over all tokens (DAPO), or over "
        "a fixed length (Dr. GRPO: const).", order=118)


CARD = card(
    "grpo", Config, title="Group relative policy optimisation", family="Policy optimisation",
    papers=[Paper(title="DeepSeekMath: Pushing the Limits of Mathematical Reasoning in Open Language Models",
                  authors="Shao et al.", year=2024, link="https://arxiv.org/abs/2402.03300")],
    summary="Draws a group of answers to each prompt, scores them with verifiable rewards, and makes the better ones of each "
            "group likelier and the worse ones less likely, within a clip range. Needs no value model.",
    formula=r"\mathcal{L} = -\frac1G\sum_{i=1}^{G}\frac1{|y_i|}\sum_t \left[\min\!\left(\rho_{i,t}A_i,\;"
            r"\mathrm{clip}(\rho_{i,t},1-\varepsilon,1+\varepsilon_{high})A_i\right) - \beta\,k_3\right],\quad "
            r"A_i = \frac{R_i-\mathrm{mean}(R)}{\mathrm{std}(R)+10^{-4}}",
    confidence="code", left_out="Rewards for single steps (process supervision).",
    data=DATA, models=[POLICY], needs_reward=True, metrics=METRICS,
    presets=[
        Preset(name="default", title="Default", description="The paper's loss, on policy, without a KL term.", config={}),
        DEMO,
    ],
)


def compose(config: Config, setting: Setting) -> Composition:
    """Raises ConfigFault when there is no reward, a term misses its column, or the settings contradict each other."""
    return online.composition(config, setting, compare=partial(compare, config), loss=partial(loss, config))


def compare(config: Config, turn: Turn, samples: list[Sample]) -> None:
    """Gives every sample its advantages: reward on the last token, KL taken off each token if asked, then the group."""
    online.compare_groups(config, estimator(ESTIMATORS[config.scale_rewards]), turn, samples)


def loss(config: Config, turn: Turn, batch: Batch, counts: Counts) -> Tensor:
    """The reduced clipped surrogate of one micro-batch, with β·KL added where it is placed in the loss."""
    return online.surrogate(config, turn, batch, counts, level=config.importance_sampling_level,
                            reduction=Reduction(config.reduction)).loss

"""GRPO: group relative policy optimisation with outcome rewards (arXiv 2402.03300).

One turn: G answers to each of P prompts, scored by the reward pipeline; the advantage of an answer is its reward within
its group; the policy is fitted by the clipped surrogate, with a KL term to the reference in the loss or in the reward.
All of it is `online`'s; what makes it GRPO are the defaults.

At the edge: equal rewards in a group, a group of which one answer could be scored, and an answer without a reward have
advantage 0; an answer that is the end token alone has that one token; when every answer is cut and cut answers are left
out, the step changes nothing.
"""

from workers.contract.catalogue import Paper, Preset
from workers.engine.card import card
from workers.engine.composition import Composition, Setting
from workers.engine.families import online
from workers.engine.families.online_config import DATA, DEMO, METRICS, POLICY, OnlineConfig, ReductionName
from workers.engine.training.training_config import again


class Config(OnlineConfig):
    reduction: ReductionName = again(OnlineConfig, "reduction", "seq_mean_token_mean")


CARD = card(
    "grpo", Config, title="Group relative policy optimisation", family="Policy optimisation",
    papers=[Paper(title="DeepSeekMath: Pushing the Limits of Mathematical Reasoning in Open Language Models",
                  authors="Shao et al.", year=2024, link="https://arxiv.org/abs/2402.03300")],
    summary="Draws a group of answers to each prompt, scores them with verifiable rewards, and makes the better ones of each "
            "group likelier and the worse ones less likely, within a clip range. Needs no value model.",
    formula=r"\mathcal{L} = -\frac1G\sum_{i=1}^{G}\frac1{|y_i|}\sum_t \left[\min\!\left(\rho_{i,t}A_i,\;"
            r"\mathrm{clip}(\rho_{i,t},1-\varepsilon,1+\varepsilon_{high})A_i\right) - \beta\,k_3\right],\quad "
            r"A_i = \frac{R_i-\mathrm{mean}(R)}{\mathrm{std}(R)+10^{-4}}",
    confidence="code", data=DATA, models=[POLICY], needs_reward=True, metrics=METRICS,
    presets=[
        Preset(name="default", title="Default", description="The paper's loss, on policy, without a KL term.", config={}),
        Preset(name="one_behind", title="One step behind", description="Trains on the answers of the step before, weighed by "
               "truncated ratios.", config={"rollouts_behind": 1}),
        DEMO,
    ],
)


def compose(config: Config, setting: Setting) -> Composition:
    """Raises ConfigFault when there is no reward, a term misses its column, or the settings contradict each other."""
    return online.composition(config, setting)

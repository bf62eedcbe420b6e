"""Outcome reward model: the chance that a whole answer is right, fitted to answers marked right or wrong.

The scalar head's number at the last token that is not padding is the answer's log-odds; the loss is `reward_models.binary`, the
mean over answers. With `loss_on` every token the same label is fitted after each token of the answer too, the mean over an
answer's tokens (arXiv 2110.14168, token-level verifiers), and the score is still read at the last. Survey §3.1.3. The final
model is a sequence classifier with one label, whose σ is the chance.

`balance` weighs right and wrong answers alike over the whole training data, or within every prompt; then a prompt whose answers
are all right, or all wrong, says nothing and weighs 0. Weights have mean 1.

At the edge: an answer that is empty or too long is left out; of a pair the chosen answer is right and the other wrong.
"""

from functools import partial

from workers.contract.catalogue import MetricInfo, Paper, Preset
from workers.engine.card import card
from workers.engine.composition import Composition, Setting
from workers.engine.data.marked_answers import KINDS
from workers.engine.families import reward_training
from workers.engine.families.reward_training import Parts, held_out_only, metrics, needs
from workers.engine.modeling.reward_heads import declaration
from workers.engine.rollout import judged_answers
from workers.engine.rollout.judged_answers import Balanced, MarkedConfig


class Config(MarkedConfig):
    """The fields of every model that learns from marked answers."""


CARD = card(
    "rm-orm", Config, title="Outcome reward model", family="Reward modelling",
    papers=[Paper(title="Training Verifiers to Solve Math Word Problems", authors="Cobbe et al.", year=2021,
                  link="https://arxiv.org/abs/2110.14168"),
            Paper(title="Let's Verify Step by Step", authors="Lightman et al.", year=2023,
                  link="https://arxiv.org/abs/2305.20050")],
    summary="Learns the chance that an answer is right from answers marked right or wrong, such as solutions checked against a "
            "key. What results picks the best of many answers, or rewards other runs.",
    formula=r"\mathcal{L} = -\frac1N\sum_i\left[y_i\log\sigma(r_i) + (1-y_i)\log\sigma(-r_i)\right]",
    confidence="paper", left_out="The auxiliary language-modelling loss.",
    data=needs(KINDS, "Answers marked right or wrong; a pair is one of each."),
    models=reward_training.MODELS,
    presets=[
        Preset(name="default", title="Whole model", description="All weights; the loss on the last token."),
        Preset(name="every-token", title="Every token", description="The label after each token of the answer.",
               config={"loss_on": "every_token"}),
        reward_training.LORA,
        Preset(name="demo", title="Demo", description="Sums marked right or wrong with the tiny model.",
               config={"learning_rate": 1e-3, "per_device_train_batch_size": 64, "max_length": 64, "max_steps": 150,
                       "loss_on": "every_token", "eval_steps": 25, "eval_limit": 256}),
    ],
    metrics=metrics(
        "answers",
        [reward_training.ACCURACY,
         MetricInfo(name="frac_right", title="Share marked right", panel="Accuracy", help="What guessing alone would know.")],
        [held_out_only("auc", "Held-out AUC", "Chance that a right answer scores above a wrong one.")]),
)


def compose(config: Config, setting: Setting) -> Composition:
    """One trained role with a scalar head. Raises ConfigFault when answers may be longer than the model's context."""
    return reward_training.composition(config, setting, Parts(
        render=partial(judged_answers.render, config, setting), prepare=Balanced(config.balance).give,
        loss=partial(judged_answers.loss, config), measure=judged_answers.held_out_measures, report=judged_answers.report,
        declares=declaration("outcome"), best=("eval/auc", "up")))

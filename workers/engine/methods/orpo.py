"""ORPO: fine-tuning and preference in one step, by the odds of the chosen against the rejected answer (arXiv 2403.07691).

The chosen answers' negative log-likelihood plus β times `preference.odds_ratio`, without a reference (see
`direct_preference`). `form` plain is the survey's printed form, a logistic loss on the log-probs' difference alone: their sums
under the token weights `uniform`, their means under `length_mean`. Survey §3.2.1.

At the edge: an answer whose mean log-prob is 0 has no odds and counts as one in a million from certain. β = 0 is fine-tuning.
"""

from typing import Literal

from torch.nn import functional as F

from workers.contract.catalogue import MetricInfo, Paper
from workers.engine.card import card
from workers.engine.composition import Composition, Setting
from workers.engine.families import direct_card, direct_config
from workers.engine.families import direct_preference as direct
from workers.engine.preference import Answers, Options, odds_ratio
from workers.engine.training.tally import Tally
from workers.engine.training.training_config import setting as field


class Config(direct_config.DirectConfig):
    beta: float = field(0.1, "β (λ)", "Weight of the odds ratio beside the likelihood; 0 is fine-tuning.", group="basic",
                        order=43, live=True, ge=0, le=100)
    nll_on: Literal["response", "all"] = field(
        "response", "Likelihood of", "The chosen answers, or prompt and answer, as TRL has it.", order=44)
    form: Literal["odds", "plain"] = field(
        "odds", "Form", "The published loss, or the survey's: a logistic loss on log-probs alone, without the likelihood.",
        order=45)
    token_weighting: direct_config.TokenWeighting = field(
        "length_mean", "Token weights", "Odds are those of a mean token. Under `plain`: means or sums.", order=90)


CARD = card(
    "orpo", Config, title="Odds-ratio preference optimisation", family="Preference optimisation",
    papers=[Paper(title="ORPO: Monolithic Preference Optimization without Reference Model", authors="Hong et al.", year=2024,
                  link="https://arxiv.org/abs/2403.07691")],
    summary="Teaches the chosen answers and, in the same step, to prefer them to the rejected ones. Starts from a base model, "
            "needs neither a fine-tuned one nor a reference.",
    formula=r"\mathcal{L} = \mathrm{NLL}(y_w) - \beta\log\sigma\!\left(\log\frac{\mathrm{odds}(y_w)}{\mathrm{odds}(y_l)}\right),"
            r"\quad \mathrm{odds}(y) = \frac{p}{1-p},\; p = \pi_\theta(y\mid x)^{1/|y|}",
    confidence="code", data=direct_card.DATA, models=[direct_card.POLICY],
    presets=direct_card.presets("All weights.", "A small adapter."),
    metrics=[
        *direct_card.METRICS, *direct_card.NLL_METRICS, *direct_card.WEIGHT_METRICS,
        *(MetricInfo(name=f"{prefix}{name}", title=f"{held_out}{title}", panel="Odds", better="up", help=about)
          for prefix, held_out in (("", ""), ("eval/", "Held out: ")) for name, title, about in (
              ("log_odds_chosen", "Log odds ratio", "Mean over pairs."),
              ("log_odds_ratio", "Log σ of the log odds ratio", "The preference term is −β times this.")))],
)


def compose(config: Config, setting: Setting) -> Composition:
    """Raises ConfigFault for settings or pairs that do not fit."""
    if config.form == "plain":
        objective = direct.Objective("sigmoid", lambda beta: Options(1.0), referenced=False, tell=tell_odds)
    else:
        objective = direct.Objective("odds_ratio", Options, referenced=False, nll=1.0, nll_on=config.nll_on, tell=tell_odds)
    return direct.compose(config, setting, objective, at_7b=1e-6)


def tell_odds(tally: Tally, answers: Answers, options: Options) -> None:
    """`log_odds_chosen` and `log_odds_ratio`, by TRL's names."""
    found = odds_ratio.contrast(answers, options).detach()
    tally.mean("log_odds_chosen", found)
    tally.mean("log_odds_ratio", F.logsigmoid(found))

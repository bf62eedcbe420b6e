"""DPO: the policy is fitted to preferences directly, its log-ratio to a reference being the reward (arXiv 2305.18290).

One turn reads P pairs, finds the reference's log-probs of the answers (once for each pair, see `reference`) and takes one
step on the mean of `preference.<loss_type>` over the pairs (see `direct_preference`). The reference is the run's own model
where it names one; else the model the run starts from: the policy with its adapter off, or a frozen copy. Survey §3.2.6.

At the edge: a pair that cannot be told apart is left out (see `pairs`).
"""

from typing import Literal

from workers.contract.catalogue import MetricInfo, Paper, Preset
from workers.engine.card import card
from workers.engine.composition import Composition, Setting
from workers.engine.data import pair_facts
from workers.engine.data.pairs import SoftPairConfig
from workers.engine.families import direct_card, direct_config
from workers.engine.families import direct_preference as direct
from workers.engine.training.training_config import setting as field

LossType = Literal["sigmoid", "sigmoid_norm", "hinge", "ipo", "robust", "exo_pair", "nca_pair", "bco_pair", "sppo_hard", "aot",
                   "aot_unpaired", "apo_zero", "apo_down", "discopop", "rpo", "bfpo"]
FACTS = {"rpo": pair_facts.reward_gap, "bfpo": pair_facts.safety}


class Config(direct_config.ReferencedConfig, SoftPairConfig):
    loss_type: LossType = field(
        "sigmoid", "Loss", "DPO's logistic loss, or one of its family: hinge stops where a pair is clear, ipo and sppo aim at a "
        "set difference, robust and exo take labels for noisy, nca, bco and apo judge each answer by itself, aot compares "
        "the batch.",
        group="basic", order=44)
    label_smoothing: float = field(
        0.0, "Label smoothing", "Share of the preferences taken to be the wrong way round. Read by sigmoid (cDPO), sigmoid_norm, "
        "robust, exo_pair (1e-3 where 0), aot and aot_unpaired.", order=45, ge=0, lt=0.5)
    discopop_tau: float = field(0.05, "DiscoPOP τ", "How sharply discopop goes over from one loss to the other.", order=46, gt=0,
                                le=100)
    bco_running_mean: bool = field(
        False, "BCO running mean", "bco_pair compares rewards with the mean of all before, as its paper does; TRL with 0.",
        order=47)


CARD = card(
    "dpo", Config, title="Direct preference optimisation", family="Preference optimisation",
    papers=[Paper(title="Direct Preference Optimization: Your Language Model is Secretly a Reward Model",
                  authors="Rafailov et al.", year=2023, link="https://arxiv.org/abs/2305.18290"),
            Paper(title="A General Theoretical Paradigm to Understand Learning from Human Preferences",
                  authors="Azar et al.", year=2023, link="https://arxiv.org/abs/2310.12036"),
            Paper(title="Provably Robust DPO: Aligning Language Models with Noisy Feedback", authors="Chowdhury et al.",
                  year=2024, link="https://arxiv.org/abs/2403.00409"),
            Paper(title="Towards Efficient Exact Optimization of Language Model Alignment", authors="Ji et al.", year=2024,
                  link="https://arxiv.org/abs/2402.00856"),
            Paper(title="Noise Contrastive Alignment of Language Models with Explicit Rewards", authors="Chen et al.",
                  year=2024, link="https://arxiv.org/abs/2402.05369"),
            Paper(title="Binary Classifier Optimization for Large Language Model Alignment", authors="Jung et al.", year=2024,
                  link="https://arxiv.org/abs/2404.04656"),
            Paper(title="Self-Play Preference Optimization for Language Model Alignment", authors="Wu et al.", year=2024,
                  link="https://arxiv.org/abs/2405.00675"),
            Paper(title="Distributional Preference Alignment of LLMs via Optimal Transport", authors="Melnyk et al.",
                  year=2024, link="https://arxiv.org/abs/2406.05882"),
            Paper(title="Anchored Preference Optimization and Contrastive Revisions", authors="D'Oosterlinck et al.",
                  year=2024, link="https://arxiv.org/abs/2408.06266"),
            Paper(title="Discovering Preference Optimization Algorithms with and for Large Language Models",
                  authors="Lu et al.", year=2024, link="https://arxiv.org/abs/2406.08414"),
            Paper(title="Beyond Reverse KL: Generalizing Direct Preference Optimization with Diverse Divergence Constraints",
                  authors="Wang et al.", year=2023, link="https://arxiv.org/abs/2309.16240"),
            Paper(title="WPO: Enhancing RLHF with Weighted Preference Optimization", authors="Zhou et al.", year=2024,
                  link="https://arxiv.org/abs/2406.11827"),
            Paper(title="Length Desensitization in Direct Preference Optimization", authors="Liu et al.", year=2024,
                  link="https://arxiv.org/abs/2409.06411"),
            Paper(title="Learn Your Reference Model for Real Good Alignment", authors="Gorbatovski et al.", year=2024,
                  link="https://arxiv.org/abs/2404.09656")],
    summary="Learns from pairs of answers without a reward model and without sampling: preferred answers become likelier, "
            "the others less likely, relative to the model it began from.",
    formula=r"\mathcal{L} = -\log\sigma\!\left(\beta\log\frac{\pi_\theta(y_w\mid x)}{\pi_{ref}(y_w\mid x)}"
            r" - \beta\log\frac{\pi_\theta(y_l\mid x)}{\pi_{ref}(y_l\mid x)}\right)",
    confidence="code", data=direct_card.DATA, models=[direct_card.POLICY, direct_card.REFERENCE],
    presets=[
        *direct_card.presets("All weights; a frozen copy is the reference.",
                        "A small adapter; the model without it is the reference."),
        Preset(name="ipo", title="IPO", description="For labels that are surer than they should be.",
               config={"loss_type": "ipo"}),
        Preset(name="hinge", title="Hinge (SLiC)", description="Nothing more to gain where a pair is clear.",
               config={"loss_type": "hinge"}),
        Preset(name="cdpo", title="cDPO", description="One label of ten taken to be flipped.", config={"label_smoothing": 0.1}),
        Preset(name="soft-labels", title="Soft labels", description="For pairs with a judge's chance that the chosen answer is "
               "better.", config={"soft_label_column": "chosen_chance"}),
        Preset(name="robust", title="Robust DPO", description="Unbiased when one label of ten is flipped at random.",
               config={"loss_type": "robust", "label_smoothing": 0.1}),
        Preset(name="exo", title="EXO", description="The reverse divergence from the policy's preference to the labels'.",
               config={"loss_type": "exo_pair", "label_smoothing": 1e-3}),
        Preset(name="nca", title="NCA", description="Keeps the chosen answers' likelihood from falling.",
               config={"loss_type": "nca_pair", "beta": 0.01}),
        Preset(name="bco", title="BCO", description="A classifier of good and bad answers with a running mean between them.",
               config={"loss_type": "bco_pair", "bco_running_mean": True}),
        Preset(name="sppo", title="SPPO", description="Both answers are drawn to a set distance from the reference.",
               config={"loss_type": "sppo_hard", "beta": 0.01}),
        Preset(name="aot", title="AOT", description="Compares the batch's preferences as a distribution.",
               config={"loss_type": "aot", "per_device_train_batch_size": 16}),
        Preset(name="aot-unpaired", title="AOT, unpaired", description="All chosen against all rejected answers, by rank.",
               config={"loss_type": "aot_unpaired", "per_device_train_batch_size": 16}),
        Preset(name="apo-zero", title="APO zero", description="For chosen answers better than the model's own.",
               config={"loss_type": "apo_zero"}),
        Preset(name="apo-down", title="APO down", description="For chosen answers worse than the model's own.",
               config={"loss_type": "apo_down"}),
        Preset(name="discopop", title="DiscoPOP", description="A loss found by a search.", config={"loss_type": "discopop"}),
        Preset(name="length-normalised", title="Length-normalised DPO", description="Log-ratios for each token, as in Tülu 3.",
               config={"loss_type": "sigmoid_norm", "beta": 5.0}),
        Preset(name="rpo-term", title="DPO with likelihood term", description="Adds the chosen answers' likelihood.",
               config={"rpo_alpha": 1.0}),
        Preset(name="wpo", title="WPO", description="Pairs that the policy would hardly write count little.",
               config={"use_weighting": True}),
        Preset(name="ld-dpo", title="LD-DPO", description="What the longer answer has more counts half.",
               config={"token_weighting": "ld", "ld_alpha": 0.5}),
        Preset(name="tr-dpo", title="TR-DPO", description="The reference follows the policy every 512 steps.",
               config={"sync_ref_model": True}),
        Preset(name="dpo-ppl-filter", title="Perplexity filter", description="Leaves out pairs less likely than 95 of 100 of the "
               "reference's own answers.",
               config={"perplexity_percentile": 95.0}),
    ],
    metrics=[*direct_card.REFERENCED_METRICS,
             MetricInfo(name="bco/baseline", title="BCO running mean", panel="Reward", help="δ, of all rewards so far.")],
)


def compose(config: Config, setting: Setting) -> Composition:
    """Raises ConfigFault for settings, pairs or a reference that do not fit."""
    return direct.compose(config, setting, direct.Objective(
        config.loss_type, lambda beta: direct.referenced_options(config, beta, label_smoothing=config.label_smoothing,
                                                                 tau=config.discopop_tau),
        nll=config.rpo_alpha, facts=FACTS.get(config.loss_type),
        running_baseline=config.loss_type == "bco_pair" and config.bco_running_mean))

"""What the form of every method that learns from its own answers shares, and the curves that all of them draw.

A method's file declares its own fields after these, and those again whose default differs.
"""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, get_args

from workers.contract.catalogue import DataNeed, MetricInfo, ModelNeed, Preset
from workers.contract.records import RecordKind
from workers.engine.members import one_of
from workers.engine.training.training_config import HELD_OUT_COUNT, TrainingConfig, setting

AdvantageName = Annotated[str, one_of("workers.engine.advantages")]
CreditName = Annotated[str, one_of("workers.engine.credit")]
PolicyLossName = Annotated[str, one_of("workers.engine.policy_losses")]
FULL = "full"
"""The KL over the whole vocabulary, which is no estimate from sampled tokens and so no member of the regularisers."""

KlName = Annotated[str, one_of("workers.engine.regularisers", FULL)]
CorrectionName = Literal["auto", "none", "token_truncate", "token_mask", "sequence_truncate", "sequence_mask"]
LevelName = Literal["token", "sequence", "answer"]
When = dict[str, Sequence[Any]]
CORRECTED: When = {"importance_correction": [name for name in get_args(CorrectionName) if name != "none"]}
MOVING: When = {"sync_ref_model": [True]}
STEERED: When = {"use_adaptive_entropy": [True]}
REDRAWN: When = {"dynamic_sampling": [True]}
ReductionName = Literal["token_mean", "token_mean_local", "seq_mean_token_mean", "seq_mean_token_sum", "const"]


class OnlineConfig(TrainingConfig):
    # A mini-batch is cut into micro-batches of `per_device_train_batch_size` by itself.
    gradient_accumulation_steps: ClassVar[int] = 1  # type: ignore[misc]

    prompts_per_step: int = setting(
        16, "Prompts per step", "Different prompts answered in each step.", group="basic", order=15, unit="prompts",
        ge=1, le=65_536)
    num_generations: int = setting(
        8, "Answers per prompt", "Answers drawn for each prompt: the group within which they are compared.",
        group="basic", order=16, unit="answers", ge=2, le=1024)
    per_device_train_batch_size: int = setting(
        128, "Batch size per device", "Answers trained at once. Halve it when memory runs out; results do not change.",
        group="advanced", order=20, unit="answers", ge=1, le=65_536)
    max_completion_length: int = setting(
        256, "Maximum answer length", "Tokens after which an answer is cut.", group="basic", order=41, unit="tokens",
        ge=1, le=131_072)
    temperature: float = setting(
        1.0, "Temperature", "How freely answers are drawn; log-probs are taken at the same temperature.",
        group="basic", order=17, live=True, gt=0, le=10)
    beta: float = setting(
        0.0, "KL coefficient β", "Weight of the divergence to the starting model. 0 does not run the reference at all.",
        group="basic", order=18, live=True, ge=0, le=100)
    kl_estimator: KlName = setting(
        "k3", "KL estimator", "k3 as in the paper; k2 and k3_plus have the divergence's own gradient; k1 has none as a loss; "
        "full sums over the vocabulary, exactly, at the price of the reference's part in every pass.", order=111)
    kl_in: Literal["loss", "reward"] = setting(
        "loss", "KL placed in", "Added to the loss, as in GRPO, or taken from each token's reward, as in PPO and RLOO.",
        order=111)
    credit: CreditName = setting(
        "last_token", "Credit", "Where in an answer its reward is placed; a comparison of whole answers sees the sum.", order=106)
    advantage: AdvantageName = setting(
        "group_normalised", "Advantage", "How answers are compared: within their group, over the batch, with or without scale.",
        order=107)
    policy_loss: PolicyLossName = setting(
        "clipped", "Policy loss", "What is made of advantages and ratios; clipped is that of PPO and GRPO.", order=108)
    importance_sampling_level: LevelName = setting(
        "token", "Ratio level", "One ratio per token; per answer, as the mean of its tokens' logarithms (GSPO); or per answer as "
        "one action, as their sum (RLOO).", order=109)
    reduction: ReductionName = setting(
        "token_mean", "Loss average", "Over all tokens; over answers of their tokens' mean (GRPO) or sum (REINFORCE); or over a "
        "fixed length (Dr. GRPO: const).", order=110)
    steps_from: Literal["term", "beginnings"] = setting(
        "term", "Steps valued by", "For credit by steps: a reward term that values them, or the reward of the answer's "
        "beginnings: a step earns what it adds.", order=107)
    step_separator: str = setting(
        "\\n", "Step separator", "What ends a step where beginnings are scored; \\n stands for a line break, empty makes every "
        "token a step.", order=107, when={"steps_from": ["beginnings"]}, max_length=20)
    center_by_steps: bool = setting(
        False, "Centre by steps", "Takes off a group's mean over all its steps, so that longer answers do not collect more.",
        order=107)
    sync_ref_model: bool = setting(
        False, "Moving reference", "Let the reference follow the policy; whole-model training only. Checkpoints then keep the "
        "reference too.", order=111)
    ref_model_mixup_alpha: float = setting(
        0.6, "Reference mixture α", "The policy's share in each synchronisation; 1 replaces the reference.",
        order=112, when=MOVING, gt=0, le=1)
    ref_model_sync_steps: int = setting(
        512, "Synchronise every", "Steps between synchronisations.", order=112, when=MOVING, unit="steps", ge=1, le=10_000_000)
    epsilon: float = setting(
        0.2, "Clip range ε", "How far the ratio may fall below 1, and rise above it, before its gradient is cut.", order=113,
        gt=0, lt=1)
    epsilon_high: float | None = setting(
        None, "Upper clip range", "How far the ratio may rise above 1; empty is ε. DAPO sets 0.28.", order=114, gt=0, le=10)
    delta: float | None = setting(
        None, "Ratio cap δ", "Largest ratio that counts where the advantage is negative; empty sets none. Above 1 + ε.",
        order=115, gt=1, le=1000)
    weight_cap: float = setting(
        5.0, "Weight cap", "Largest ratio that weighs a token in losses whose weight has no gradient (CISPO).", order=116, gt=0,
        le=1000)
    entropy_coef: float = setting(
        0.0, "Entropy bonus", "Weight of the policy's mean entropy, which the loss is lowered by: keeps it from settling early.",
        order=117, live=True, ge=0, le=10)
    use_adaptive_entropy: bool = setting(
        False, "Adaptive entropy bonus", "Raises the bonus step by step while the entropy is below its target, and lowers it "
        "above, where it is not applied.", order=117)
    entropy_target: float = setting(
        0.2, "Entropy target", "Mean entropy of a token below which the adaptive bonus works.",
        order=118, when=STEERED, unit="nats", ge=0, le=20)
    entropy_coef_delta: float = setting(
        0.005, "Entropy bonus step", "By how much the adaptive bonus's weight moves each step.",
        order=118, when=STEERED, gt=0, le=1)
    entropy_coef_max: float = setting(
        1.0, "Largest entropy bonus", "Where the adaptive bonus's weight stops rising.", order=118, when=STEERED, gt=0, le=10)
    top_entropy_quantile: float = setting(
        1.0, "Share of tokens trained", "Only this share of a micro-batch's tokens, those of highest entropy, has a policy loss: "
        "where answers fork. 0.2 is usual, 1 takes all.", order=118, gt=0, le=1)
    rollouts_behind: Literal[0, 1] = setting(
        0, "Answers behind", "1 trains each step on answers that the policy of the step before wrote, as asynchronous rollouts "
        "do, weighed by truncated ratios.", order=127)
    importance_correction: CorrectionName = setting(
        "auto", "Sampler correction", "Weighs tokens or answers by how likely the trained policy had them against the one that "
        "wrote them: bounded by the cap, or left out above it. auto corrects when answers are behind.", order=128)
    importance_cap: float = setting(
        3.0, "Correction cap", "Largest weight of the sampler correction.", order=129, when=CORRECTED, gt=0, le=1000)
    dynamic_sampling: bool = setting(
        False, "Dynamic sampling", "Draws further prompts in place of those whose answers all have the same reward, which teach "
        "nothing (DAPO).", order=125)
    max_generation_batches: int = setting(
        10, "Batches drawn at most", "Where dynamic sampling gives up and trains on what it has.",
        order=125, when=REDRAWN, unit="batches", ge=1, le=1000)
    num_iterations: int = setting(
        1, "Passes over the answers", "Times each set of answers is trained on; above 1 the ratio moves away from 1.", order=119,
        ge=1, le=64)
    updates_per_rollout: int = setting(
        1, "Updates per pass", "Optimizer steps into which a pass is cut; groups stay whole.", order=120, ge=1, le=1024)
    mask_truncated_completions: bool = setting(
        False, "Leave out cut answers", "Answers that reached the maximum length are not trained on.", order=121)
    top_p: float = setting(1.0, "Top p", "Draw from the smallest set of tokens with this mass.", order=122, gt=0, le=1)
    top_k: int = setting(0, "Top k", "Draw from this many best tokens; 0 takes all.", order=123, ge=0, le=1_000_000)
    min_p: float = setting(0.0, "Min p", "Leave out tokens less likely than this share of the best.", order=124, ge=0, le=1)
    rollout_rows: int = setting(
        1024, "Answers written at once", "Rows of the generating batch; fewer need less memory.", order=125, unit="answers",
        ge=1, le=65_536)
    rollout_steps: int = setting(
        5, "Show answers every", "Steps between answers shown on the page; 0 only when asked.", order=126, unit="steps", ge=0)
    rollout_prompts: int = setting(
        4, "Prompts shown", "Groups shown each time, with every token's numbers.", order=127, unit="prompts", ge=1, le=64)


METRICS = [
    MetricInfo(name="reward", title="Reward", panel="Reward", better="up", help="Mean over the step's answers."),
    MetricInfo(name="reward_std", title="Reward deviation", panel="Reward", help="Mean deviation within a group."),
    MetricInfo(name="rewards/{term}/mean", title="Reward of a term", panel="Reward", better="up"),
    MetricInfo(name="rewards/{term}/std", title="Deviation of a term", panel="Reward"),
    MetricInfo(name="rewards/{term}/transformed", title="Transformed reward of a term", panel="Reward"),
    MetricInfo(name="rewards/{term}/open", title="Share that passed a gate", panel="Reward", better="up"),
    MetricInfo(name="rewards/{term}/broken", title="Broken values of a term", panel="Reward", better="down",
               help="Share of answers for which the term gave no finite number."),
    MetricInfo(name="rewards/{term}/steps", title="Steps of an answer", panel="Reward", unit="steps",
               help="Of terms that read answers step by step."),
    MetricInfo(name="rewards/{term}/ensemble_std", title="Disagreement of an ensemble", panel="Reward", better="down",
               help="Mean deviation of the heads' scores of an answer; it rises as answers leave what the heads have seen."),
    MetricInfo(name="frac_reward_zero_std", title="Groups that teach nothing", panel="Reward", better="down",
               help="Share of groups whose answers all have the same reward."),
    MetricInfo(name="eval/exact_match", title="Held-out exact match", panel="Evaluation", better="up",
               share_of="eval/samples"),
    HELD_OUT_COUNT,
    MetricInfo(name="eval/reward", title="Held-out reward", panel="Evaluation", better="up"),
    MetricInfo(name="kl", title="KL to the reference", panel="KL", unit="nats/token"),
    MetricInfo(name="objective/kl", title="KL of a whole answer", panel="KL", unit="nats",
               help="Mean over answers of the sum of log π − log π_ref."),
    MetricInfo(name="entropy", title="Entropy", panel="Policy", unit="nats/token"),
    MetricInfo(name="entropy_coef", title="Entropy bonus", panel="Policy", help="Weight of the bonus, where it is steered."),
    MetricInfo(name="policy_loss", title="Policy loss", panel="Loss"),
    MetricInfo(name="loss", title="Loss", panel="Loss"),
    MetricInfo(name="grad_norm", title="Gradient norm", panel="Optimizer"),
    MetricInfo(name="learning_rate", title="Learning rate", panel="Optimizer"),
    MetricInfo(name="clip_ratio/low_mean", title="Clipped below", panel="Policy", better="down"),
    MetricInfo(name="clip_ratio/high_mean", title="Clipped above", panel="Policy", better="down"),
    MetricInfo(name="clip_ratio/region_mean", title="Clipped", panel="Policy", better="down"),
    MetricInfo(name="clip_ratio/low_min", title="Clipped below, least", panel="Policy"),
    MetricInfo(name="clip_ratio/high_max", title="Clipped above, most", panel="Policy"),
    MetricInfo(name="completions/mean_length", title="Answer length", panel="Answers", unit="tokens"),
    MetricInfo(name="completions/min_length", title="Shortest answer", panel="Answers", unit="tokens"),
    MetricInfo(name="completions/max_length", title="Longest answer", panel="Answers", unit="tokens"),
    MetricInfo(name="completions/mean_terminated_length", title="Length of ended answers", panel="Answers", unit="tokens"),
    MetricInfo(name="completions/clipped_ratio", title="Answers cut", panel="Answers", better="down"),
    MetricInfo(name="steps/count", title="Steps of an answer", panel="Answers", unit="steps"),
    MetricInfo(name="steps/reward", title="Reward of a step", panel="Reward", better="up"),
    MetricInfo(name="num_gen_batches", title="Batches drawn", panel="Answers",
               help="How many it took to have enough groups that teach."),
    MetricInfo(name="frac_groups_kept", title="Groups kept", panel="Answers", better="up",
               help="Share of the drawn groups whose rewards differ."),
    MetricInfo(name="sampling/importance_sampling_ratio/mean", title="Sampler correction", panel="Off policy",
               help="Mean weight of a token; 1 where sampler and trainer agree."),
    MetricInfo(name="sampling/importance_sampling_ratio/max", title="Sampler correction, largest", panel="Off policy"),
    MetricInfo(name="sampling/sampling_logp_difference/mean", title="Gap to the sampler", panel="Off policy", unit="nats/token"),
    MetricInfo(name="num_tokens", title="Trained tokens", panel="Progress", unit="tokens"),
    MetricInfo(name="epoch", title="Epoch", panel="Progress"),
    MetricInfo(name="step_time", title="Step time", panel="Progress", unit="seconds", better="down"),
]

SOMETIMES = frozenset(info.name for info in METRICS if info.panel == "Off policy") | {
    "entropy_coef", "steps/count", "steps/reward", "num_gen_batches", "frac_groups_kept", "completions/mean_terminated_length"}
"""Curves that a run has only where its config or its answers give reason to."""

DATA = [
    DataNeed(role="train", kinds=[RecordKind.PROMPT_ANSWER, RecordKind.DEMONSTRATION, RecordKind.PROMPT],
             help="Prompts with reference answers; of a demonstration the completion is the reference."),
    DataNeed(role="eval", kinds=[RecordKind.PROMPT_ANSWER, RecordKind.DEMONSTRATION, RecordKind.PROMPT], required=False,
             help="Held-out prompts, answered greedily."),
]
POLICY = ModelNeed(role="policy", help="The model that is trained, best one that already answers in the right form.")
DEMO = Preset(
    name="demo", title="Demo", description="Two-digit sums with the tiny model, about a minute on two cores.",
    config={"learning_rate": 5e-5, "prompts_per_step": 64, "num_generations": 16, "max_completion_length": 8,
            "per_device_train_batch_size": 1024, "max_steps": 60, "lr_scheduler_type": "constant", "warmup_ratio": 0.0,
            "eval_steps": 10, "eval_limit": 256, "eval_max_new_tokens": 8, "beta": 0.01})

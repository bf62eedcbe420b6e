"""GRPO: group relative policy optimisation with outcome rewards (arXiv 2402.03300).

One turn: G answers to each of P prompts, scored by the reward pipeline; the advantage of an answer is its reward within
its group; the policy is fitted by the clipped surrogate, with a KL term to the reference in the loss or in the reward.
Reads top to bottom: what can be set, what the catalogue says, how it is composed, then each phase.

At the edge: equal rewards in a group, a group of which one answer could be scored, and an answer without a reward have
advantage 0; an answer that is the end token alone has that one token; when every answer is cut and cut answers are left
out, the step changes nothing.

Legend: B answers of a batch, T tokens.
"""

from functools import partial
from itertools import groupby
from typing import ClassVar, Literal

import torch
from torch import Tensor

from workers.contract.catalogue import DataNeed, MetricInfo, ModelNeed, Paper, Preset
from workers.contract.records import Record, RecordKind
from workers.engine import online
from workers.engine.advantages import estimator
from workers.engine.card import card
from workers.engine.composition import Apply, Collect, Composition, Evaluation, Fit, Role, Setting, Turn
from workers.engine.credit import last_token, with_kl_penalty
from workers.engine.faults import ConfigFault
from workers.engine.policy_losses import PolicyTerms, clipped
from workers.engine.reducers import Reduction, reduce
from workers.engine.regularisers import divergence
from workers.engine.regularisers import k1 as log_ratio
from workers.engine.reward_pipeline import Pipeline
from workers.engine.rollout_events import rollout_event
from workers.engine.sample import Batch, Counts, Sample, batch_of
from workers.engine.sampler.greedy_match import end_ids_of, reference_of
from workers.engine.sampler.grouped import generate
from workers.engine.training_config import TrainingConfig, chosen_learning_rate, setting

ESTIMATORS = {"group": "group_normalised", "batch": "batch_scaled", "none": "group_centred"}


class Config(TrainingConfig):
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
    kl_estimator: Literal["k1", "k2", "k3", "k3_plus"] = setting(
        "k3", "KL estimator", "k3 as in the paper; k2 and k3_plus have the divergence's own gradient; k1 has none as a loss.",
        order=111)
    kl_in: Literal["loss", "reward"] = setting(
        "loss", "KL placed in", "Added to the loss, as in GRPO, or taken from each token's reward, as in PPO and RLOO.",
        order=112)
    epsilon: float = setting(
        0.2, "Clip range ε", "How far the ratio may fall below 1, and rise above it, before its gradient is cut.", order=113,
        gt=0, lt=1)
    epsilon_high: float | None = setting(
        None, "Upper clip range", "How far the ratio may rise above 1; empty is ε. DAPO sets 0.28.", order=114, gt=0, le=10)
    delta: float | None = setting(
        None, "Ratio cap δ", "Largest ratio that counts where the advantage is negative; empty sets none. Above 1 + ε.",
        order=115, gt=1, le=1000)
    importance_sampling_level: Literal["token", "sequence"] = setting(
        "token", "Ratio level", "One ratio per token, or one per answer (GSPO).", order=116)
    scale_rewards: Literal["group", "batch", "none"] = setting(
        "group", "Scale rewards by", "Deviation of the group, of the whole batch, or nothing (Dr. GRPO).", order=117)
    reduction: Literal["token_mean", "token_mean_local", "seq_mean_token_mean", "seq_mean_token_sum", "const"] = setting(
        "seq_mean_token_mean", "Loss average", "Over answers of their tokens' mean (GRPO), over all tokens (DAPO), or over "
        "a fixed length (Dr. GRPO: const).", order=118)
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
    MetricInfo(name="frac_reward_zero_std", title="Groups that teach nothing", panel="Reward", better="down",
               help="Share of groups whose answers all have the same reward."),
    MetricInfo(name="eval/exact_match", title="Held-out exact match", panel="Evaluation", better="up"),
    MetricInfo(name="eval/reward", title="Held-out reward", panel="Evaluation", better="up"),
    MetricInfo(name="kl", title="KL to the reference", panel="KL", unit="nats/token"),
    MetricInfo(name="objective/kl", title="KL of a whole answer", panel="KL", unit="nats",
               help="Mean over answers of the sum of log π − log π_ref."),
    MetricInfo(name="entropy", title="Entropy", panel="Policy", unit="nats/token"),
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
    MetricInfo(name="num_tokens", title="Trained tokens", panel="Progress", unit="tokens"),
    MetricInfo(name="epoch", title="Epoch", panel="Progress"),
    MetricInfo(name="step_time", title="Step time", panel="Progress", unit="seconds", better="down"),
]

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
    data=[DataNeed(role="train", kinds=[RecordKind.PROMPT_ANSWER, RecordKind.DEMONSTRATION, RecordKind.PROMPT],
                   help="Prompts with reference answers; of a demonstration the completion is the reference."),
          DataNeed(role="eval", kinds=[RecordKind.PROMPT_ANSWER, RecordKind.DEMONSTRATION], required=False,
                   help="Held-out prompts, answered greedily.")],
    models=[ModelNeed(role="policy", help="The model that is trained, best one that already answers in the right form.")],
    needs_reward=True, metrics=METRICS,
    presets=[
        Preset(name="default", title="Default", description="The paper's loss, on policy, without a KL term.", config={}),
        Preset(name="demo", title="Demo", description="Two-digit sums with the tiny model, about a minute on two cores.",
               config={"learning_rate": 5e-5, "prompts_per_step": 64, "num_generations": 16, "max_completion_length": 8,
                       "per_device_train_batch_size": 1024, "max_steps": 60, "lr_scheduler_type": "constant", "warmup_ratio": 0.0,
                       "eval_steps": 10, "eval_limit": 256, "eval_max_new_tokens": 8, "beta": 0.01}),
    ],
)


def compose(config: Config, setting: Setting) -> Composition:
    """Raises ConfigFault when there is no reward, a term misses its column, or the settings contradict each other."""
    pipeline = online.pipeline_of(setting)
    check(config, setting)
    # A live β needs the reference from the start; with an adapter it is the same weights and costs nothing.
    referenced = config.beta > 0 or config.use_peft
    policy = Role("policy", trained=True)
    rate = chosen_learning_rate(config, setting.parameters, at_7b=1e-6, highest=5e-4 if config.use_peft else 5e-5)
    live = {"learning_rate": rate, "temperature": config.temperature}
    held_out = "eval" in setting.spec.datasets

    def render(record: Record, row: int) -> list[Sample]:
        return online.render_prompt(setting, record, row, longest=config.max_length, room=config.max_completion_length)

    def render_held_out(record: Record, row: int) -> list[Sample]:
        return online.render_prompt(setting, record, row, longest=config.max_length, room=config.eval_max_new_tokens)

    return Composition(
        roles=(policy, Role("reference", share="policy")) if referenced else (policy,),
        cycle=(Collect("rollout", partial(collect, config, pipeline)),
               Fit("policy", ("policy",), partial(loss, config), epochs=config.num_iterations, updates=config.updates_per_rollout,
                   micro_samples=config.per_device_train_batch_size, keep_groups=True),
               Apply("show", partial(show, config))),
        data={"train": render, "eval": render_held_out},
        total_steps=lambda data: online.planned_steps(config.max_steps, config.num_train_epochs, config.prompts_per_step, data),
        live=live | ({"beta": config.beta} if referenced else {}),
        evaluations=(Evaluation("eval", lambda turn: online.held_out_measures(
            turn, pipeline, limit=config.eval_limit, max_new_tokens=config.eval_max_new_tokens)),) if held_out else (),
        best=("eval/exact_match", "up") if held_out else None,
        rollouts_every=config.rollout_steps,
    )


def check(config: Config, setting: Setting) -> None:
    """Raises ConfigFault for settings that cannot work together, or an answer longer than the model's context."""
    high = 1 + (config.epsilon if config.epsilon_high is None else config.epsilon_high)
    if config.delta is not None and config.delta <= high:
        raise ConfigFault(f"delta ({config.delta:g}) must be above 1 + epsilon_high ({high:g}).",
                          "Raise delta or leave it empty.")
    longest = min(config.max_length, setting.context_length)
    if config.max_completion_length >= longest:
        raise ConfigFault(f"max_completion_length ({config.max_completion_length}) leaves no room for a prompt in {longest} "
                          f"tokens: max_length is {config.max_length}, the model's context {setting.context_length}.",
                          "Lower max_completion_length or raise max_length.")


def collect(config: Config, pipeline: Pipeline, turn: Turn) -> list[Sample]:
    """Draws, scores and compares a step's answers: samples with rewards, advantages and what the loss needs of others."""
    chosen = turn.data["train"].take(config.prompts_per_step)
    policy, temperature = turn.models["policy"], turn.live["temperature"]
    turn.say(f"writing {len(chosen) * config.num_generations} answers")
    rollouts = generate(
        policy, [prompt.ids for prompt in chosen], count=config.num_generations, max_new_tokens=config.max_completion_length,
        temperature=temperature, top_p=config.top_p, top_k=config.top_k, min_p=config.min_p,
        end_ids=end_ids_of(turn.tokenizer, policy.module), max_rows=config.rollout_rows)
    turn.say("")
    prompts = [prompt for prompt in chosen for _ in range(config.num_generations)]
    groups = [index for index in range(len(chosen)) for _ in range(config.num_generations)]
    texts = online.texts_of(turn.tokenizer, rollouts)
    rewards = online.score(pipeline, prompts, rollouts, texts)
    online.tell_rewards(turn.tally, pipeline, rewards, torch.tensor(groups))
    online.tell_lengths(turn.tally, rollouts)
    samples = online.samples_of(prompts, rollouts, texts, rewards, groups)
    if turn.live.get("beta", 0.0) > 0:
        for sample, found in zip(samples, turn.models["reference"].score_all(samples, temperature=temperature), strict=True):
            sample.channels["ref_logprobs"] = found
    compare(config, turn, samples)
    if config.mask_truncated_completions:
        for sample in samples:
            sample.mask &= not sample.truncated
    return samples


def compare(config: Config, turn: Turn, samples: list[Sample]) -> None:
    """Gives every sample its advantages: reward on the last token, KL taken off each token if asked, then the group."""
    batch = batch_of(samples)
    token_rewards = last_token.token_rewards(batch.rewards, batch.mask)
    if "ref_logprobs" in batch.channels:
        k1 = log_ratio.divergence(batch.channel("old_logprobs"), batch.channel("ref_logprobs"))
        turn.tally.put("objective/kl", torch.where(batch.mask, k1, 0.0).sum(-1).mean())
        if config.kl_in == "reward":
            token_rewards = with_kl_penalty(token_rewards, k1, batch.mask, beta=turn.live["beta"])
    found = estimator(ESTIMATORS[config.scale_rewards])(token_rewards, batch.mask, batch.groups)
    for index, sample in enumerate(samples):
        sample.channels["advantages"] = found[index, : len(sample)]
        sample.channels["token_rewards"] = token_rewards[index, : len(sample)]
        sample.scalars["advantage"] = float(found[index, len(sample) - 1])


def loss(config: Config, turn: Turn, batch: Batch, counts: Counts) -> Tensor:
    """The reduced clipped surrogate of one micro-batch, with β·KL added where it is placed in the loss.

    With one update on each set of answers the policy is the one that sampled: the ratio is 1 by construction, and the
    old log-probs are the present ones without gradient. Otherwise they are those of sampling time.
    """
    scores = turn.models["policy"].score(batch, temperature=turn.live["temperature"], entropy=True)
    on_policy = config.num_iterations * config.updates_per_rollout == 1
    old = scores.logprobs.detach() if on_policy else batch.channel("old_logprobs")
    found = clipped.terms(scores.logprobs, old, batch.channel("advantages"), batch.mask, epsilon=config.epsilon,
                          epsilon_high=config.epsilon_high, delta=config.delta, level=config.importance_sampling_level)
    terms, kept = found.terms, {"policy_logprobs": scores.logprobs, "ratio": found.ratio}
    beta = turn.live.get("beta", 0.0)
    if "ref_logprobs" in batch.channels:
        kl = divergence(config.kl_estimator)(scores.logprobs, batch.channel("ref_logprobs"))
        turn.tally.mean("kl", kl, batch.mask)
        kept["kl"] = kl
        if config.kl_in == "loss":
            terms = terms + beta * kl
    if scores.entropy is not None:
        turn.tally.mean("entropy", scores.entropy, batch.mask)
        kept["entropy"] = scores.entropy
    tell_clipping(turn, found, batch.mask)
    if turn.wants_rollouts:
        keep(batch, kept)
    counts = Counts(counts.tokens, counts.sequences, counts.pieces, config.max_completion_length, counts.groups)
    # The mean over micro-batches of part × pieces is the mean over updates of the whole.
    turn.tally.mean("policy_loss", counts.pieces * reduce(found.terms, batch.mask, counts, Reduction(config.reduction)))
    return reduce(terms, batch.mask, counts, Reduction(config.reduction))


def tell_clipping(turn: Turn, found: PolicyTerms, mask: Tensor) -> None:
    """`clip_ratio/…`: shares of the tokens whose gradient the clip cut; extremes are over micro-batches."""
    low, high = found.low_clipped.float(), found.high_clipped.float()
    turn.tally.mean("clip_ratio/low_mean", low, mask)
    turn.tally.mean("clip_ratio/high_mean", high, mask)
    turn.tally.mean("clip_ratio/region_mean", low + high, mask)
    tokens = mask.sum().clamp(min=1)
    turn.tally.lowest("clip_ratio/low_min", low.sum() / tokens)
    turn.tally.highest("clip_ratio/high_max", high.sum() / tokens)


def keep(batch: Batch, found: dict[str, Tensor]) -> None:
    """Leaves the per-token numbers of the last pass on its samples (all of them: a batch wants equal channels)."""
    for name, values in found.items():
        rows = values.detach().cpu()
        for index, sample in enumerate(batch.samples):
            sample.channels[name] = rows[index, : len(sample)]


def show(config: Config, turn: Turn) -> None:
    """Emits the step's first groups when this turn should show what was written."""
    if not turn.wants_rollouts:
        return
    shown = [sample for sample in turn.stores["batch"] if sample.group < config.rollout_prompts]
    for _, members in groupby(shown, key=lambda sample: sample.group):
        group = list(members)
        first = group[0]
        prompt = "" if first.record is None or first.record.prompt is None else online.text_of(first.record.prompt)
        turn.show(rollout_event(turn.step, prompt, reference_of(first), group, turn.tokenizer))

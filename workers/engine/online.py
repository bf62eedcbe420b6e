"""What every method that learns from its own answers shares: prompts, groups of answers, rewards, comparison, surrogate.

`composition` puts a method together. Credit, advantage, policy loss, reduction and KL estimator are members chosen by name in
the config, so that most methods are settings of these; one that is more brings its own `compare` or `loss`, or `extra`
channels for members that need them. Each step draws G answers to each of P prompts, scores them, compares them, fits, and
shows some of them.

Legend: B answers of a step or of a micro-batch, K reward terms, T tokens of the longest sequence.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import groupby, islice
from typing import Any

import torch

from workers.contract.records import Record, RecordKind
from workers.engine import baselines
from workers.engine.comparison import Extra, check_comparison, compare_answers
from workers.engine.composition import Apply, Collect, Composition, Evaluation, Fit, Loss, Role, Setting, Stream, Turn
from workers.engine.faults import ConfigFault, DataFault
from workers.engine.greedy_match import answer_greedily
from workers.engine.online_config import OnlineConfig
from workers.engine.rendering import prompt_ids, text_of
from workers.engine.reward_pipeline import Pipeline, Rewards, measures
from workers.engine.rollout_events import rollout_event
from workers.engine.sample import Rollout, Sample
from workers.engine.sampler.ends import end_ids_of
from workers.engine.sampler.grouped import generate
from workers.engine.steps import give_steps
from workers.engine.surrogate import check_loss, surrogate_loss
from workers.engine.tally import Tally
from workers.engine.training_config import chosen_learning_rate
from workers.engine.verifiers import reference_of

Compare = Callable[[Turn, list[Sample]], None]
"""Gives each of a step's answers the channels `token_rewards` and `advantages`, and whatever else the loss reads."""


def composition(config: OnlineConfig, setting: Setting, *, compare: Compare | None = None, loss: Loss | None = None,
                extra: Sequence[Extra] = (), more: Sequence[Role] = (), live: Mapping[str, float] | None = None) -> Composition:
    """The method that the config names, around its own `compare` and `loss` where it has them.

    Without them answers are compared by the config's credit and advantage, and the loss is the surrogate by its policy
    loss. `extra` gathers what members need beside answers, `more` are roles trained beside the policy, `live` more live
    fields. The reference is the starting policy, and is there when something asks for it.

    Raises ConfigFault when there is no reward, a term misses its column, or the settings contradict each other.
    """
    pipeline = pipeline_of(setting)
    check(config, setting)
    told = baselines.gathered(config, lambda turn, prompts, rollouts: score(
        pipeline, prompts, rollouts, texts_of(turn.tokenizer, rollouts)).total)
    extra = (*extra, *told.extra)
    if compare is None:
        check_comparison(config, extra)
    if loss is None:
        check_loss(config)
    compare = compare or partial(compare_answers, config, extra)
    loss = loss or partial(surrogate_loss, config)
    # A live β needs the reference from the start; with an adapter it is the same weights and costs nothing.
    referenced = config.beta > 0 or config.use_peft
    rate = chosen_learning_rate(config, setting.parameters, at_7b=1e-6, highest=5e-4 if config.use_peft else 5e-5)
    fields = {"learning_rate": rate, "temperature": config.temperature} | dict(live or {})
    held_out = "eval" in setting.spec.datasets

    def render(record: Record, row: int) -> list[Sample]:
        return render_prompt(setting, record, row, longest=config.max_length, room=config.max_completion_length)

    def render_held_out(record: Record, row: int) -> list[Sample]:
        return render_prompt(setting, record, row, longest=config.max_length, room=config.eval_max_new_tokens)

    return Composition(
        roles=(Role("policy", trained=True), *more, *([Role("reference", share="policy")] if referenced else [])),
        cycle=(Collect("rollout", partial(collect, config, pipeline, compare)),
               Fit("policy", ("policy", *(role.name for role in more)), loss, epochs=config.num_iterations,
                   updates=config.updates_per_rollout, micro_samples=config.per_device_train_batch_size, keep_groups=True),
               Apply("show", partial(show, config))),
        data={"train": render, "eval": render_held_out},
        total_steps=lambda data: planned_steps(config.max_steps, config.num_train_epochs, config.prompts_per_step, data),
        live=fields | ({"beta": config.beta} if referenced else {}),
        evaluations=(Evaluation("eval", lambda turn: held_out_measures(
            turn, pipeline, limit=config.eval_limit, max_new_tokens=config.eval_max_new_tokens)),) if held_out else (),
        best=("eval/exact_match", "up") if held_out else None,
        state=told.state,
        rollouts_every=config.rollout_steps,
    )


def check(config: OnlineConfig, setting: Setting) -> None:
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


def pipeline_of(setting: Setting) -> Pipeline:
    """The run's reward, prepared once and closed with the setting.

    Raises ConfigFault when there is none, or when a term needs a column that no row can have; and what preparing raises.
    """
    if setting.spec.reward is None:
        raise ConfigFault("This method needs a reward and the run has none.", "Add at least one reward term.")
    if "reward" not in setting.held:
        device = torch.device("cuda" if setting.spec.resources.gpus and torch.cuda.is_available() else "cpu")
        setting.held["reward"] = Pipeline(setting.spec.reward, device=device, seed=setting.spec.seed)
    pipeline: Pipeline = setting.held["reward"]
    train = setting.spec.datasets.get("train")
    if train is None:
        raise ConfigFault("The run has no training data.", "Choose a data set of prompts.")
    if train.kind is RecordKind.PROMPT and "answer" in pipeline.columns:
        needs = ", ".join(term.name for term in pipeline.terms if "answer" in term.columns)
        raise ConfigFault(f"The reward needs reference answers ({needs}), and the data set has only prompts.",
                          "Choose a data set with answers, or terms that do without them (pattern, format, length).")
    return pipeline


def collect(config: OnlineConfig, pipeline: Pipeline, compare: Compare, turn: Turn) -> list[Sample]:
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
    texts = texts_of(turn.tokenizer, rollouts)
    rewards = score(pipeline, prompts, rollouts, texts)
    tell_rewards(turn.tally, pipeline, rewards)
    tell_lengths(turn.tally, rollouts)
    samples = samples_of(prompts, rollouts, texts, rewards, groups)
    if rewards.steps is not None:
        give_steps(turn.tokenizer, samples, rewards.steps)
    if news := pipeline.news():
        turn.warn(news)
    if turn.live.get("beta", 0.0) > 0:
        for sample, found in zip(samples, turn.models["reference"].score_all(samples, temperature=temperature), strict=True):
            sample.channels["ref_logprobs"] = found
    compare(turn, samples)
    if config.mask_truncated_completions:
        for sample in samples:
            sample.mask &= not sample.truncated
    return samples


def show(config: OnlineConfig, turn: Turn) -> None:
    """Emits the step's first groups when this turn should show what was written."""
    if not turn.wants_rollouts:
        return
    shown = [sample for sample in turn.stores["batch"] if sample.group < config.rollout_prompts]
    for _, members in groupby(shown, key=lambda sample: sample.group):
        group = list(members)
        first = group[0]
        prompt = "" if first.record is None or first.record.prompt is None else text_of(first.record.prompt)
        turn.show(rollout_event(turn.step, prompt, reference_of(first.record), group, turn.tokenizer))


def render_prompt(setting: Setting, record: Record, row: int, *, longest: int, room: int) -> list[Sample]:
    """The prompt as a sample without trained tokens; nothing when it leaves no `room` for an answer.

    Prompt and answer together have the model's context, and at most `longest` tokens.

    Raises DataFault for a row without a prompt.
    """
    if record.prompt is None:
        raise DataFault(f"Row {row + 1} has no prompt.", "Choose a data set of prompts, demonstrations or prompts with answers.")
    ids = torch.tensor(prompt_ids(setting.tokenizer, record.prompt, record.tools), dtype=torch.int64)
    if len(ids) == 0 or len(ids) + room > min(longest, setting.context_length):
        return []
    return [Sample(ids=ids, mask=torch.zeros(len(ids), dtype=torch.bool), prompt_length=len(ids), row=row, record=record,
                   text=text_of(record.prompt))]


def planned_steps(max_steps: int, epochs: float, prompts_per_step: int, data: Mapping[str, Stream]) -> int:
    """Steps of the plan: as set when positive, else from the epochs."""
    return max_steps if max_steps > 0 else max(1, math.ceil(data["train"].rows * epochs / prompts_per_step))


def texts_of(tokenizer: Any, rollouts: Sequence[Rollout]) -> list[str]:
    """What the answers say, without the marks that end them."""
    return list(tokenizer.batch_decode([rollout.completion_ids.tolist() for rollout in rollouts], skip_special_tokens=True))


def score(pipeline: Pipeline, prompts: Sequence[Sample], rollouts: Sequence[Rollout], texts: Sequence[str]) -> Rewards:
    """Rewards of the answers; `prompts` names the prompt of each. Data-set columns go to the terms by name."""
    records = [prompt.record or Record() for prompt in prompts]
    names = sorted({name for record in records for name in record.extra} - {"prompts", "completions", "completion_ids", "params"})
    columns: dict[str, list[Any]] = {name: [record.extra.get(name) for record in records] for name in names}
    columns["answer"] = [reference_of(prompt.record) for prompt in prompts]
    asked = [prompt.text if record.prompt is None else record.prompt for prompt, record in zip(prompts, records, strict=True)]
    return pipeline.score(prompts=asked, completions=texts, columns=columns, groups=_numbered(prompts),
                          completion_ids=[rollout.completion_ids.tolist() for rollout in rollouts])


def _numbered(prompts: Sequence[Sample]) -> list[int]:
    """For each answer the number of its prompt: the same sample is the same prompt."""
    first: dict[int, int] = {}
    return [first.setdefault(id(prompt), len(first)) for prompt in prompts]


def samples_of(prompts: Sequence[Sample], rollouts: Sequence[Rollout], texts: Sequence[str], rewards: Rewards,
               groups: Sequence[int]) -> list[Sample]:
    """The answers as samples: completion tokens masked in, behaviour log-probs, text, reward and its terms, group."""
    totals = rewards.total.tolist()
    return [rollout.sample(row=prompt.row, record=prompt.record, group=group, text=text, terms=rewards.of(index),
                           reward=None if math.isnan(totals[index]) else totals[index])
            for index, (prompt, rollout, text, group) in enumerate(zip(prompts, rollouts, texts, groups, strict=True))]


def tell_rewards(tally: Tally, pipeline: Pipeline, rewards: Rewards) -> None:
    """`reward` over the answers that have one, and the curves of each term."""
    total = rewards.total
    finite = total.isfinite()
    if bool(finite.any()):
        tally.put("reward", total[finite].mean())
    for name, value in measures(pipeline, rewards).items():
        tally.put(name, value)


def tell_lengths(tally: Tally, rollouts: Sequence[Rollout]) -> None:
    """`completions/…`: mean, shortest, longest, mean of the ended ones, and the share that was cut."""
    lengths = torch.tensor([float(len(rollout.completion_ids)) for rollout in rollouts])
    ended = torch.tensor([rollout.ended for rollout in rollouts])
    tally.put("completions/mean_length", lengths.mean())
    tally.put("completions/min_length", lengths.min())
    tally.put("completions/max_length", lengths.max())
    tally.put("completions/clipped_ratio", (~ended).float().mean())
    if bool(ended.any()):
        tally.put("completions/mean_terminated_length", lengths[ended].mean())


def held_out_measures(turn: Turn, pipeline: Pipeline, *, limit: int, max_new_tokens: int) -> dict[str, float]:
    """`eval/exact_match` where rows have references, and `eval/reward`, over greedy answers to the first rows."""
    samples = list(islice(turn.data["eval"].all(), limit))
    if not samples:
        return {}
    policy = turn.models["policy"]
    answers = answer_greedily(policy, samples, turn.tokenizer, max_new_tokens=max_new_tokens,
                              end_ids=end_ids_of(turn.tokenizer, policy.module))
    total = score(pipeline, samples, answers.rollouts, answers.texts).total
    found = {"eval/reward": float(total[total.isfinite()].mean())} if bool(total.isfinite().any()) else {}
    if any(reference_of(sample.record) is not None for sample in samples):
        found |= {"eval/exact_match": answers.rate, "eval/samples": float(len(answers.right))}
    return found

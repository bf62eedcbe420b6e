"""What every method that learns from its own answers shares: prompts, groups of answers, rewards, comparison, surrogate.

`composition` puts a method together. Credit, advantage, policy loss, reduction and KL estimator are members chosen by name in
the config, so that most methods are settings of these; one that is more brings its own `compare` or `loss`, or `extra`
channels for members that need them. Each step draws G answers to each of P prompts, scores them, compares them, fits, and
shows some of them.

Legend: B answers of a step or of a micro-batch, K reward terms, T tokens of the longest sequence.
"""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import groupby, islice

import torch

from workers.contract.records import Record, RecordKind
from workers.engine.composition import Apply, Collect, Composition, Evaluation, Fit, Loss, Role, Setting, Stream, Turn
from workers.engine.data.rendering import prompt_ids, text_of
from workers.engine.families import baselines
from workers.engine.families.entropy_control import EntropyControl
from workers.engine.families.online_config import FULL, OnlineConfig
from workers.engine.families.surrogate import check_loss, surrogate_loss
from workers.engine.faults import ConfigFault, DataFault
from workers.engine.modeling.reference_sync import MovingReference
from workers.engine.rewarding.reward_pipeline import Pipeline
from workers.engine.rollout import step_source
from workers.engine.rollout.comparison import Extra, check_comparison, compare_answers, given_first
from workers.engine.rollout.greedy_match import answer_greedily
from workers.engine.rollout.held_answers import HeldAnswers
from workers.engine.rollout.rollout_events import rollout_event
from workers.engine.rollout.rollouts import Compare, collect
from workers.engine.rollout.scoring import score, texts_of
from workers.engine.rollout.verifiers import reference_of
from workers.engine.sample import Sample
from workers.engine.sampler.ends import end_ids_of
from workers.engine.training.training_config import chosen_learning_rate


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
    extra = (*extra, *told.extra, *step_source.gathered(config, pipeline))
    check_comparison(config, extra, ("credit", "advantage") if compare is None else ("credit",))
    check_loss(config)
    compare = partial(compare_answers, config, extra) if compare is None else given_first(extra, compare)
    loss = loss or partial(surrogate_loss, config)
    held = HeldAnswers() if config.rollouts_behind else None
    entropy = EntropyControl(config) if config.use_adaptive_entropy else None
    moving = MovingReference(config.ref_model_mixup_alpha, lambda: None) if config.sync_ref_model else None
    # A live β needs the reference from the start; with an adapter it is the same weights and costs nothing.
    referenced = config.beta > 0 or config.use_peft
    rate = chosen_learning_rate(config, setting.parameters, at_7b=1e-6, highest=5e-4 if config.use_peft else 5e-5)
    fields = {"learning_rate": rate, "temperature": config.temperature,
              "entropy_coef": 0.0 if entropy else config.entropy_coef} | dict(live or {})
    held_out = "eval" in setting.spec.datasets

    def render(record: Record, row: int) -> list[Sample]:
        return render_prompt(setting, record, row, longest=config.max_length, room=config.max_completion_length)

    def render_held_out(record: Record, row: int) -> list[Sample]:
        return render_prompt(setting, record, row, longest=config.max_length, room=config.eval_max_new_tokens)

    return Composition(
        roles=(Role("policy", trained=True), *more, *([Role("reference", share="policy")] if referenced else [])),
        cycle=(*([Apply("settle", lambda turn: moving.settle(turn.models["reference"]))] if moving else []),
               Collect("rollout", partial(collect, config, pipeline, compare, held)),
               Fit("policy", ("policy", *(role.name for role in more)), loss, epochs=config.num_iterations,
                   updates=config.updates_per_rollout, micro_samples=config.per_device_train_batch_size, keep_groups=True),
               *([Apply("entropy", entropy.steer)] if entropy else []),
               *([Apply("sync", moving.mix, every=config.ref_model_sync_steps)] if moving else []),
               Apply("show", partial(show, config))),
        data={"train": render, "eval": render_held_out},
        total_steps=lambda data: planned_steps(config.max_steps, config.num_train_epochs, config.prompts_per_step, data),
        live=fields | ({"beta": config.beta} if referenced else {}),
        evaluations=(Evaluation("eval", lambda turn: held_out_measures(
            turn, pipeline, limit=config.eval_limit, max_new_tokens=config.eval_max_new_tokens)),) if held_out else (),
        best=("eval/exact_match", "up") if held_out else None,
        state={**told.state, **({"held_answers": held} if held else {}), **({"entropy": entropy} if entropy else {}),
               **({"moving_reference": moving} if moving else {})},
        rollouts_every=config.rollout_steps,
    )


def check(config: OnlineConfig, setting: Setting) -> None:
    """Raises ConfigFault for settings that cannot work together, or an answer longer than the model's context."""
    high = 1 + (config.epsilon if config.epsilon_high is None else config.epsilon_high)
    if config.delta is not None and config.delta <= high:
        raise ConfigFault(f"delta ({config.delta:g}) must be above 1 + epsilon_high ({high:g}).",
                          "Raise delta or leave it empty.")
    if config.kl_estimator == FULL and config.kl_in == "reward" and config.beta > 0:
        raise ConfigFault("kl_estimator full is a term of the loss, and kl_in is reward, which takes log π − log π_ref.",
                          "Set kl_in to loss, or choose k1.")
    if config.sync_ref_model and (config.use_peft or config.beta == 0):
        raise ConfigFault("sync_ref_model moves a reference of its own weights: "
                          + ("under an adapter there is none." if config.use_peft else "with beta 0 there is none."),
                          "Turn sync_ref_model off, or train the whole model with a KL term.")
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


def held_out_measures(turn: Turn, pipeline: Pipeline | None, *, limit: int, max_new_tokens: int) -> dict[str, float]:
    """`eval/exact_match` where rows have references, and `eval/reward` where there is one, over greedy answers to the first
    rows."""
    samples = list(islice(turn.data["eval"].all(), limit))
    if not samples:
        return {}
    policy = turn.models["policy"]
    answers = answer_greedily(policy, samples, turn.tokenizer, max_new_tokens=max_new_tokens,
                              end_ids=end_ids_of(turn.tokenizer, policy.module))
    found = {}
    if pipeline is not None:
        total = score(pipeline, samples, answers.rollouts, answers.texts).total
        found = {"eval/reward": float(total[total.isfinite()].mean())} if bool(total.isfinite().any()) else {}
    if any(reference_of(sample.record) is not None for sample in samples):
        found |= {"eval/exact_match": answers.rate, "eval/samples": float(len(answers.right))}
    return found

"""SeqGAN: a discriminator learns to tell reference answers from the policy's, and is the policy's reward (arXiv 1609.05473).

Each step draws answers, asks the discriminator D what they are worth, takes a policy gradient step on that, and then fits D to
tell the step's references from what was drawn. A token is worth the mean of D over continuations of the answer up to it, the
last one D of the answer (see `token_values`), less a baseline. D is a second model with a scalar head, σ(r) being the chance
that an answer is a reference. With D fixed and no continuations this is REINFORCE with D as the reward.

Both sides count alike in D's cross-entropy, however many answers are drawn to a reference. For the first steps D learns alone.

At the edge: an answer that is the reference is one of either side, and D's best for it is one half; a row without a reference
is an error.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from workers.contract.catalogue import DataNeed, MetricInfo, ModelNeed, Paper, Preset
from workers.contract.records import RecordKind
from workers.contract.run_spec import ModelKind
from workers.engine.card import card
from workers.engine.composition import Apply, Collect, Composition, Evaluation, Fit, Role, Setting, Turn
from workers.engine.data.reference_answers import given, needed_ids
from workers.engine.families import baselines, online, surrogate
from workers.engine.families.online_config import DATA, METRICS, POLICY, AdvantageName, OnlineConfig
from workers.engine.families.policy_gradient import PolicyGradientConfig, demo
from workers.engine.modeling.reward_heads import declaration
from workers.engine.reward_models import answer_scores, binary, score_all
from workers.engine.rollout import comparison
from workers.engine.rollout.comparison import Extra
from workers.engine.rollout.rollouts import tell_lengths
from workers.engine.rollout.scoring import texts_of
from workers.engine.rollout.token_values import token_values
from workers.engine.sample import Batch, Counts, Rollout, Sample
from workers.engine.sampler.ends import end_ids_of
from workers.engine.sampler.grouped import generate
from workers.engine.training.training_config import again, chosen_learning_rate, setting


class Config(PolicyGradientConfig):
    # The discriminator says what every token is worth, of answers that this step's policy wrote.
    credit: ClassVar[str] = "action_values"  # type: ignore[misc]
    gamma: ClassVar[float] = 1.0
    steps_from: ClassVar[Literal["term"]] = "term"  # type: ignore[misc]
    step_separator: ClassVar[str] = "\n"  # type: ignore[misc]
    center_by_steps: ClassVar[bool] = False  # type: ignore[misc]
    beta: ClassVar[float] = 0.0  # type: ignore[misc]
    kl_in: ClassVar[Literal["loss"]] = "loss"  # type: ignore[misc]
    kl_estimator: ClassVar[Literal["k3"]] = "k3"  # type: ignore[misc]
    sync_ref_model: ClassVar[bool] = False  # type: ignore[misc]
    ref_model_mixup_alpha: ClassVar[float] = 0.6  # type: ignore[misc]
    ref_model_sync_steps: ClassVar[int] = 512  # type: ignore[misc]
    mask_truncated_completions: ClassVar[bool] = False  # type: ignore[misc]
    rollouts_behind: ClassVar[Literal[0]] = 0  # type: ignore[misc]
    importance_correction: ClassVar[Literal["none"]] = "none"  # type: ignore[misc]
    importance_cap: ClassVar[float] = 3.0  # type: ignore[misc]
    dynamic_sampling: ClassVar[bool] = False  # type: ignore[misc]
    max_generation_batches: ClassVar[int] = 1  # type: ignore[misc]
    use_adaptive_entropy: ClassVar[bool] = False  # type: ignore[misc]

    advantage: AdvantageName = again(OnlineConfig, "advantage", "batch_centred")
    prompts_per_step: int = again(OnlineConfig, "prompts_per_step", 64)
    num_generations: int = setting(
        1, "Answers per prompt", "Answers drawn for each prompt, and told from its one reference.", group="basic", order=16,
        unit="answers", ge=1, le=1024)
    continuations: int = setting(
        16, "Continuations", "Answers drawn from each beginning of an answer to say what its last token is worth; 0 gives every "
        "token the whole answer's score.", group="basic", order=18, unit="answers", ge=0, le=256)
    discriminator_first: int = setting(
        20, "Steps of the discriminator alone", "Before the policy is trained by it.", group="basic", order=19, unit="steps",
        ge=0, le=10_000_000)
    discriminator_epochs: int = setting(
        3, "Discriminator's passes", "Over a step's references and answers.", order=131, ge=1, le=64)
    discriminator_updates: int = setting(
        5, "Discriminator's updates per pass", "Optimizer steps into which each pass is cut.", order=132, ge=1, le=1024)
    discriminator_learning_rate: float = setting(
        1e-4, "Discriminator's learning rate", "0 keeps the discriminator as it is.", order=133, live=True, ge=0, le=1)


KINDS = [RecordKind.PROMPT_ANSWER, RecordKind.DEMONSTRATION]
NOT_TOLD = ("rewards/", "kl", "objective/kl", "sampling/", "num_gen_batches", "frac_groups_kept", "steps/", "entropy_coef",
            "eval/reward")
CARD = card(
    "seqgan", Config, title="SeqGAN: adversarial reward", family="Policy optimisation",
    papers=[Paper(title="SeqGAN: Sequence Generative Adversarial Nets with Policy Gradient", authors="Yu et al.", year=2016,
                  link="https://arxiv.org/abs/1609.05473")],
    summary="Needs no reward: a discriminator learns to tell the policy's answers from references, and the policy learns to be "
            "taken for one. Each token is judged by where it leads.",
    formula=r"\mathcal{L} = -\sum_t (Q_t - b)\log\pi_\theta(y_t|x,y_{<t}),\quad Q_t = \frac1n\sum_{i=1}^{n}"
            r"D(x, y_{\le t}, y^{(i)}_{>t}),\quad \mathcal{L}_D = -\log D(x, y^*) - \log(1 - D(x, y))",
    confidence="knowledge",
    left_out="The convolutional discriminator, and a slow copy of the policy for continuations: D is a language model with a "
             "scalar head, and the policy itself goes on.",
    data=[DataNeed(role="train", kinds=KINDS, help="Prompts with reference answers; of a demonstration the completion is one."),
          *DATA[1:]],
    models=[POLICY, ModelNeed(
        role="discriminator", kinds=[ModelKind.CAUSAL, ModelKind.REWARD], required=False,
        help="Where the discriminator starts: a model with the policy's tokenizer. Empty: the policy.")],
    metrics=[info for info in METRICS if not info.name.startswith(NOT_TOLD)] + baselines.METRICS + [
        MetricInfo(name="discriminator/loss", title="Discriminator's loss", panel="Discriminator", help="Both sides count alike; "
                   "log 2 cannot tell them apart."),
        MetricInfo(name="discriminator/accuracy", title="Discriminator's accuracy", panel="Discriminator",
                   help="Mean over references and answers; 0.5 is what the policy aims at."),
        MetricInfo(name="discriminator/real", title="D of references", panel="Discriminator"),
        MetricInfo(name="discriminator/drawn", title="D of drawn answers", panel="Discriminator"),
        MetricInfo(name="discriminator/value_spread", title="Spread of an answer's values", panel="Discriminator",
                   help="Mean deviation of Q over the tokens of an answer; 0 gives all of them one value."),
        MetricInfo(name="discriminator/learning_rate", title="Discriminator's learning rate", panel="Discriminator"),
        MetricInfo(name="discriminator/grad_norm", title="Discriminator's gradient norm", panel="Discriminator"),
    ],
    presets=[
        Preset(name="default", title="Default", description="Sixteen continuations of each beginning, as in the paper."),
        Preset(name="whole-answers", title="Whole answers", description="No continuations: every token has its answer's score.",
               config={"continuations": 0, "num_generations": 4}),
        demo("beta", num_generations=8, continuations=2, discriminator_first=20, discriminator_learning_rate=3e-4,
             learning_rate=1e-4).model_copy(update={"description": "Two-digit sums with the tiny model, some minutes on two "
                                                    "cores. The policy outruns the discriminator before it is caught up with: "
                                                    "held-out answers get worse, then better than at the start."}),
    ],
)


def compose(config: Config, setting: Setting) -> Composition:
    """Raises ConfigFault where the settings contradict each other."""
    online.check(config, setting)
    told = baselines.gathered(config, judged_greedily)
    extra = (Extra(("action_values",), lambda turn, samples: None), *told.extra)
    comparison.check_comparison(config, extra)
    held_out = "eval" in setting.spec.datasets
    rate = chosen_learning_rate(config, setting.parameters, at_7b=1e-6, highest=5e-4 if config.use_peft else 5e-5)

    def measure(turn: Turn) -> dict[str, float]:
        return online.held_out_measures(turn, None, limit=config.eval_limit, max_new_tokens=config.eval_max_new_tokens)

    rendered = partial(online.render_prompt, setting, longest=config.max_length)
    return Composition(
        roles=(Role("policy", trained=True),
               Role("discriminator", trained=True, head="scalar", adapter=False, declares=declaration("outcome"),
                    weights="discriminator" if "discriminator" in setting.spec.models else "policy",
                    learning_rate="discriminator_learning_rate")),
        cycle=(Collect("rollout", partial(draw, config), into="drawn"),
               Collect("value", partial(value, config, extra)),
               Fit("policy", ("policy",), partial(surrogate.surrogate_loss, config),
                   micro_samples=config.per_device_train_batch_size, keep_groups=True),
               Collect("both sides", partial(both_sides, config), into="sides"),
               Fit("discriminator", ("discriminator",), tell_apart, source="sides", epochs=config.discriminator_epochs,
                   updates=config.discriminator_updates, micro_samples=config.per_device_train_batch_size),
               Apply("show", partial(online.show, config))),
        data={"train": lambda record, row: rendered(record, row, room=config.max_completion_length),
              "eval": lambda record, row: rendered(record, row, room=config.eval_max_new_tokens)},
        total_steps=lambda data: online.planned_steps(config.max_steps, config.num_train_epochs, config.prompts_per_step, data),
        live={"learning_rate": rate, "temperature": config.temperature, "entropy_coef": config.entropy_coef,
              "discriminator_learning_rate": config.discriminator_learning_rate},
        evaluations=(Evaluation("eval", measure),) if held_out else (),
        best=("eval/exact_match", "up") if held_out else None,
        state=told.state,
        rollouts_every=config.rollout_steps,
    )


def draw(config: Config, turn: Turn) -> list[Sample]:
    """A step's answers, with D of each as its reward."""
    prompts = turn.data["train"].take(config.prompts_per_step)
    turn.say(f"writing {len(prompts) * config.num_generations} answers")
    rollouts = generate(turn.models["policy"], [prompt.ids for prompt in prompts], count=config.num_generations,
                        max_new_tokens=config.max_completion_length, **drawing(config, turn))
    turn.say("")
    tell_lengths(turn.tally, rollouts)
    texts, found = texts_of(turn.tokenizer, rollouts), []
    for index, (rollout, text, score) in enumerate(zip(rollouts, texts, judge(turn, rollouts).tolist(), strict=True)):
        prompt = prompts[index // config.num_generations]
        found.append(rollout.sample(row=prompt.row, record=prompt.record, group=index // config.num_generations, text=text,
                                    reward=score))
        turn.tally.mean("reward", score)
    return found


def drawing(config: Config, turn: Turn) -> dict[str, Any]:
    """How answers and continuations are drawn."""
    return {"temperature": turn.live["temperature"], "top_p": config.top_p, "top_k": config.top_k, "min_p": config.min_p,
            "end_ids": end_ids_of(turn.tokenizer, turn.models["policy"].module), "max_rows": config.rollout_rows}


def value(config: Config, extra: Sequence[Extra], turn: Turn) -> list[Sample]:
    """The step's answers with what their tokens are worth, compared; none while the discriminator learns alone."""
    if turn.step <= config.discriminator_first:
        return []
    samples = [replace(sample, channels=dict(sample.channels)) for sample in turn.stores["drawn"]]
    turn.say("judging the beginnings of answers")
    values = token_values(turn.models["policy"], partial(judge, turn), [rollout_of(sample) for sample in samples],
                          count=config.continuations, longest=config.max_completion_length, **drawing(config, turn))
    turn.say("")
    for sample, found in zip(samples, values, strict=True):
        sample.channels["action_values"] = F.pad(found, (sample.prompt_length, 0))
        turn.tally.mean("discriminator/value_spread", found.std(correction=0))
    comparison.compare_answers(config, extra, turn, samples)
    return samples


def rollout_of(sample: Sample) -> Rollout:
    start = sample.prompt_length
    return Rollout(sample.ids[:start], sample.ids[start:], sample.channels["old_logprobs"][start:], not sample.truncated)


def judge(turn: Turn, answers: Sequence[Rollout]) -> Tensor:
    """D [B] of whole answers: the chance that each is a reference."""
    return score_all(turn.models["discriminator"], [answer.sample() for answer in answers], turn.tokenizer.pad_token_id).sigmoid()


def judged_greedily(turn: Turn, prompts: Sequence[Sample], rollouts: Sequence[Rollout]) -> Tensor:
    return judge(turn, rollouts).double()


def both_sides(config: Config, turn: Turn) -> list[Sample]:
    """The drawn answers and the references of their prompts, with scalars `real` and `drawn`, 1 or 0."""
    ends = end_ids_of(turn.tokenizer, turn.models["policy"].module)
    found = []
    for number, sample in enumerate(turn.stores["drawn"]):
        found.append(side(rollout_of(sample), real=False))
        if number % config.num_generations == 0:
            prompt = replace(sample, ids=sample.ids[: sample.prompt_length])
            ids = needed_ids(turn.tokenizer, prompt, longest=config.max_completion_length, instead="REINFORCE")
            found.append(side(given(prompt, ids, end_ids=ends), real=True))
    return found


def side(answer: Rollout, *, real: bool) -> Sample:
    return answer.sample(scalars={"real": float(real), "drawn": float(not real)})


def tell_apart(turn: Turn, batch: Batch, counts: Counts) -> Tensor:
    """One micro-batch's part of D's cross-entropy, each side a mean over its answers of the update."""
    scores = answer_scores(turn.models["discriminator"], batch, turn.tokenizer.pad_token_id)
    real, drawn = batch.scalars["real"], batch.scalars["drawn"]
    weights = sum((which / (2 * max(counts.scalars[name], 1.0)) for name, which in (("real", real), ("drawn", drawn))),
                  torch.zeros_like(real))
    loss = (weights * binary.terms(scores, real)).sum()
    chances = scores.detach().sigmoid()
    surrogate.tell_loss(turn.tally, "discriminator/loss", loss.detach(), counts)
    turn.tally.mean("discriminator/accuracy", ((chances >= 0.5) == (real > 0)).float(), weights)
    turn.tally.mean("discriminator/real", chances, real)
    turn.tally.mean("discriminator/drawn", chances, drawn)
    return loss

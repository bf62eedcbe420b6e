"""Rejection-sampling fine-tuning: the model writes K answers to each prompt and learns those that the reward accepts.

Each step is one iteration: answers are written, accepted (reward ≥ `accept_at`, among the best `top_k`, no duplicates, at
most `max_per_prompt` a prompt), and fitted by likelihood, the mean over the tokens of an update. `base` says what is fitted:
the model as it stands (RAFT, arXiv 2304.06767), or anew the model that the run began from, with the answers of the present
one (ReST-EM, arXiv 2312.06585). STaR's rationalisation (arXiv 2203.14465): prompts without an accepted answer are asked
again with their reference answer as a hint; what is accepted then is learned behind the prompt without the hint.

With K = 1, one update and no duplicates it is one step of REINFORCE with reward 1 or 0 and no baseline, up to the number of
accepted tokens that the sum is divided by. Survey §3.3.2, §5.2.

At the edge: a step without an accepted answer changes nothing and says so; answers without text are not accepted.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor

from workers.contract.catalogue import ModelNeed, Paper, Preset
from workers.engine.card import card
from workers.engine.composition import Apply, Composition, Setting, Turn
from workers.engine.data.rendering import extended
from workers.engine.families import online, online_config
from workers.engine.rewarding.reward_pipeline import Pipeline
from workers.engine.rollout import acceptance, written_answers
from workers.engine.rollout.verifiers import reference_of
from workers.engine.sample import Sample
from workers.engine.training.tally import Tally
from workers.engine.training.training_config import setting as field


class Config(acceptance.AcceptanceConfig):
    """Adds what is fitted, and rationalisation."""

    base: Literal["current", "initial"] = field(
        "current", "Fit", "`current`: the model as it stands; `initial`: in every step anew the model that the run began from.",
        group="basic", order=47)
    rationalise: bool = field(
        False, "Rationalisation", "Ask prompts without an accepted answer again with their reference answer as a hint, and learn "
        "what is accepted then without the hint.", order=48)
    hint: str = field(
        " (The answer is {answer}.)", "Hint", "What is put behind the prompt; {answer} is the reference answer.", order=49,
        max_length=1000, pattern=r"\{answer\}")


CARD = card(
    "rft", Config,
    title="Rejection-sampling fine-tuning", family="Self-improvement",
    papers=[Paper(title="RAFT: Reward rAnked FineTuning for Generative Foundation Model Alignment", authors="Dong et al.",
                  year=2023, link="https://arxiv.org/abs/2304.06767"),
            Paper(title="Beyond Human Data: Scaling Self-Training for Problem-Solving with Language Models",
                  authors="Singh et al.", year=2023, link="https://arxiv.org/abs/2312.06585"),
            Paper(title="STaR: Bootstrapping Reasoning With Reasoning", authors="Zelikman et al.", year=2022,
                  link="https://arxiv.org/abs/2203.14465"),
            Paper(title="Scaling Relationship on Learning Mathematical Reasoning with Large Language Models",
                  authors="Yuan et al.", year=2023, link="https://arxiv.org/abs/2308.01825")],
    summary="Lets the model answer each prompt several times, keeps what a verifier or reward accepts, and fine-tunes on that: "
            "the simplest way to learn by reward, and a strong one where answers can be checked.",
    formula=r"L(\theta) = -\frac{\sum_{x}\sum_{k} \mathbb{1}[R(x, y_k) \ge \tau] \log \pi_\theta(y_k \mid x)}"
            r"{\sum_{x}\sum_{k} \mathbb{1}[R(x, y_k) \ge \tau]\,|y_k|},\quad y_{1..K} \sim \pi",
    confidence="paper",
    left_out="A pool of answers over several steps: each step fits what it wrote.",
    data=online_config.DATA, models=[ModelNeed(role="policy", help="The model that writes and is trained.")],
    needs_reward=True, takes_reward=True,
    presets=[
        Preset(name="default", title="The model as it stands", description="Each step fits what was accepted (RAFT)."),
        Preset(name="rest-em", title="Anew from the start", description="Each step fits the initial model on many answers of the "
               "present one (ReST-EM).",
               config={"base": "initial", "prompts_per_step": 512, "num_iterations": 2, "updates_per_rollout": 16,
                       "lr_scheduler_type": "constant", "warmup_ratio": 0.0}),
        Preset(name="star", title="STaR", description="Greedy answers, rationalised where they fail, always fitted anew.",
               config={"base": "initial", "rationalise": True, "num_generations": 1, "temperature": 0.0, "prompts_per_step": 512,
                       "num_iterations": 2, "updates_per_rollout": 16, "lr_scheduler_type": "constant", "warmup_ratio": 0.0}),
        Preset(name="demo", title="Demo", description="Two-digit sums with the tiny model, about a minute on two cores.",
               config={"learning_rate": 1e-4, "prompts_per_step": 64, "num_generations": 16, "max_completion_length": 8,
                       "max_length": 64, "temperature": 1.0, "per_device_train_batch_size": 1024, "max_steps": 60,
                       "max_per_prompt": 4, "duplicates": "keep", "lr_scheduler_type": "constant", "warmup_ratio": 0.0,
                       "eval_steps": 10, "eval_limit": 256, "eval_max_new_tokens": 8}),
    ],
    metrics=[*acceptance.METRICS, *(metric for metric in online_config.METRICS if metric.name == "eval/reward")],
)


def compose(config: Config, setting: Setting) -> Composition:
    """Write and accept, start anew when asked, fit, in every step. Raises ConfigFault without a reward."""
    pipeline = online.pipeline_of(setting)
    made = written_answers.composition(
        config, setting, partial(gather, config, setting, pipeline), measure=lambda turn: online.held_out_measures(
            turn, pipeline, limit=config.eval_limit, max_new_tokens=config.eval_max_new_tokens))
    if config.base == "current":
        return made
    start, (write, fit) = Start(), made.cycle
    return replace(made, cycle=(write, Apply("start anew", start.return_to), fit), state={"start": start})


def gather(config: Config, setting: Setting, pipeline: Pipeline, turn: Turn) -> list[Sample]:
    """The accepted answers of a step."""
    prompts = turn.data["train"].take(config.prompts_per_step)
    samples = acceptance.answered(config, turn, turn.models["policy"], prompts, pipeline)
    kept = acceptance.selected(config, samples)
    if config.rationalise:
        solved = {sample.group for sample in kept}
        kept += rationalised(config, setting, turn, [prompt for index, prompt in enumerate(prompts) if index not in solved],
                             pipeline)
    return acceptance.told(turn, kept)


def rationalised(config: Config, setting: Setting, turn: Turn, prompts: Sequence[Sample], pipeline: Pipeline) -> list[Sample]:
    """Accepted answers to the prompts asked with a hint, behind the prompts without it. Prompts without a reference are left
    out, and those that the hint makes too long."""
    asked = [(prompt, hinted) for prompt in prompts if (hinted := _hinted(config, setting, prompt)) is not None]
    if not asked:
        return []
    # The curves and what is shown are those of the unhinted answers.
    quiet = replace(turn, tally=Tally(), wants_rollouts=False)
    samples = acceptance.answered(config, quiet, turn.models["policy"], [hinted for _, hinted in asked], pipeline)
    return [_without_hint(asked[sample.group][0], asked[sample.group][1], sample)
            for sample in acceptance.selected(config, samples)]


def _hinted(config: Config, setting: Setting, prompt: Sample) -> Sample | None:
    record, reference = prompt.record, reference_of(prompt.record)
    if record is None or record.prompt is None or reference is None:
        return None
    hinted = record.model_copy(update={"prompt": extended(record.prompt, after=config.hint.replace("{answer}", reference))})
    found = written_answers.render_prompt(config, setting, hinted, prompt.row)
    return found[0] if found else None


def _without_hint(prompt: Sample, hinted: Sample, sample: Sample) -> Sample:
    """The answer behind the prompt that had no hint."""
    answer, head = sample.ids[hinted.prompt_length:], prompt.ids[: prompt.prompt_length]
    ids = torch.cat([head, answer])
    return replace(sample, ids=ids, mask=torch.arange(len(ids)) >= len(head), prompt_length=len(head), record=prompt.record,
                   channels={name: torch.cat([torch.zeros(len(head)), values[hinted.prompt_length:]])
                             for name, values in sample.channels.items()})


class Start:
    """The trained weights as the run found them; a `composition.Stateful`."""

    def __init__(self) -> None:
        self._held: dict[str, Tensor] = {}

    def return_to(self, turn: Turn) -> None:
        """Puts the policy's weights back and forgets what its optimizer has gathered; the first time it remembers them."""
        trained = {name: parameter for name, parameter in turn.models["policy"].module.named_parameters()
                   if parameter.requires_grad}
        if not self._held:
            self._held = {name: parameter.detach().cpu().clone() for name, parameter in trained.items()}
        with torch.no_grad():
            for name, parameter in trained.items():
                parameter.copy_(self._held[name])
        turn.restart("policy")

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        return self._held, {}

    def restore(self, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
        self._held = tensors

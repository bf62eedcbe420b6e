"""What every method shares that fits a policy to stored pairs by a preference loss (`preference`): DPO and its relatives.

One turn reads P pairs, finds the reference's log-probs where there is one (once for each pair, see `reference`) and takes one
step on the mean of the loss over the pairs, with the chosen answers' negative log-likelihood added where asked. A method says
its `Objective`; everything else is here.

At the edge: a pair that cannot be told apart is left out (see `pairs`); one pair is a batch like any other. For the losses that
sort a batch (aot, aot_unpaired) a step is one group, which is never cut into micro-batches; held-out pairs are sorted within
what is computed at once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Literal, Protocol

import torch
from torch import Tensor

from workers.contract.records import Record
from workers.engine import token_weights
from workers.engine.composition import (
    Apply,
    Collect,
    Composition,
    Evaluation,
    Fit,
    Phase,
    Render,
    Role,
    Setting,
    Stateful,
    Turn,
)
from workers.engine.data import pairs
from workers.engine.data.pairs import LeftOut, sides
from workers.engine.data.perplexity import PerplexityFilter
from workers.engine.families.direct_config import (
    SORTING,
    DirectConfig,
    MovingConfig,
    ReferencedConfig,
    TiedConfig,
    check_settings,
)
from workers.engine.faults import DataFault
from workers.engine.modeling.models import SCORE_TOKENS, pieces_of
from workers.engine.modeling.reference import ReferenceLogProbs, reference_role
from workers.engine.modeling.reference_cache import cache_of
from workers.engine.modeling.reference_sync import MovingReference
from workers.engine.preference import Answers, Options, answers_of, terms
from workers.engine.preference._wpo import pair_weights
from workers.engine.sample import Batch, Counts, Sample, batch_of
from workers.engine.training.running_mean import RunningMean
from workers.engine.training.tally import Tally
from workers.engine.training.training_config import chosen_learning_rate


def referenced_options(config: TiedConfig, beta: float, **more: float) -> Options:
    """The options that every loss with a reference shares, and `more` of them."""
    return Options(beta, divergence=config.f_divergence_type, alpha=config.f_alpha_divergence_coef, **more)


Facts = Callable[[Record, int], tuple[dict[str, float], dict[str, float]]]
"""(record, row) -> scalars of the chosen and of the rejected side. Raises DataFault."""


@dataclass(frozen=True)
class Objective:
    """What a method minimises. `options` gives the loss's for the present β.

    `nll` is the weight of the chosen answers' negative log-likelihood, a mean over their tokens (`response`) or over those of
    the prompt too (`all`). `referenced` False means that the policy's log-probs alone are scores. `running_baseline` compares
    log-ratios with the mean of all before (BCO). `round_steps` replaces the reference by the policy after so many steps. `tell`
    adds curves of its own.
    """

    loss_type: str
    options: Callable[[float], Options]
    referenced: bool = True
    nll: float = 0.0
    nll_on: Literal["response", "all"] = "response"
    running_baseline: bool = False
    round_steps: int = 0
    facts: Facts | None = None
    tell: Callable[[Tally, Answers, Options], None] | None = None


@dataclass(frozen=True)
class Source:
    """Pairs that are made while the run goes on, instead of stored ones.

    `take` answers about so many pairs, each a group of two with the chosen side first and scalar `label`; `render` reads rows for
    it and for `measure`, which names its metrics in full. `best` marks the best checkpoint.
    """

    take: Callable[[Turn, int], list[Sample]]
    render: Render
    measure: Callable[[Turn], dict[str, float]]
    live: Mapping[str, float]
    rollouts_every: int
    best: tuple[str, Literal["up", "down"]] = ("eval/exact_match", "up")


class ReadPair(Protocol):
    """The chosen and the rejected sample of a row, or none and why in `left_out`. Raises DataFault."""

    def __call__(self, record: Record, row: int, left_out: LeftOut) -> list[Sample]: ...


def compose(config: DirectConfig, setting: Setting, objective: Objective, *, source: Source | None = None,
            read: ReadPair | None = None, at_7b: float = 5e-7) -> Composition:
    """A trained policy and its reference, if any; `read` makes the pairs of rows where they are not `pairs.render_pair`'s.

    Raises ConfigFault for settings, pairs or a reference that do not fit.
    """
    pairs.check_length(config, setting)
    check_settings(config, objective.loss_type)
    run = _Run(config, objective, ReferenceLogProbs(cache_of(setting.spec, "train")),
               ReferenceLogProbs(cache_of(setting.spec, "eval")), source)
    held_out = "eval" in setting.spec.datasets
    rate = chosen_learning_rate(config, setting.parameters, at_7b=at_7b, highest=5e-4 if config.use_peft else 5e-5)
    reference = (reference_role(setting, config.max_length),) if objective.referenced else ()
    composition = Composition(
        roles=(Role("policy", trained=True), *reference),
        cycle=(Collect("read", run.collect),
               Fit("fit", ("policy",), run.loss, micro_samples=2 * config.per_device_train_batch_size, keep_groups=True),
               *run.after()),
        data={"train": render(config, setting, objective, run.left_out, read),
              "eval": render(config, setting, objective, LeftOut(), read)},
        total_steps=lambda data: pairs.planned_steps(config, data),
        live={"learning_rate": rate, "beta": config.beta},
        evaluations=(Evaluation("eval", run.measure),) if held_out else (),
        state=run.state(),
        best=("eval/loss", "down") if held_out else None,
    )
    if source is None:
        return composition
    return replace(
        composition, data={"train": source.render, "eval": source.render}, live={**composition.live, **source.live},
        evaluations=(Evaluation("eval", source.measure),) if held_out else (), best=source.best if held_out else None,
        rollouts_every=source.rollouts_every)


def render(config: DirectConfig, setting: Setting, objective: Objective, left_out: LeftOut,
           read: ReadPair | None = None) -> Render:
    """Pairs as samples with the scalars that the objective wants."""
    plain = partial(read, left_out=left_out) if read else pairs.renderer(config, setting, left_out)

    def rendered(record: Record, row: int) -> list[Sample]:
        found = plain(record, row)
        if objective.facts is None or not found:
            return found
        return [replace(sample, scalars=sample.scalars | facts)
                for sample, facts in zip(found, objective.facts(record, row), strict=True)]

    return rendered


class _Run:
    """The phases of one composition and what they keep between turns."""

    def __init__(self, config: DirectConfig, objective: Objective, known: ReferenceLogProbs,
                 known_held_out: ReferenceLogProbs, source: Source | None) -> None:
        self.config, self.objective, self.source = config, objective, source
        self.left_out = LeftOut()
        self.known, self.known_held_out = known, known_held_out
        self.baseline = RunningMean() if objective.running_baseline else None
        self.moving: MovingReference | None = None
        self.filter: PerplexityFilter | None = None
        self.moving_steps = objective.round_steps
        if objective.round_steps:
            self.moving = MovingReference(1.0, self._forget)
        elif isinstance(config, MovingConfig) and config.sync_ref_model:
            self.moving = MovingReference(config.ref_model_mixup_alpha, self._forget)
            self.moving_steps = config.ref_model_sync_steps
        if isinstance(config, ReferencedConfig) and config.perplexity_percentile is not None:
            self.filter = PerplexityFilter(config.perplexity_percentile, config.perplexity_of)

    def after(self) -> tuple[Phase, ...]:
        """What follows the fit."""
        phases: list[Phase] = []
        if self.baseline is not None:
            phases.append(Apply("baseline", self._follow))
        if self.moving is not None:
            phases.append(Apply("sync", self.moving.mix, every=self.moving_steps))
        return tuple(phases)

    def state(self) -> dict[str, Stateful]:
        held: dict[str, Stateful | None] = {"baseline": self.baseline, "moving_reference": self.moving, "perplexity": self.filter}
        if self.objective.referenced:
            held |= {"reference": self.known, "reference_eval": self.known_held_out}
        return {name: each for name, each in held.items() if each is not None}

    def collect(self, turn: Turn) -> list[Sample]:
        """The step's pairs with all that the loss reads. Raises DataFault when the perplexity filter leaves none."""
        count = self.config.per_device_train_batch_size * self.config.gradient_accumulation_steps
        stored = self.source is None
        if self.moving is not None:
            self.moving.settle(turn.models["reference"])
        taken = pairs.take(turn, count, self.left_out) if self.source is None else self.source.take(turn, count)
        taken = self._reference(turn, taken, self.known if stored else None)
        if self.filter is not None:
            taken = self._filtered(turn, self.filter, taken, count)
        if self.objective.loss_type in SORTING:
            taken = [replace(sample, group=0) for sample in taken]
        return [self._counted(sample) for sample in taken]

    def loss(self, turn: Turn, batch: Batch, counts: Counts) -> Tensor:
        """The micro-batch's part of the mean over the step's pairs."""
        scores = turn.models["policy"].score(batch, entropy=True, where=self._scored(batch))
        assert scores.entropy is not None
        turn.tally.mean("entropy", scores.entropy, batch.mask)
        found = self._terms(turn, turn.tally, batch, scores.logprobs).sum() / (counts.sequences / 2)
        if not self.objective.nll:
            return found
        nll = -torch.where(self._likely(batch), scores.logprobs, 0.0)
        return found + self.objective.nll * nll.sum() / counts.scalars["nll_tokens"]

    def measure(self, turn: Turn) -> dict[str, float]:
        """The loss and the training metrics over the first `eval_limit` pairs of the split, as `eval/…`."""
        samples = list(islice(turn.data["eval"].all(), 2 * self.config.eval_limit))
        samples = [self._counted(sample) for sample in self._reference(turn, samples, self.known_held_out)]
        policy, tally = turn.models["policy"], Tally()
        found = 0.0
        for piece in pieces_of(samples, micro_samples=max(1, len(samples)), micro_tokens=SCORE_TOKENS, keep_groups=True):
            batch = batch_of(piece, policy.device)
            with torch.no_grad():
                found += float(self._terms(turn, tally, batch, policy.score(batch, where=self._scored(batch)).logprobs).sum())
        values = tally.values()
        if samples:
            values["loss"] = found / (len(samples) // 2) + self.objective.nll * values.get("nll_loss", 0.0)
        return {f"eval/{name}": value for name, value in values.items()} | {"eval/samples": len(samples) // 2}

    def _terms(self, turn: Turn, tally: Tally, batch: Batch, logprobs: Tensor) -> Tensor:
        """One loss a pair, its curves told."""
        if self.baseline is not None and tally is turn.tally:
            tally.put("bco/baseline", self.baseline.mean * turn.live["beta"])
        weighting = token_weights.weigh(self.config.token_weighting, batch.mask, token_weights.Options(self.config.ld_alpha))
        weights = self._wpo(turn, tally, batch, logprobs) if self.config.use_weighting else 1.0
        answers = answers_of(logprobs, batch, weighting, weights=weights,
                             baseline=0.0 if self.baseline is None else self.baseline.mean)
        options = self.objective.options(turn.live["beta"])
        if "chance" in batch.scalars:
            options = replace(options, label_smoothing=pairs.smoothing(batch, float(options.label_smoothing)))
        tell_answers(tally, answers, turn.live["beta"])
        if self.objective.nll:
            tally.mean("nll_loss", -logprobs, self._likely(batch))
        if self.objective.tell is not None:
            self.objective.tell(tally, answers, options)
        return terms(self.objective.loss_type, answers, options)

    def _wpo(self, turn: Turn, tally: Tally, batch: Batch, logprobs: Tensor) -> Tensor:
        with torch.no_grad():
            sharp = turn.models["policy"].score(batch, temperature=0.5).logprobs
        weights = pair_weights(logprobs, sharp, batch.mask)
        tally.mean("wpo/weights", weights)
        return weights

    def _reference(self, turn: Turn, samples: Sequence[Sample], known: ReferenceLogProbs | None) -> list[Sample]:
        """With channel `ref_logprobs`; what is `known` is not computed, and what never comes again not kept."""
        if not self.objective.referenced:
            return list(samples)
        if self.moving is not None:
            self.moving.settle(turn.models["reference"])
        if known is not None:
            return known.give(turn.models["reference"], samples)
        found = turn.models["reference"].score_all(samples)
        return [sample.with_channel("ref_logprobs", torch.where(sample.mask, row, 0.0))
                for sample, row in zip(samples, found, strict=True)]

    def _filtered(self, turn: Turn, judge: PerplexityFilter, taken: list[Sample], count: int) -> list[Sample]:
        """Reads on, at most once through the data, until the step has its pairs."""
        kept, read = judge.keep(turn, taken, self.config.max_length), count
        while len(kept) < 2 * count and read < turn.data["train"].rows:
            more = self._reference(turn, pairs.take(turn, count - len(kept) // 2, self.left_out), self.known)
            read += len(more) // 2
            kept += judge.keep(turn, more, self.config.max_length)
        if not kept:
            raise DataFault("The perplexity filter drops every pair: the reference would write none of the answers.",
                            "Raise perplexity_percentile, leave it empty, or choose data nearer to the model.")
        return [replace(sample, group=index // 2) for index, sample in enumerate(kept)]

    def _counted(self, sample: Sample) -> Sample:
        """With scalar `nll_tokens`, the tokens whose likelihood the sample brings."""
        if not self.objective.nll:
            return sample
        tokens = int(sample.mask.sum()) if self.objective.nll_on == "response" else len(sample) - 1
        return replace(sample, scalars=sample.scalars | {"nll_tokens": tokens * sample.scalars["label"]})

    def _likely(self, batch: Batch) -> Tensor:
        """Where [2P,T] the likelihood is raised: the chosen answers, or their prompts too."""
        chosen = batch.scalars["label"][:, None] > 0
        if self.objective.nll_on == "response":
            return batch.mask & chosen
        places = torch.arange(batch.ids.shape[1], device=batch.ids.device)
        return chosen & (places > 0) & (places < batch.lengths[:, None])

    def _scored(self, batch: Batch) -> Tensor:
        return batch.mask | self._likely(batch) if self.objective.nll else batch.mask

    def _follow(self, turn: Turn) -> None:
        """The running mean takes in the step's log-ratios."""
        assert self.baseline is not None
        if not turn.stores["batch"]:
            return
        chosen, rejected = (turn.tally.values()[f"rewards/{side}"] for side in ("chosen", "rejected"))
        self.baseline.add((chosen + rejected) / 2 / turn.live["beta"], len(turn.stores["batch"]))

    def _forget(self) -> None:
        self.known.forget()
        self.known_held_out.forget()


def tell_answers(tally: Tally, answers: Answers, beta: float) -> None:
    """`rewards/…` and `logps/…` of a micro-batch's pairs, by TRL's names."""
    chosen, rejected = sides(beta * answers.log_ratio.detach())
    tally.mean("rewards/chosen", chosen)
    tally.mean("rewards/rejected", rejected)
    tally.mean("rewards/margins", chosen - rejected)
    tally.mean("rewards/accuracies", (chosen > rejected).float())
    for name, logps in zip(("chosen", "rejected"), sides(answers.policy), strict=True):
        tally.mean(f"logps/{name}", logps)

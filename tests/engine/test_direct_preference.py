"""DPO and its relatives as runs: their curves, where they begin, exact resume with all that moves, what they refuse."""

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from tests.engine.builders import (
    curve,
    dataset,
    of_type,
    random_sample,
    spec,
    straight_and_resumed,
    sum_pairs,
    train,
    view,
    weights,
)
from workers.contract.records import RecordKind
from workers.contract.run_spec import RunSpec
from workers.engine.data.perplexity import PerplexityFilter, perplexity
from workers.engine.faults import ConfigFault, DataFault
from workers.engine.method import method_of
from workers.engine.modeling.reference_sync import MovingReference
from workers.engine.preference._wpo import pair_weights
from workers.engine.sample import Sample, batch_of
from workers.engine.sampler.grouped import generate
from workers.engine.training.tally import Tally

ALL_ON: dict[str, Any] = {"loss_type": "bco_pair", "bco_running_mean": True, "rpo_alpha": 0.5, "use_weighting": True,
                          "token_weighting": "ld", "perplexity_percentile": 100.0, "perplexity_of": "chosen"}


def rows(count: int = 8, seed: int = 1) -> list[dict[str, Any]]:
    return [row | {"margin": 2.0, "extra": {"chosen_safe": True, "rejected_safe": True}} for row in sum_pairs(count, seed)]


def given(folder: Path, model: Path, method: str = "dpo", *, name: str = "run", data: list[dict[str, Any]] | None = None,
          held_out: bool = False, **config: Any) -> RunSpec:
    pairs = dataset(folder / f"data-{name}", data or rows(), kind=RecordKind.PREFERENCE)
    test = dataset(folder / f"data-{name}", rows(seed=2), kind=RecordKind.PREFERENCE, split="test") if held_out else None
    return spec(folder / name, model=model, data=pairs, held_out=test, method=method, **config)


@pytest.mark.parametrize(("method", "config"), [
    ("dpo", ALL_ON), ("ipo", {}), ("rpo", {}), ("bfpo", {}), ("cpo", {}), ("simpo", {}), ("orpo", {"nll_on": "all"}),
    ("step-dpo", {})])
def test_every_relative_logs_what_its_card_names_and_leaves_a_model(tmp_path: Path, small: Path, method: str,
                                                                    config: dict[str, Any]) -> None:
    always: dict[str, Any] = {"use_weighting": True, "learning_rate": 1e-2, "eval_steps": 3, "max_steps": 4}
    if method in {"ipo", "rpo", "bfpo", "step-dpo"}:
        always |= {"perplexity_percentile": 100.0, "rpo_alpha": 0.1}
    found = train(given(tmp_path, small, method, held_out=True, **(always | config)))
    logged = {name for event in of_type(found, "metrics") for name in event.values}
    assert logged == {metric.name for metric in method_of(method).CARD.metrics}
    assert [event.kind for event in of_type(found, "artifact")] == ["model"]


def kl(p: float, q: float) -> float:
    return p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))


@pytest.mark.parametrize(("method", "config", "first"), [
    ("ipo", {}, 25.0), ("bfpo", {}, 25.0), ("rpo", {"rpo_alpha": 0.0}, kl(1 / (1 + math.exp(-2)), 0.5)),
    ("dpo", {"loss_type": "sppo_hard", "token_weighting": "length_mean"}, 50.0),
    ("dpo", {"loss_type": "aot", "f_divergence_type": "reverse_kl"}, math.log(2))])
def test_it_begins_where_its_formula_says_and_goes_down(tmp_path: Path, small: Path, method: str, config: dict[str, Any],
                                                        first: float) -> None:
    losses = curve(train(given(tmp_path, small, method, learning_rate=5e-3, max_steps=4, **config)))
    assert losses[1] == pytest.approx(first, rel=1e-5)
    assert losses[4] < losses[1]


def test_micro_batches_change_nothing_also_with_a_likelihood_term(tmp_path: Path, small: Path) -> None:
    configs: list[tuple[str, dict[str, Any]]] = [
        ("orpo", {"nll_on": "all"}), ("dpo", {"loss_type": "bco_pair", "bco_running_mean": True, "rpo_alpha": 1.0}),
        ("dpo", {"loss_type": "aot", "rpo_alpha": 0.1})]
    for method, config in configs:
        place = tmp_path / method / config.get("loss_type", "")
        whole = train(given(place, small, method, name="whole", per_device_train_batch_size=6, max_steps=3, **config))
        cut = train(given(place, small, method, name="cut", per_device_train_batch_size=2, max_steps=3,
                          gradient_accumulation_steps=3, **config))
        for name in ("loss", "grad_norm", "nll_loss", "rewards/margins"):
            assert list(curve(cut, name).values()) == pytest.approx(list(curve(whole, name).values()), rel=1e-3, abs=1e-5)


def test_a_resumed_run_is_the_uninterrupted_one_to_the_bit_with_all_that_moves(tmp_path: Path, small: Path) -> None:
    moving = ALL_ON | {"sync_ref_model": True, "ref_model_sync_steps": 1, "ref_model_mixup_alpha": 0.5, "max_steps": 5,
                       "learning_rate": 1e-2, "per_device_train_batch_size": 3}
    whole, rest = straight_and_resumed(lambda name: given(tmp_path, small, name=name, **moving))
    for name in ("loss", "rewards/margins", "bco/baseline", "ppl/kept_fraction", "grad_norm"):
        assert curve(rest, name) == curve(whole, name, after=2), name
    final, resumed = weights(tmp_path, "whole"), weights(tmp_path, "again")
    assert all(torch.equal(final[name], resumed[name]) for name in final)
    assert len(set(curve(whole, "bco/baseline").values())) > 2


def test_a_reference_replaced_at_every_step_leaves_nothing_to_gain(tmp_path: Path, small: Path) -> None:
    found = train(given(tmp_path, small, learning_rate=1e-2, sync_ref_model=True, ref_model_sync_steps=1,
                        ref_model_mixup_alpha=1.0, max_steps=3))
    assert list(curve(found).values()) == pytest.approx([math.log(2)] * 3, rel=1e-5)
    assert list(curve(found, "rewards/chosen").values()) == pytest.approx([0.0] * 3, abs=1e-5)


def test_the_mixture_is_the_weights_own() -> None:
    policy, reference, forgotten = view(seed=1), view(trained=False), []
    before = {name: each.clone() for name, each in reference.module.named_parameters()}
    moving = MovingReference(0.25, lambda: forgotten.append(True))
    moving.mix(SimpleNamespace(models={"policy": policy, "reference": reference}))  # type: ignore[arg-type]
    for name, weight in policy.module.named_parameters():
        wanted = 0.25 * weight.detach() + 0.75 * before[name]
        torch.testing.assert_close(dict(reference.module.named_parameters())[name], wanted)
    assert forgotten == [True]


def test_wpo_weights_are_those_of_the_whole_vocabulary() -> None:
    policy = view()
    batch = batch_of([replace(random_sample(length, seed=length, trained_from=3), group=0) for length in (9, 6)])
    with torch.no_grad():
        logs = torch.log_softmax(policy.module(input_ids=batch.ids).logits.float(), -1)[:, :-1]
        plain, sharp = (policy.score(batch, temperature=temperature).logprobs for temperature in (1.0, 0.5))
    chosen = logs.gather(-1, batch.ids[:, 1:, None]).squeeze(-1) - (2 * logs).logsumexp(-1)
    mask = batch.mask[:, 1:]
    wanted = (torch.where(mask, chosen, 0.0).sum(-1) / mask.sum(-1)).exp().prod()
    torch.testing.assert_close(pair_weights(plain, sharp, batch.mask), wanted[None], rtol=1e-4, atol=1e-4)


def test_perplexity_is_the_catalogues() -> None:
    assert perplexity(torch.tensor([-0.1, -2.0, -0.5, -1.0])) == pytest.approx(2.459603, abs=1e-6)
    assert perplexity(torch.empty(0)) == 1.0


def test_the_filter_keeps_everything_that_the_reference_wrote_at_percentile_100_and_half_at_50() -> None:
    reference, prompts = view(trained=False), [random_sample(length, seed=length).ids for length in (4, 5, 6, 7)]
    shown = [Sample(prompt.repeat(2), torch.arange(2 * len(prompt)) >= len(prompt)) for prompt in prompts for _ in "wl"]

    def turn() -> Any:
        torch.manual_seed(5)
        return SimpleNamespace(models={"reference": reference}, data={"train": SimpleNamespace(all=lambda: iter(shown))},
                               tokenizer=SimpleNamespace(eos_token_id=2), say=lambda text: None, tally=Tally())

    turn()
    own = generate(reference, prompts, count=1, max_new_tokens=7, temperature=1.0, end_ids=[2])
    written = [answer.sample().with_channel("ref_logprobs", answer.sample().channels["old_logprobs"])
               for answer in own for _ in "wl"]
    for percentile, kept in ((100.0, 4), (50.0, 2)):
        given_turn = turn()
        found = PerplexityFilter(percentile, "both").keep(given_turn, written, max_length=14)
        assert len(found) == 2 * kept
        assert given_turn.tally.values()["ppl/kept_fraction"] == pytest.approx(kept / 4)


def test_a_filter_that_drops_every_pair_says_so(tmp_path: Path, small: Path) -> None:
    with pytest.raises(DataFault, match="drops every pair"):
        train(given(tmp_path, small, perplexity_percentile=1e-9))


@pytest.mark.parametrize("loss_type", ["aot", "aot_unpaired", "bco_pair"])
def test_one_pair_is_a_batch_and_sorting_it_is_dpo(tmp_path: Path, small: Path, loss_type: str) -> None:
    one: dict[str, Any] = {"data": rows(1), "per_device_train_batch_size": 1, "max_steps": 3}
    found = train(given(tmp_path, small, loss_type=loss_type, **one))
    assert curve(found)[3] < curve(found)[1]
    if loss_type != "bco_pair":
        plain = train(given(tmp_path, small, name="dpo", **one))
        assert list(curve(found).values()) == pytest.approx(list(curve(plain).values()))


@pytest.mark.parametrize(("config", "sentence"), [
    ({"loss_type": "aot_unpaired", "use_weighting": True}, "would land on another pair"),
    ({"loss_type": "nca_pair", "f_divergence_type": "js_divergence"}, "leaves a constant open"),
    ({"sync_ref_model": True, "use_peft": True}, "cannot follow it")])
def test_settings_that_contradict_each_other_are_refused_with_a_remedy(tmp_path: Path, small: Path, config: dict[str, Any],
                                                                       sentence: str) -> None:
    with pytest.raises(ConfigFault, match=sentence) as refused:
        train(given(tmp_path, small, **config))
    assert refused.value.remedy


@pytest.mark.parametrize(("method", "sentence"), [("rpo", "how much better"), ("bfpo", "which of its answers are safe")])
def test_a_row_without_what_the_loss_reads_is_named(tmp_path: Path, small: Path, method: str, sentence: str) -> None:
    with pytest.raises(DataFault, match=rf"^Row \d+ does not say {sentence}"):
        train(given(tmp_path, small, method, data=sum_pairs(4)))


def test_scores_of_both_answers_stand_for_a_margin(tmp_path: Path, small: Path) -> None:
    scored = [row | {"extra": {"score_chosen": 3, "score_rejected": 1.0}} for row in sum_pairs(4)]
    found = train(given(tmp_path, small, "rpo", data=scored, max_steps=1, rpo_alpha=0.0))
    assert curve(found)[1] == pytest.approx(kl(1 / (1 + math.exp(-2)), 0.5), rel=1e-5)

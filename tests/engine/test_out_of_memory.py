"""Memory runs out where the engine computes: less is computed at once from there on, it is told, and no result changes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.engine.builders import curve, of_type, random_sample, train, view
from tests.engine.catalogue_specs import cards, smallest
from workers.engine.faults import MemoryFault
from workers.engine.modeling import models
from workers.engine.modeling.flat_rows import flat
from workers.engine.modeling.models import Scorer
from workers.engine.sample import batch_of
from workers.engine.sampler import grouped
from workers.engine.training import memory

CARDS = cards()
OUT = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


@pytest.fixture(autouse=True)
def _forget() -> None:
    memory.begin(lambda message: None)


def room_for(rows: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Backward of more than so many samples fails as it does on a GPU that is full; answers the sizes that were tried."""
    whole, tried = Scorer.forward, list[int]()

    def forward(scorer: Scorer, ids: torch.Tensor, positions: torch.Tensor, *more: Any) -> Any:
        samples = int((positions == 0).sum())
        if torch.is_grad_enabled():
            tried.append(samples)
        found = whole(scorer, ids, positions, *more)
        if torch.is_grad_enabled() and samples > rows:
            found[0][0].register_hook(_full)
        return found

    def _full(_: torch.Tensor) -> None:
        raise OUT

    monkeypatch.setattr(Scorer, "forward", forward)
    return tried


def alerts(found: list[Any]) -> list[Any]:
    return [event for event in of_type(found, "alert") if event.code == "out_of_memory"]


@pytest.mark.parametrize("slug", ["sft-instruct", "dpo", "grpo"])
def test_a_micro_batch_that_does_not_fit_is_halved_once_for_all_and_the_curve_stays(
    tmp_path: Path, small: Path, monkeypatch: pytest.MonkeyPatch, slug: str
) -> None:
    """The first micro-batches of the update fit and leave gradients behind before one does not."""
    sizes: dict[str, Any] = {"per_device_train_batch_size": 6, "prompts_per_step": 4, "gradient_accumulation_steps": 1}
    card = CARDS[slug]
    straight = curve(train(smallest(tmp_path, card, model=small, name="straight", **sizes)))
    with monkeypatch.context() as patched:
        room_for({"sft-instruct": 2, "dpo": 3, "grpo": 1}[slug], patched)
        given = smallest(tmp_path, card, model=small, name="full", **sizes)
        found = train(given)
        assert curve(found) == pytest.approx(straight, abs=1e-6, rel=1e-6)
        told = alerts(found)
        assert {event.step for event in told} == {1}
        assert "samples at once" in told[0].message
        # What was learned about memory is in the checkpoint: going on, nothing is tried in vain.
        on = given.model_copy(update={"output_dir": str(tmp_path / "on"), "limits": given.limits,
                                      "resume_from": str(tmp_path / "full" / "checkpoints" / "step-00000001")})
        resumed = train(on)
    assert not alerts(resumed)
    assert curve(resumed) == {step: loss for step, loss in curve(found).items() if step > 1}


def test_what_was_told_before_memory_ran_out_counts_once(
    tmp_path: Path, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = smallest(tmp_path, CARDS["sft-instruct"], model=small, name="straight", per_device_train_batch_size=2,
                     gradient_accumulation_steps=3)
    straight = train(given)
    calls = iter(range(1_000_000))
    whole = Scorer.forward

    def forward(scorer: Scorer, *given: Any) -> Any:
        if torch.is_grad_enabled() and next(calls) == 2:
            raise OUT
        return whole(scorer, *given)

    monkeypatch.setattr(Scorer, "forward", forward)
    found = train(given.model_copy(update={"output_dir": str(tmp_path / "full")}))
    for name in ("loss", "mean_token_accuracy", "entropy", "num_tokens", "grad_norm"):
        assert curve(found, name) == pytest.approx(curve(straight, name), rel=1e-5, abs=1e-6), name
    assert len(alerts(found)) == 1


def test_one_sample_that_does_not_fit_ends_the_run_and_says_what_to_lower(
    tmp_path: Path, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room_for(0, monkeypatch)
    with pytest.raises(MemoryFault, match="micro-batches of one sample") as refused:
        train(smallest(tmp_path, CARDS["sft-instruct"], model=small))
    assert "gradient_checkpointing" in refused.value.remedy
    assert memory.limits() == {"fit": 1}


def failing_above(most: int, size: Callable[..., int], whole: Callable[..., Any]) -> Callable[..., Any]:
    def called(*given: Any, **named: Any) -> Any:
        if size(*given) > most:
            raise OUT
        return whole(*given, **named)

    return called


def test_scoring_goes_on_in_halves_with_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    memory.begin(told.append)
    samples = [random_sample(length, seed=length) for length in (9, 4, 12, 7, 5)]
    model = view(trained=False)
    straight = model.score_all(samples)
    monkeypatch.setattr(models, "flat", failing_above(2, lambda batch, where: batch.size, flat))
    for one, other in zip(straight, model.score_all(samples), strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-6)
    assert len(told) == 1
    assert "tokens at once (scoring)" in told[0]
    told.clear()
    model.score(batch_of(samples))
    assert not told
    monkeypatch.setattr(models, "flat", failing_above(0, lambda batch, where: batch.size, flat))
    with torch.no_grad(), pytest.raises(MemoryFault, match="nothing left to halve"):
        model.score(batch_of(samples))


def test_answers_are_written_to_fewer_prompts_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    memory.begin(told.append)
    model, prompts = view(trained=False), [torch.tensor([7 + index, 9]) for index in range(5)]
    straight = grouped.generate(model, prompts, count=2, max_new_tokens=4, temperature=0.0)
    monkeypatch.setattr(grouped, "decode", failing_above(2, lambda module, piece: len(piece), grouped.decode))
    found = grouped.generate(model, prompts, count=2, max_new_tokens=4, temperature=0.0)
    assert [answer.completion_ids.tolist() for answer in found] == [answer.completion_ids.tolist() for answer in straight]
    assert memory.limits() == {memory.WRITING: 2}
    assert len(told) == 1

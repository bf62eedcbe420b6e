"""The reference's log-probs: computed once by content, whole after a checkpoint, kept for later runs, from the right model."""

import os
from pathlib import Path

import pytest
import torch

from tests.engine.builders import random_sample, view
from workers.contract.records import RecordKind
from workers.contract.run_spec import DatasetRef, ModelRef, RunSpec
from workers.engine.modeling import reference_cache
from workers.engine.modeling.reference import ReferenceLogProbs
from workers.engine.modeling.reference_cache import VARIABLE, cache_of
from workers.engine.sample import Sample


class Counting:
    """A view that counts the samples it is asked about."""

    def __init__(self) -> None:
        self.model, self.asked = view(trained=False), 0

    def score_all(self, samples: list[Sample]) -> list[torch.Tensor]:
        self.asked += len(samples)
        return self.model.score_all(samples)


def samples() -> list[Sample]:
    return [random_sample(length, seed=length, trained_from=3) for length in (9, 5, 14)]


def test_each_content_is_computed_once_whatever_its_row_and_place() -> None:
    model, known = Counting(), ReferenceLogProbs()
    first = known.give(model, samples())  # type: ignore[arg-type]
    again = known.give(model, samples()[::-1])  # type: ignore[arg-type]
    assert model.asked == 3
    for one, other in zip(first, again[::-1], strict=True):
        assert torch.equal(one.channels["ref_logprobs"], other.channels["ref_logprobs"])


def test_the_channel_is_the_models_log_probs_on_trained_tokens_and_zero_elsewhere() -> None:
    found = ReferenceLogProbs().give(view(trained=False), samples())
    for sample, wanted in zip(found, view(trained=False).score_all(samples()), strict=True):
        torch.testing.assert_close(sample.channels["ref_logprobs"], wanted)
        assert not bool(sample.channels["ref_logprobs"][~sample.mask].any())


@pytest.mark.parametrize("change", ["ids", "mask"])
def test_another_token_or_mask_is_another_content(change: str) -> None:
    model, known = Counting(), ReferenceLogProbs()
    one, other = samples()[0], samples()[0]
    if change == "ids":
        other.ids[-1] += 1
    else:
        other.mask[-1] = False
    known.give(model, [one, other])  # type: ignore[arg-type]
    assert model.asked == 2


@pytest.mark.parametrize("filled", [True, False])
def test_what_is_known_survives_a_checkpoint_to_the_bit(tmp_path: Path, filled: bool) -> None:
    model, known, restored = Counting(), ReferenceLogProbs(), ReferenceLogProbs()
    before = known.give(model, samples()) if filled else []  # type: ignore[arg-type]
    restored.restore(*known.state())
    after = restored.give(model, samples()) if filled else []  # type: ignore[arg-type]
    assert model.asked == (3 if filled else 0)
    assert all(torch.equal(one.channels["ref_logprobs"], other.channels["ref_logprobs"])
               for one, other in zip(before, after, strict=True))


def tied(model: str = "m", data: str = "d", **config: object) -> RunSpec:
    """A spec of which only what names the cache's file matters."""
    return RunSpec(method="dpo", config=config, output_dir="/nowhere", models={"policy": ModelRef(path="/m", weights_hash=model)},
                   datasets={"train": DatasetRef(path="/d", kind=RecordKind.PREFERENCE, content_hash=data)})


def run(given: RunSpec) -> tuple[Counting, list[Sample]]:
    """What a run computes and finds, to its last checkpoint."""
    model, known = Counting(), ReferenceLogProbs(cache_of(given, "train"))
    found = known.give(model, samples())  # type: ignore[arg-type]
    known.state()
    return model, found


def test_a_later_run_finds_what_an_earlier_one_computed_to_the_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    first, before = run(tied(beta=0.1))
    again, after = run(tied(beta=0.5))
    assert (first.asked, again.asked) == (3, 0)
    assert all(torch.equal(one.channels["ref_logprobs"], other.channels["ref_logprobs"])
               for one, other in zip(before, after, strict=True))
    assert run(tied(model="other"))[0].asked == run(tied(data="other"))[0].asked == run(tied(max_length=9))[0].asked == 3
    assert [path.suffix for path in tmp_path.iterdir()] == [".safetensors"] * 4


@pytest.mark.parametrize("harm", ["cut", "flipped", "empty"])
def test_a_harmed_file_is_computed_again_and_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: str) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    run(tied())
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    path.write_bytes({"cut": whole[:-3], "flipped": whole[:-1] + bytes([whole[-1] ^ 1]), "empty": b""}[harm])
    assert run(tied())[0].asked == 3
    assert run(tied())[0].asked == 0


def test_nothing_is_kept_of_what_is_not_known_or_moves_nor_where_there_is_no_place(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_of(tied(), "train") is None
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert cache_of(tied(model=""), "train") is None
    assert cache_of(tied(data=""), "train") is None
    assert cache_of(tied(sync_ref_model=True), "train") is None
    assert cache_of(tied(), "eval") is None
    (tmp_path / "file").touch()
    monkeypatch.setenv(VARIABLE, str(tmp_path / "file"))
    assert run(tied())[0].asked == 3


def test_the_files_used_longest_ago_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    run(tied("first"))
    (first,) = tmp_path.iterdir()
    os.utime(first, (1, 1))
    monkeypatch.setattr(reference_cache, "MOST_BYTES", int(2.5 * first.stat().st_size))
    run(tied("second"))
    run(tied("third"))
    assert first not in tmp_path.iterdir()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_reference_that_moved_is_asked_again_and_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    model, known = Counting(), ReferenceLogProbs(cache_of(tied(), "train"))
    known.give(model, samples())  # type: ignore[arg-type]
    known.forget()
    known.give(model, samples())  # type: ignore[arg-type]
    known.state()
    assert model.asked == 6
    assert list(tmp_path.iterdir()) == []

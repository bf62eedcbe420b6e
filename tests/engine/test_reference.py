"""The reference's log-probs: computed once by content, whole after a checkpoint, from the right model."""

from pathlib import Path

import pytest
import torch

from tests.engine.builders import random_sample, view
from workers.engine.reference import ReferenceLogProbs
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

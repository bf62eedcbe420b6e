"""The chunked pass equals the naive one, gradients included."""

import pytest
import torch

from tests.engine.builders import random_sample, view
from workers.engine.modeling import logprobs
from workers.engine.modeling.logprobs import token_logprobs
from workers.engine.sample import batch_of


def naive(
    hidden: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor, temperature: float
) -> tuple[torch.Tensor, torch.Tensor]:
    logs = torch.log_softmax(hidden @ weight.T / temperature, -1)
    return logs.gather(-1, targets[:, None]).squeeze(-1), -(logs.exp() * logs).sum(-1)


@pytest.mark.parametrize("tile", [8, 64, 1 << 22])
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_values_and_gradients_equal_the_naive_pass(tile: int, temperature: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logprobs, "TILE_ELEMENTS", tile)
    torch.manual_seed(0)
    hidden, weight = torch.randn(7, 5, requires_grad=True), torch.randn(11, 5, requires_grad=True)
    targets, up, spread = torch.randint(11, (7,)), torch.randn(7), torch.randn(7)
    found, entropy, _ = token_logprobs(hidden, weight, targets, temperature=temperature, entropy=True)
    wanted, wanted_entropy = naive(hidden, weight, targets, temperature)
    assert entropy is not None
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(entropy, wanted_entropy, atol=1e-5, rtol=1e-5)
    ours = torch.autograd.grad((found * up + entropy * spread).sum(), [hidden, weight])
    theirs = torch.autograd.grad((wanted * up + wanted_entropy * spread).sum(), [hidden, weight])
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


def test_worked_number_of_three_tokens() -> None:
    weight = torch.tensor([[0.0], [1.0], [2.0]])
    found, entropy, correct = token_logprobs(torch.tensor([[1.0]]), weight, torch.tensor([2]), entropy=True)
    assert found.item() == pytest.approx(-0.407606, abs=1e-5)
    assert entropy is not None
    assert entropy.item() == pytest.approx(0.832395, abs=1e-5)
    assert correct.item()


def test_no_tensor_of_the_whole_batch_times_vocabulary_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logprobs, "TILE_ELEMENTS", 100)
    sizes: list[int] = []
    tile = logprobs.tile_logits

    def measured(hidden: torch.Tensor, weight: torch.Tensor, temperature: float) -> torch.Tensor:
        sizes.append(len(hidden))
        return tile(hidden, weight, temperature)

    monkeypatch.setattr(logprobs, "tile_logits", measured)
    token_logprobs(torch.randn(50, 4), torch.randn(20, 4), torch.randint(20, (50,)))
    assert max(sizes) * 20 <= 100


@pytest.mark.parametrize("lengths", [[12, 12, 12], [3, 40, 17, 17, 2, 29]])
def test_a_batch_scores_as_each_sample_does_alone_through_transformers(lengths: list[int]) -> None:
    model = view()
    samples = [random_sample(length, seed=index, trained_from=length // 3) for index, length in enumerate(lengths)]
    scores = model.score(batch_of(samples), entropy=True)
    for row, sample in enumerate(samples):
        logs = torch.log_softmax(model.module(input_ids=sample.ids[None], use_cache=False).logits[0, :-1], -1)
        wanted = logs.gather(-1, sample.ids[1:, None]).squeeze(-1)
        kept = sample.mask[1:]
        torch.testing.assert_close(scores.logprobs[row, 1: len(sample)][kept], wanted[kept], atol=1e-5, rtol=1e-5)


def test_what_is_masked_scores_zero_and_changes_nothing() -> None:
    model = view()
    sample = random_sample(20, trained_from=8)
    other = random_sample(20, trained_from=8)
    other.mask[12:] = False
    full, cut = (model.score(batch_of([one])).logprobs[0] for one in (sample, other))
    assert torch.equal(cut[12:], torch.zeros(8))
    torch.testing.assert_close(cut[8:12], full[8:12], atol=1e-6, rtol=1e-6)


def test_gradient_of_a_packed_row_equals_the_sum_of_the_samples_alone() -> None:
    model = view()
    samples = [random_sample(length, seed=length) for length in (5, 30, 11)]
    torch.autograd.backward(model.score(batch_of(samples)).logprobs.sum())
    together = [parameter.grad.clone() for parameter in model.module.parameters()]
    model.module.zero_grad()
    for sample in samples:
        torch.autograd.backward(model.score(batch_of([sample])).logprobs.sum())
    for parameter, grad in zip(model.module.parameters(), together, strict=True):
        torch.testing.assert_close(parameter.grad, grad, atol=1e-4, rtol=1e-4)


def test_no_document_of_a_row_sees_another() -> None:
    model = view()
    first, second, changed = random_sample(20, seed=1), random_sample(9, seed=2), random_sample(9, seed=3)
    one = model.score(batch_of([first, second])).logprobs[0]
    other = model.score(batch_of([first, changed])).logprobs[0]
    assert torch.equal(one[: len(first)], other[: len(first)])


def test_nothing_to_score_gives_zeros_without_a_model_pass() -> None:
    sample = random_sample(6)
    sample.mask[:] = False
    assert not view().score(batch_of([sample])).logprobs.any()


def test_gradient_checkpointing_changes_no_gradient() -> None:
    plain, saving = view(), view()
    saving.module.activation_checkpointing_enable(activation_checkpointing_kwargs={"use_reentrant": False})
    batch = batch_of([random_sample(12), random_sample(25, seed=4)])
    for model in (plain, saving):
        torch.autograd.backward(model.score(batch).logprobs.sum())
    for one, other in zip(plain.module.parameters(), saving.module.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, atol=1e-6, rtol=1e-5)


def test_a_sliding_window_hides_what_lies_further_back() -> None:
    from workers.engine.modeling.flat_attention import flat_attention, layout_of

    torch.manual_seed(0)
    query, key, value = (torch.randn(1, 2, 10, 4) for _ in range(3))
    out, _ = flat_attention(torch.nn.Identity(), query, key, value, None, layout=layout_of([10]), sliding_window=3)
    weights = torch.softmax((query[0, 0, 9] @ key[0, 0, 7:10].T) / 2.0, -1)
    torch.testing.assert_close(out[0, 9, 0], weights @ value[0, 0, 7:10])

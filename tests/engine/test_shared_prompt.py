"""One pass over a group's prompt gives the numbers and gradients of a pass for each answer."""

import pytest
import torch

from tests.engine.builders import view
from workers.engine.sample import Batch, Sample, batch_of


def group(index: int, prompt: int, answers: list[int]) -> list[Sample]:
    """Answers of these lengths to one random prompt."""
    draw = torch.Generator().manual_seed(index)
    shared = torch.randint(7, 260, (prompt,), generator=draw)
    found = []
    for length in answers:
        ids = torch.cat([shared, torch.randint(7, 260, (length,), generator=draw)])
        found.append(Sample(ids=ids, mask=torch.arange(len(ids)) >= prompt, prompt_length=prompt, group=index))
    return found


def alone(batch: Batch) -> Batch:
    """The same samples as strangers to each other."""
    for sample in batch.samples:
        sample.group = -1
    return batch


BATCHES = {
    "even": [*group(0, 5, [3, 3, 3]), *group(1, 5, [3, 3, 3])],
    "uneven": [*group(0, 5, [3, 1, 9]), *group(1, 12, [2, 2]), *group(2, 4, [6])],
    "one token each": [*group(0, 6, [1, 1]), *group(1, 2, [1, 4])],
}


def scored(samples: list[Sample], *, shared: bool) -> tuple[torch.Tensor, torch.Tensor, list[torch.Tensor]]:
    """Log-probs, entropy, and the gradient of a weighted sum of the log-probs."""
    model = view()
    batch = batch_of(samples)
    groups = [sample.group for sample in samples]
    found = model.score(batch if shared else alone(batch), temperature=0.8, entropy=True)
    for sample, index in zip(samples, groups, strict=True):
        sample.group = index
    weights = torch.linspace(-1, 1, found.logprobs.numel()).view_as(found.logprobs)
    (found.logprobs * weights).sum().backward()
    assert found.entropy is not None
    return found.logprobs.detach(), found.entropy.detach(), [p.grad for p in model.module.parameters() if p.grad is not None]


@pytest.mark.parametrize("name", list(BATCHES))
def test_sharing_the_prompt_changes_no_log_prob_no_entropy_and_no_gradient(name: str) -> None:
    ours, plain = scored(BATCHES[name], shared=True), scored(BATCHES[name], shared=False)
    assert torch.allclose(ours[0], plain[0], atol=1e-5)
    assert torch.allclose(ours[1], plain[1], atol=1e-5)
    for mine, theirs in zip(ours[2], plain[2], strict=True):
        assert torch.allclose(mine, theirs, atol=1e-5)


def tokens_computed(samples: list[Sample]) -> int:
    """Tokens that go through the model's layers."""
    model, seen = view(), []
    model.module.base_model.embed_tokens.register_forward_hook(lambda module, given, out: seen.append(given[0].numel()))
    model.score(batch_of(samples))
    return sum(seen)


def test_a_groups_prompt_is_computed_once_and_other_samples_as_before() -> None:
    # Of an answer the last token is never fed: nothing after it is scored.
    assert tokens_computed(group(0, 50, [4, 4, 4, 4])) == 50 + 4 * 3
    assert tokens_computed([*group(0, 50, [4]), *group(1, 50, [4])]) == 2 * (50 + 3)


def test_a_group_whose_prompts_differ_shares_nothing() -> None:
    samples = [*group(0, 5, [3]), *group(1, 5, [3])]
    samples[1].group = 0
    assert tokens_computed(samples) == 2 * (5 + 2)


def test_an_answer_that_is_left_out_does_not_spoil_its_group() -> None:
    samples = group(0, 5, [3, 4, 2])
    samples[0].mask = torch.zeros_like(samples[0].mask)
    ours, plain = scored(samples, shared=True), scored(samples, shared=False)
    assert torch.allclose(ours[0], plain[0], atol=1e-5)
    assert not ours[0][0].any()

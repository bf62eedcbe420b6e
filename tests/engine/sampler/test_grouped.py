"""The sampler equals plain generate when greedy, tells true log-probs, drops ended rows and draws the right law."""

from typing import Any

import pytest
import torch
from torch import Tensor

from tests.engine.sampler.models import View, model
from workers.engine.sample import Rollout
from workers.engine.sampler.cache import left_padded
from workers.engine.sampler.draw import draw, filtered
from workers.engine.sampler.grouped import generate

KINDS = ["llama", "qwen2", "gemma", "gpt2", "mistral-sliding"]
PROMPTS = [torch.tensor(ids) for ids in ([5, 6, 7, 8], [9], [3, 4], [5, 6, 7, 8, 9, 10, 11])]


def sample(module: Any, prompts: list[Tensor] = PROMPTS, **options: Any) -> list[Rollout]:
    settings: dict[str, Any] = {"count": 3, "max_new_tokens": 12, "temperature": 1.0, "end_ids": [2]}
    return generate(View(module), prompts, **(settings | options))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("end_ids", [[], [2, 11, 12, 13, 14, 15, 16, 17]])
def test_greedy_answers_are_those_of_plain_generate(kind: str, end_ids: list[int]) -> None:
    module = model(kind)
    found = sample(module, temperature=0, count=2, end_ids=end_ids)
    for index, rollout in enumerate(found):
        prompt = PROMPTS[index // 2].unsqueeze(0)
        plain = module.generate(prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=12, do_sample=False,
                                eos_token_id=end_ids or [36_000], pad_token_id=0)[0, prompt.shape[1]:]
        assert rollout.completion_ids.tolist() == plain.tolist()
        assert rollout.ended is (int(plain[-1]) in end_ids)


@pytest.mark.parametrize("kind", KINDS)
def test_log_probs_are_those_of_a_plain_forward_at_the_sampling_temperature(kind: str) -> None:
    module = model(kind)
    torch.manual_seed(1)
    for rollout in sample(module, temperature=0.7, end_ids=[2, 3, 4, 5]):
        ids = torch.cat([rollout.prompt_ids, rollout.completion_ids])
        with torch.no_grad():
            logs = (module(ids.unsqueeze(0)).logits[0] / 0.7).log_softmax(-1)
        start = len(rollout.prompt_ids)
        expected = logs[start - 1:-1].gather(-1, rollout.completion_ids.unsqueeze(-1)).squeeze(-1)
        assert torch.allclose(rollout.logprobs, expected, atol=2e-4)


def test_an_answer_ends_with_its_first_end_token_or_at_the_limit() -> None:
    torch.manual_seed(0)
    found = sample(model("llama"), count=64, end_ids=[2, 7, 9])
    assert {rollout.ended for rollout in found} == {True, False}
    for rollout in found:
        ends = [int(token) in (2, 7, 9) for token in rollout.completion_ids]
        assert ends[-1] is rollout.ended
        assert not any(ends[:-1])
        assert rollout.ended or len(rollout.completion_ids) == 12


def test_equal_seeds_give_equal_answers_and_others_differ() -> None:
    module = model("llama")
    runs = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        runs.append([rollout.completion_ids.tolist() for rollout in sample(module)])
    assert runs[0] == runs[1] != runs[2]


def test_greedy_takes_no_random_numbers() -> None:
    module = model("llama")
    before = torch.random.get_rng_state()
    sample(module, temperature=0)
    assert torch.equal(before, torch.random.get_rng_state())


def test_many_rows_are_cut_into_pieces_with_the_same_greedy_answers() -> None:
    module = model("llama")
    whole, pieces = (sample(module, temperature=0, max_rows=rows) for rows in (1024, 3))
    assert [r.completion_ids.tolist() for r in whole] == [r.completion_ids.tolist() for r in pieces]


def distance(counts: Tensor, expected: Tensor) -> float:
    """Pearson's χ². With at most four degrees of freedom a true law passes 24 once in ten thousand seeds."""
    return ((counts - expected).square() / expected).sum().item()


LOGITS = torch.tensor([2.0, 1.0, 0.0, -1.0, 0.5])


@pytest.mark.parametrize(
    ("options", "kept"),
    [({}, [0, 1, 2, 3, 4]), ({"top_k": 2}, [0, 1]), ({"top_p": 0.5}, [0]), ({"top_p": 0.7}, [0, 1]), ({"min_p": 0.3}, [0, 1]),
     ({"top_p": 1e-9}, [0]), ({"top_k": 3, "top_p": 0.8}, [0, 1])],
)
def test_draws_follow_the_filtered_distribution(options: dict[str, Any], kept: list[int]) -> None:
    torch.manual_seed(0)
    tokens, logprobs = draw(LOGITS.repeat(20_000, 1), temperature=1.0, **options)
    counts = tokens.bincount(minlength=5)
    assert set(counts.nonzero().flatten().tolist()) == set(kept)
    expected = filtered(LOGITS, **options).softmax(-1)[kept] * 20_000
    assert distance(counts[kept], expected) < 24
    assert torch.allclose(logprobs, LOGITS.log_softmax(-1)[tokens])


def test_temperature_changes_the_law_and_the_log_probs_alike() -> None:
    torch.manual_seed(0)
    tokens, logprobs = draw(LOGITS.repeat(20_000, 1), temperature=0.5)
    expected = (LOGITS / 0.5).softmax(-1)
    assert distance(tokens.bincount(minlength=5), expected * 20_000) < 24
    assert torch.allclose(logprobs, expected.log()[tokens], atol=1e-6)


def test_the_best_token_always_stays() -> None:
    flat = torch.zeros(1, 4)
    for options in ({"top_p": 0.0}, {"top_k": 1}, {"min_p": 1.0}):
        assert filtered(flat, **options).isfinite().any()


def test_padding_is_on_the_left() -> None:
    ids, mask = left_padded([torch.tensor([1, 2]), torch.tensor([3])], torch.device("cpu"))
    assert ids.tolist() == [[1, 2], [0, 3]]
    assert mask.tolist() == [[1, 1], [0, 1]]

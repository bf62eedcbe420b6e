"""Members by worked numbers, identities and finite differences; the chunked pass against the naive one."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests.engine.builders import random_sample, view
from workers.engine import divergences, members
from workers.engine.divergences import divergence
from workers.engine.divergences._chunked import Terms, chunked
from workers.engine.modeling import logprobs
from workers.engine.sample import Against, batch_of

TEACHER, STUDENT = torch.tensor([[2.0, 1.0, 0.0]]).double(), torch.ones(1, 3).double()
NAMES = members.names("workers.engine.divergences")


def value(name: str, student: Tensor, teacher: Tensor, *, temperature: float = 1.0, beta: float = 0.5) -> Tensor:
    return Terms(divergence(name), temperature, beta)(student, teacher)


def logits(seed: int, rows: int = 4, width: int = 6) -> Tensor:
    return 3 * torch.randn(rows, width, generator=torch.Generator().manual_seed(seed)).double()


@pytest.mark.parametrize(("name", "temperature", "wanted"), [
    ("forward_kl", 1.0, 0.266217), ("forward_kl", 2.0, 0.078421), ("jensen_shannon", 1.0, 0.068712),
    ("reverse_kl", 1.0, 0.308994)])
def test_worked_numbers(name: str, temperature: float, wanted: float) -> None:
    assert value(name, STUDENT, TEACHER, temperature=temperature).item() == pytest.approx(wanted, abs=1e-6)


def test_every_member_has_a_worked_number() -> None:
    assert set(NAMES) == {"forward_kl", "reverse_kl", "jensen_shannon"}


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), beta=st.floats(0.01, 0.99), temperature=st.floats(0.5, 4))
def test_identities(seed: int, beta: float, temperature: float) -> None:
    student, teacher = logits(seed), logits(seed + 1)
    for name in NAMES:
        assert torch.allclose(value(name, teacher, teacher, beta=beta), torch.zeros(4).double(), atol=1e-12)
        assert (value(name, student, teacher, beta=beta, temperature=temperature) > 0).all()
    mixed = value("jensen_shannon", student, teacher, beta=beta)
    assert torch.allclose(mixed, value("jensen_shannon", teacher, student, beta=1 - beta))
    assert torch.allclose(value("jensen_shannon", student, teacher, beta=0.0), value("forward_kl", student, teacher))
    assert torch.allclose(value("jensen_shannon", student, teacher, beta=1.0), value("reverse_kl", student, teacher))
    assert torch.allclose(value("forward_kl", student, teacher), value("reverse_kl", teacher, student))
    assert (value("jensen_shannon", student, teacher) <= torch.log(torch.tensor(2.0))).all()


@pytest.mark.parametrize(("beta", "scale", "limit"), [(1e-7, 1e-7, "forward_kl"), (1 - 1e-7, 1e-7, "reverse_kl")])
def test_divided_by_its_vanishing_weight_it_tends_to_the_kl(beta: float, scale: float, limit: str) -> None:
    student, teacher = logits(1), logits(2)
    found = value("jensen_shannon", student, teacher, beta=beta) / scale
    assert torch.allclose(found, value(limit, student, teacher), rtol=1e-4)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("tile", [24, 1 << 22])
def test_gradients_of_the_chunked_pass_are_finite_differences(name: str, tile: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logprobs, "TILE_ELEMENTS", tile)
    torch.manual_seed(0)
    hidden, weight = torch.randn(4, 3).double().requires_grad_(), torch.randn(5, 3).double().requires_grad_()
    teacher_hidden, teacher_weight = torch.randn(4, 2).double(), torch.randn(5, 2).double()
    terms = Terms(divergence(name), 1.5, 0.3)

    def found(hidden: Tensor, weight: Tensor) -> Tensor:
        return chunked(hidden, weight, teacher_hidden, teacher_weight, terms).divergence

    assert torch.autograd.gradcheck(found, (hidden, weight))
    wanted = terms(hidden @ weight.T, teacher_hidden @ teacher_weight.T)
    assert torch.allclose(found(hidden, weight), wanted)


def test_jensen_shannon_equals_trl() -> None:
    from trl.experimental.gkd import GKDTrainer

    student, teacher = logits(3).float()[None], logits(4).float()[None]
    for beta in (0.0, 0.3, 0.5, 1.0):
        theirs = GKDTrainer.generalized_jsd_loss(student, teacher, beta=beta, temperature=0.9, reduction="sum")
        ours = value("jensen_shannon", student[0], teacher[0], beta=beta, temperature=0.9).sum()
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


def test_between_two_models_equals_whole_logits_and_reaches_the_trained_one_alone() -> None:
    student, teacher = view(), view(trained=False, seed=1, width=16)
    samples = [random_sample(length, seed=length, trained_from=length // 3) for length in (4, 17, 9)]
    batch = batch_of(samples)
    found = divergences.between(student, teacher, batch, name="reverse_kl", temperature=1.3)
    for row, sample in enumerate(samples):
        ours, theirs = (model.module(input_ids=sample.ids[None], use_cache=False).logits[0, :-1] for model in (student, teacher))
        wanted = value("reverse_kl", ours, theirs, temperature=1.3) * sample.mask[1:]
        torch.testing.assert_close(found[row, 1: len(sample)], wanted, atol=1e-5, rtol=1e-4)
    assert not found[~batch.mask].any()
    torch.autograd.backward(found.sum())
    assert any(bool(parameter.grad.any()) for parameter in student.module.parameters())
    assert all(parameter.grad is None for parameter in teacher.module.parameters())


def test_one_pass_answers_log_probs_and_what_the_teacher_thinks() -> None:
    student, twin = view(), view(trained=False)
    batch = batch_of([random_sample(9), random_sample(5, seed=3)])
    target = divergences.against(twin, batch, name="jensen_shannon")
    scores = student.score(batch, entropy=True, against=target)
    assert scores.compared is not None
    assert scores.entropy is not None
    torch.testing.assert_close(scores.logprobs, student.score(batch).logprobs)
    torch.testing.assert_close(scores.compared.teacher_entropy, scores.entropy)
    assert torch.equal(scores.compared.agreement, batch.mask)
    torch.testing.assert_close(scores.compared.divergence, torch.zeros(batch.ids.shape), atol=1e-6, rtol=0)


def test_what_is_masked_changes_nothing_and_nothing_to_compare_gives_zeros() -> None:
    student, teacher = view(), view(trained=False, seed=1)
    long, cut, none = (random_sample(12, trained_from=4) for _ in range(3))
    cut.mask[8:], none.mask[:] = False, False
    whole, part = (divergences.between(student, teacher, batch_of([one]), name="forward_kl")[0] for one in (long, cut))
    torch.testing.assert_close(part[4:8], whole[4:8])
    assert not part[8:].any()
    assert not divergences.between(student, teacher, batch_of([none]), name="forward_kl").any()


def test_heads_padded_to_different_lengths_are_compared_on_what_both_have() -> None:
    hidden, weight = torch.randn(3, 4), torch.randn(10, 4)
    found = divergences.compare(hidden, weight, Against(hidden, weight[:8], "forward_kl"))
    torch.testing.assert_close(found.divergence, torch.zeros(3), atol=1e-6, rtol=0)


def test_no_tensor_of_the_whole_batch_times_vocabulary_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logprobs, "TILE_ELEMENTS", 400)
    rows: list[int] = []
    made = logprobs.tile_logits

    def measured(hidden: Tensor, weight: Tensor) -> Tensor:
        rows.append(len(hidden))
        return made(hidden, weight)

    monkeypatch.setattr(divergences._chunked, "tile_logits", measured)
    hidden = torch.randn(50, 4, requires_grad=True)
    weight = torch.randn(20, 4)
    torch.autograd.backward(chunked(hidden, weight, torch.randn(50, 3), torch.randn(20, 3), Terms(
        divergence("forward_kl"), 1.0, 0.5)).divergence.sum())
    assert max(rows) * 20 * 4 <= 400

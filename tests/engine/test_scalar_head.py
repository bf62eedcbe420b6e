"""A head of one number: the flat pass agrees with transformers' own classifier, and its gradient goes where it must."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSequenceClassification

from workers.contract.run_spec import ModelKind, ModelRef
from workers.engine.modeling.loading import load_scalar, load_tokenizer
from workers.engine.modeling.models import Model, Valuer, frozen
from workers.engine.sample import Sample, batch_of
from workers.engine.training.training_state import write_model


@pytest.fixture
def saved(small: Path, tmp_path: Path) -> Path:
    torch.manual_seed(1)
    module = load_scalar(str(small))
    write_model(module, load_tokenizer(str(small)), tmp_path / "reward")
    return tmp_path / "reward"


def _samples(tokenizer) -> list[Sample]:
    texts = ["2 + 2 = 4", "the longest of these three answers", "no"]
    rows = [torch.tensor(tokenizer(text)["input_ids"]) for text in texts]
    return [Sample(ids=ids, mask=torch.ones(len(ids), dtype=torch.bool)) for ids in rows]


def test_scores_equal_transformers_classifier(saved: Path) -> None:
    tokenizer = load_tokenizer(str(saved))
    samples = _samples(tokenizer)
    model = frozen(ModelRef(path=str(saved), kind=ModelKind.REWARD), torch.device("cpu"))
    batch = batch_of(samples)
    ours = model.values(batch)[torch.arange(3), batch.lengths - 1]
    peer = AutoModelForSequenceClassification.from_pretrained(saved)
    padded = tokenizer.pad({"input_ids": [sample.ids.tolist() for sample in samples]}, return_tensors="pt", padding_side="right")
    with torch.no_grad():
        theirs = peer(**padded).logits.squeeze(-1)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_only_asked_positions_are_answered_and_later_tokens_change_nothing(saved: Path) -> None:
    model = frozen(ModelRef(path=str(saved), kind=ModelKind.REWARD), torch.device("cpu"))
    sample = _samples(load_tokenizer(str(saved)))[1]
    where = torch.zeros(1, len(sample), dtype=torch.bool)
    where[0, 3] = True
    found = model.values(batch_of([sample]), where=where)
    assert torch.equal(found != 0, where)
    other = Sample(ids=torch.cat([sample.ids[:4], sample.ids[:4]]), mask=torch.ones(8, dtype=torch.bool))
    assert torch.allclose(model.values(batch_of([other]))[0, 3], found[0, 3], atol=1e-6)


def test_the_gradient_reaches_head_and_trunk(small: Path) -> None:
    torch.manual_seed(1)
    module = load_scalar(str(small))
    model = Model(Valuer(module), torch.device("cpu"), trained=True)
    model.values(batch_of(_samples(load_tokenizer(str(small))))).sum().backward()
    assert module.score.weight.grad is not None
    assert bool(module.score.weight.grad.abs().sum() > 0)
    assert all(parameter.grad is not None for parameter in module.model.parameters())

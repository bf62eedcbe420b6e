"""Soft labels: the judge's chance from two letters in both orders, and what reward models and DPO make of it."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.builders import SMALL, curve, dataset, of_type, spec, sum_pairs, train
from tests.engine.tasks.asking import asked, task_spec
from workers.contract.records import RecordKind
from workers.contract.run_spec import ModelKind, ModelRef, RunKind
from workers.contract.samples import SampledPrompt
from workers.engine.faults import ConfigFault, DataFault
from workers.engine.methods.rlaif_label import cohens_kappa
from workers.engine.modeling.loading import load_scalar, load_tokenizer
from workers.engine.modeling.tiny_model import make_model, make_tokenizer
from workers.engine.preference import Options, sigmoid
from workers.engine.reward_models import bradley_terry
from workers.engine.rewarding.label_odds import SoftLabel, label_of, letter_tokens, log_odds, soft_labels
from workers.engine.rollout import answering
from workers.engine.training.training_state import write_model

JUDGED = {"judge/entropy", "judge/longer_preferred", "judge/agreement", "judge/kappa", "samples/pairs", "samples/equal"}


def test_the_catalogues_label() -> None:
    found = label_of(0.8, -math.log(0.55 / 0.45))
    assert found.plain == pytest.approx(0.689974, abs=1e-6)
    assert found.chance == pytest.approx(0.62, abs=1e-4)
    assert not found.flips
    assert label_of(2.0, 2.0).flips
    assert label_of(2.0, 2.0).chance == 0.5
    assert SoftLabel(0.5, 0.5).entropy == pytest.approx(math.log(2))
    assert label_of(900.0, -900.0).entropy == 0.0


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.floats(-8, 8), st.floats(0, 1)), min_size=1, max_size=5))
def test_a_soft_label_is_the_mean_of_both_hard_ones_and_its_minimum_is_itself(rows: list[tuple[float, float]]) -> None:
    difference, chance = torch.tensor(rows, dtype=torch.float64).unbind(-1)
    difference.requires_grad_()
    nothing = torch.zeros_like(difference)
    soft = bradley_terry.terms(difference, nothing, label_smoothing=1 - chance)
    hard, turned = (bradley_terry.terms(*sides) for sides in ((difference, nothing), (nothing, difference)))
    torch.testing.assert_close(soft, chance * hard + (1 - chance) * turned)
    torch.testing.assert_close(soft, sigmoid.link(difference / 0.1, Options(0.1, label_smoothing=1 - chance)))
    gradient, = torch.autograd.grad(soft.sum(), difference)
    torch.testing.assert_close(gradient, difference.sigmoid() - chance)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose context holds a judge's question, which has a token for each of its letters."""
    place = tmp_path_factory.mktemp("reader")
    make_model(0, **(SMALL | {"context_length": 1024})).save_pretrained(place)
    make_tokenizer(1024).save_pretrained(place)
    return place


@pytest.mark.slow
def test_the_letters_odds_are_the_models_own(reader: Path) -> None:
    judge = answering.author("judge", ModelRef(path=str(reader)), torch.device("cpu"))
    ids = torch.randint(7, 260, (12,), generator=torch.Generator().manual_seed(1))
    logs = judge.model.module(input_ids=ids[None]).logits[0, -1].log_softmax(-1)
    (a,), (b,) = letter_tokens(judge, "A"), letter_tokens(judge, "B")
    assert log_odds(judge, [ids, ids]) == pytest.approx([float(logs[a] - logs[b])] * 2, abs=1e-4)
    one, other = (soft_labels(judge, ["2+2="], *texts)[0] for texts in ((["4"], ["5"]), (["5"], ["4"])))
    assert one is not None
    assert other is not None
    assert one.chance == pytest.approx(1 - other.chance, abs=1e-5)
    assert soft_labels(judge, ["2+2="], ["4" * 900], ["5"]) == [None]


def test_reward_models_and_dpo_learn_from_soft_labels_as_from_hard_ones_at_their_ends(tmp_path: Path, small: Path) -> None:
    def losses(method: str, chance: object, *, turned: bool = False, **config: Any) -> list[float]:
        names = ("rejected", "chosen") if turned else ("chosen", "rejected")
        rows = [{"prompt": row["prompt"], "chosen": row[names[0]], "rejected": row[names[1]], "extra": {"p": chance}}
                for row in sum_pairs(6)]
        made = spec(tmp_path / "run", model=small, data=dataset(tmp_path / "data", rows, kind=RecordKind.PREFERENCE),
                    method=method, max_steps=2, learning_rate=1e-2, per_device_train_batch_size=3, **config)
        made.models["reward"] = ModelRef(path=str(small))
        return list(curve(train(made)).values())

    for method in ("rm-bt", "dpo"):
        assert losses(method, 1.0, soft_label_column="p") == pytest.approx(losses(method, 1.0), rel=1e-5)
        assert losses(method, 0.0, soft_label_column="p") == pytest.approx(losses(method, 0.0, turned=True), rel=1e-4)
        assert losses(method, 0.62, soft_label_column="p") == pytest.approx(losses(method, 0.62, label_smoothing=0.38), rel=1e-5)
    with pytest.raises(DataFault, match="no chance from 0 to 1 in the column p"):
        losses("rm-bt", 1.2, soft_label_column="p")
    with pytest.raises(ConfigFault, match="hinge takes no soft labels"):
        losses("dpo", 1.0, soft_label_column="p", loss_type="hinge")


@pytest.mark.slow
def test_a_judge_labels_pairs_of_a_models_own_answers(tmp_path: Path, reader: Path) -> None:
    reward = tmp_path / "reward"
    write_model(load_scalar(str(reader)), load_tokenizer(str(reader)), reward)
    policy = {"policy": ModelRef(path=str(reader))}
    rows = [{"prompt": f"{n}+1=", "answer": "z"} for n in range(40)]
    judges = {"itself": {}, "reward": {"judge": ModelRef(path=str(reward), kind=ModelKind.REWARD)}}
    for name, judge in judges.items():
        made = task_spec(tmp_path / name, "rlaif-label", kind=RunKind.GENERATE, models=policy | judge,
                         datasets={"prompts": asked(tmp_path / "data", rows)}, max_completion_length=2, clamp=0.9,
                         principles="the shorter one.\n\nthe longer one.", top_k=20)
        found = train(made)
        (artifact,) = of_type(found, "artifact")
        lines = (Path(artifact.path) / "samples.jsonl").read_text(encoding="utf-8").splitlines()
        written = [SampledPrompt.model_validate_json(line) for line in lines]
        for one in written:
            first, second = one.answers
            assert first.text != second.text
            assert 0.1 <= (first.preferred or 0) <= 0.9
            assert first.preferred == pytest.approx(1 - (second.preferred or 0))
        summary = of_type(found, "done")[0].summary
        assert summary["samples/pairs"] == len(written)
        assert ("judge/position_bias" in summary) == (name == "itself")
        assert set(summary) - {"judge/position_bias"} <= JUDGED
    with pytest.raises(DataFault, match="two answers that differ"):
        train(task_spec(tmp_path / "greedy", "rlaif-label", kind=RunKind.GENERATE, models=policy,
                        datasets={"prompts": asked(tmp_path / "data", rows[:2])}, max_completion_length=2, temperature=0.0))


def test_kappa_is_agreement_beyond_chance() -> None:
    given_rows = [(True, True)] * 20 + [(True, False)] * 5 + [(False, True)] * 10 + [(False, False)] * 15
    assert cohens_kappa(given_rows) == pytest.approx(0.4)
    assert cohens_kappa([(True, True)]) is None

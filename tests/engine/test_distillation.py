"""A student and its teacher: what each way of distilling reduces to, exact resume, and teachers that do not fit."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.engine.builders import SMALL, curve, dataset, of_type, straight_and_resumed, sums, train, weights
from tests.engine.supervised_builders import given
from workers.contract.records import RecordKind
from workers.contract.run_spec import ModelRef, RewardPipeline
from workers.engine.faults import ConfigFault
from workers.engine.modeling.loading import load_tokenizer
from workers.engine.modeling.tiny_model import make_model, make_tokenizer
from workers.engine.preflight import report

EXACT = {"terms": [{"name": "exact", "kind": "exact_match"}]}


def losses(found: list[Any], name: str = "loss") -> list[float]:
    return list(curve(found, name).values())


def decided(folder: Path) -> Path:
    """A teacher with opinions: a fresh model thinks all tokens alike."""
    module = make_model(5, **SMALL)
    module.state_dict()["model.embed_tokens.weight"].mul_(8)
    module.save_pretrained(folder / "decided")
    make_tokenizer(256).save_pretrained(folder / "decided")
    return folder / "decided"


def test_without_a_share_for_the_teacher_it_is_instruction_fine_tuning(tmp_path: Path, small: Path) -> None:
    one = given(tmp_path, small, "kd-logit", alpha=0.0, max_steps=3)
    plain = one.model_copy(update={"method": "sft-instruct", "output_dir": str(tmp_path / "plain"), "config": {
        name: value for name, value in one.config.items() if name != "alpha"}})
    found = train(one)
    assert losses(found) == pytest.approx(losses(train(plain)), rel=1e-5)
    assert losses(found) == pytest.approx(losses(found, "loss/nll"), rel=1e-5)


def test_a_teacher_that_is_the_student_leaves_nothing_to_learn(tmp_path: Path, small: Path) -> None:
    found = train(given(tmp_path, small, "kd-logit", teacher=small, alpha=1.0, max_steps=1, save_steps=0))
    assert losses(found) == pytest.approx([0], abs=1e-5)
    assert losses(found, "kd/agreement") == [1.0]
    assert losses(found, "teacher_entropy") == pytest.approx(losses(found, "student_entropy"), rel=1e-5)


def test_the_loss_is_made_of_its_parts_and_the_student_nears_the_teacher(tmp_path: Path, small: Path) -> None:
    found = train(given(tmp_path, small, "kd-logit", teacher=decided(tmp_path), alpha=0.7, temperature=2.0, max_steps=8,
                        learning_rate=1e-2, per_device_train_batch_size=3, gradient_accumulation_steps=2))
    parts = zip(losses(found, "loss/nll"), losses(found, "kd/kl"), strict=True)
    assert losses(found) == pytest.approx([0.3 * nll + 0.7 * 4 * kl for nll, kl in parts], rel=1e-4)
    assert losses(found, "kd/kl")[-1] < 0.9 * losses(found, "kd/kl")[0]


def test_off_policy_and_forward_generalised_distillation_is_logit_distillation(tmp_path: Path, small: Path) -> None:
    generalised = train(given(tmp_path, small, "kd-gkd", lmbda=0.0, beta=0.0, max_steps=3))
    plain = train(given(tmp_path, small, "kd-logit", alpha=1.0, temperature=1.0, max_steps=3, name="plain"))
    assert losses(generalised) == pytest.approx(losses(plain), rel=1e-4)
    assert set(losses(generalised, "kd/on_policy")) == {0.0}
    assert not curve(generalised, "completions/mean_length")


def test_on_policy_steps_train_on_what_the_student_writes_and_resume_to_the_bit(tmp_path: Path, small: Path) -> None:
    def made(name: str) -> Any:
        return given(tmp_path, small, "kd-gkd", lmbda=0.6, max_steps=6, seed=2, name=name)

    straight, resumed = straight_and_resumed(made)
    assert curve(resumed) == curve(straight, after=2)
    assert all(torch.equal(one, weights(tmp_path, "again")[name]) for name, one in weights(tmp_path, "whole").items())
    written = [step for step, value in curve(straight, "kd/on_policy").items() if value == 1.0]
    assert 0 < len(written) < 6
    assert list(curve(straight, "kd/teacher_logps")) == written
    assert of_type(straight, "rollout")


def test_prompts_alone_do_where_a_model_always_writes(tmp_path: Path, small: Path) -> None:
    rows = [{"prompt": row["prompt"], "answer": row["completion"]} for row in sums(6)]
    data = dataset(tmp_path / "prompts", rows, kind=RecordKind.PROMPT_ANSWER)
    one = given(tmp_path, small, "kd-gkd", lmbda=1.0, max_steps=1).model_copy(update={"datasets": {"train": data}})
    assert losses(train(one), "kd/on_policy") == [1.0]
    half = one.model_copy(update={"config": one.config | {"lmbda": 0.5}})
    with pytest.raises(ConfigFault, match="only prompts"):
        train(half)
    taught = half.model_copy(update={"config": half.config | {"lmbda": 0.0, "seq_kd": True}})
    assert losses(train(taught), "kd/on_policy") == [0.0]


def test_without_a_reward_everything_that_the_teacher_wrote_is_learned(tmp_path: Path, small: Path) -> None:
    one = given(tmp_path, small, "kd-seq", temperature=0.0, num_generations=1, prompts_per_step=12, max_steps=1, rollout_steps=1,
                rollout_prompts=12)
    found = train(one)
    shown = [(event.prompt, event.answers[0]) for event in of_type(found, "rollout")]
    assert len(shown) == 12
    learned = [answer for _, answer in shown if answer.text.strip()]
    assert losses(found, "accepted/samples") == [len(learned)]
    assert losses(found, "num_tokens") == [sum(answer.length for answer in learned)]


def test_what_the_reward_does_not_accept_teaches_nothing(tmp_path: Path, small: Path) -> None:
    one = given(tmp_path, small, "kd-seq", max_steps=2).model_copy(update={"reward": RewardPipeline.model_validate(EXACT)})
    found = train(one)
    assert losses(found, "acceptance_rate") == [0.0, 0.0]
    assert any("no answer was accepted" in event.message for event in of_type(found, "log"))
    begun = weights(tmp_path)
    assert all(torch.equal(begun[name], value) for name, value in make_model(0, **SMALL).state_dict().items() if name in begun)


def test_the_policy_gradient_to_a_teacher_that_is_the_student_is_none(tmp_path: Path, small: Path) -> None:
    found = train(given(tmp_path, small, "kd-minillm", teacher=small, gamma=1.0, max_steps=1, save_steps=0))
    assert losses(found) == pytest.approx([0], abs=1e-5)
    assert losses(found, "grad_norm") == pytest.approx([0], abs=1e-5)


def test_the_policy_gradient_nears_the_student_to_the_teacher(tmp_path: Path, small: Path) -> None:
    """With two passes over each set of answers the ratio leaves 1 and is clipped."""
    found = train(given(tmp_path, small, "kd-minillm", teacher=decided(tmp_path), learning_rate=1e-2, max_steps=4,
                        prompts_per_step=8, num_iterations=2, lr_scheduler_type="constant", warmup_ratio=0.0))
    assert losses(found, "kd/reverse_kl")[-1] < 0.95 * losses(found, "kd/reverse_kl")[0]
    assert losses(found, "kd/teacher_logps")[-1] > losses(found, "kd/teacher_logps")[0]
    assert max(losses(found, "clip_ratio/region_mean")) > 0


def test_the_check_warns_of_a_student_that_is_its_own_teacher(tmp_path: Path, small: Path) -> None:
    codes = [finding.code for finding in report(given(tmp_path, small, "kd-logit", teacher=small)).findings]
    assert "own_teacher" in codes
    assert "own_teacher" not in [finding.code for finding in report(given(tmp_path, small, "kd-logit")).findings]


@pytest.mark.parametrize("method", ["kd-logit", "kd-gkd", "kd-minillm", "kd-seq"])
def test_a_teacher_that_does_not_fit_is_refused(tmp_path: Path, small: Path, method: str) -> None:
    short, other = tmp_path / "short", tmp_path / "other"
    for place, context in ((short, 32), (other, 256)):
        make_model(0, **(SMALL | {"context_length": context})).save_pretrained(place)
        make_tokenizer(context).save_pretrained(place)
    tokenizer = load_tokenizer(str(other))
    tokenizer.add_tokens(["<new>"])
    tokenizer.save_pretrained(other)
    one = given(tmp_path, small, method)
    for teacher, said in ((short, "beyond the teacher's context of 32"), (other, "reads other tokens")):
        spec = one.model_copy(update={"models": one.models | {"teacher": ModelRef(path=str(teacher))}})
        with pytest.raises(ConfigFault, match=said):
            train(spec)
        assert not report(spec).ready
    with pytest.raises(ConfigFault, match="names no model as teacher"):
        train(one.model_copy(update={"models": {"policy": one.models["policy"]}}))

from typing import Any

import pytest

from runs.algorithms.selectors import check_config, check_reward, resolve_config, resolve_reward
from runs.algorithms.validation import complete
from runs.problems import Invalid, NotFound
from workers.contract.run_spec import RewardPipeline, RewardTerm

FULL = {
    "learning_rate": 1e-6, "max_length": 1024, "estimator": "k3", "use_peft": False, "lora_r": 0, "stop": [],
    "sampling": {"temperature": 1.0, "top_k": None},
}


def complaint(**config: object) -> tuple[str, str]:
    """Field and sentence of the one thing that is wrong."""
    _, errors = check_config("grpo", config)
    [error] = errors
    return error.field, error.message


def pipeline(**term: object) -> RewardPipeline:
    return RewardPipeline(terms=[RewardTerm.model_validate({"name": "correct", "kind": "numeric_match", **term})])


def test_the_name_alone_gives_every_default_nested_ones_too() -> None:
    assert resolve_config("grpo", {}) == FULL


def test_what_was_set_stays_and_the_rest_is_filled_in_around_it() -> None:
    config = resolve_config("grpo", {"sampling": {"temperature": 0.7}})
    assert config == {**FULL, "sampling": {"temperature": 0.7, "top_k": None}}


def test_a_condition_brings_its_own_defaults() -> None:
    assert resolve_config("grpo", {"use_peft": True})["lora_r"] == 8


def test_a_condition_brings_its_own_rules() -> None:
    assert complaint(lora_r=4) == ("lora_r", "`lora_r` is 4; here it must be 0. Set it to that.")


def test_resolving_twice_changes_nothing() -> None:
    once = resolve_config("grpo", {"use_peft": True, "stop": ["###"]})
    assert resolve_config("grpo", once) == once


def test_what_is_sent_is_not_written_to() -> None:
    sent: dict[str, object] = {"sampling": {}}
    resolve_config("grpo", sent)
    assert sent == {"sampling": {}}


@pytest.mark.parametrize(("config", "field", "sentence"), [
    ({"learning_rate": 2}, "learning_rate", "Learning rate is 2; the most is 1. Lower it."),
    ({"learning_rate": 0}, "learning_rate", "Learning rate is 0; it must be greater than 0. Raise it."),
    ({"max_length": 4}, "max_length", "Maximum length is 4; the least is 8 tokens. Raise it."),
    ({"max_length": "long"}, "max_length", "Maximum length is “long”; it must be a whole number."),
    ({"use_peft": 1}, "use_peft", "`use_peft` is 1; it must be true or false."),
    ({"estimator": "k4"}, "estimator", "`estimator` is “k4”; choose one of “k1”, “k2”, “k3”."),
    ({"sampling": {"temperature": 3}}, "sampling.temperature", "Temperature is 3; the most is 2. Lower it."),
    ({"sampling": {"top_k": 0}}, "sampling.top_k", "`top_k` is 0; the least is 1. Raise it."),
    ({"stop": ["ok", ""]}, "stop.1", "Entry 2 of `stop` has 0 characters; the least is 1. Write more."),
    ({"lerning_rate": 1}, "lerning_rate", "`lerning_rate` is not a setting here. Did you mean `learning_rate`?"),
    ({"sampling": {"zzz": 1}}, "sampling.zzz", "`zzz` is not a setting here. Remove it, or pick a setting from the form."),
])
def test_each_fault_names_its_field_bound_and_remedy(config: dict[str, Any], field: str, sentence: str) -> None:
    assert complaint(**config) == (field, sentence)


def test_all_faults_come_in_one_answer_below_the_field_of_the_body() -> None:
    with pytest.raises(Invalid) as caught:
        resolve_config("grpo", {"learning_rate": 2, "sampling": {"temperature": 0}})
    assert [error.field for error in caught.value.errors] == ["config.learning_rate", "config.sampling.temperature"]
    assert caught.value.detail.startswith("2 settings need a change. First: Learning rate is 2")


def test_a_required_field_that_is_missing_is_named() -> None:
    _, errors = complete({"type": "object", "required": ["train"], "properties": {"train": {"type": "string"}}}, {})
    assert [(error.field, error.message) for error in errors] == [("train", "`train` is missing. Set it.")]


def test_fields_that_depend_on_one_another_are_told_together() -> None:
    schema = {"type": "object", "dependentRequired": {"lora_r": ["use_peft"]}}
    _, errors = complete(schema, {"lora_r": 8})
    assert errors[0].message == "`lora_r` needs `use_peft` as well. Set it, or remove `lora_r`."


def test_an_unknown_method_is_not_found() -> None:
    with pytest.raises(NotFound):
        resolve_config("grpoo", {})


def test_a_rewards_params_are_completed_too() -> None:
    reward = resolve_reward("grpo", pipeline())
    assert reward is not None
    assert reward.terms[0].params == {"tolerance": 1e-6}


@pytest.mark.parametrize(("reward", "field", "start"), [
    (None, "", "GRPO learns from a reward."),
    (pipeline(kind="numeric_mach"), "terms.0.kind", "No reward term is called “numeric_mach”."),
    (pipeline(params={"tolerance": -1}), "terms.0.params.tolerance", "Tolerance is -1; the least is 0."),
    (pipeline(params={"tolerence": 1}), "terms.0.params.tolerence", "`tolerence` is not a setting here."),
    (RewardPipeline(terms=pipeline().terms * 2), "terms.1.name", "Two terms are called “correct”."),
])
def test_each_fault_of_a_reward_names_its_place(reward: RewardPipeline | None, field: str, start: str) -> None:
    _, [error] = check_reward("grpo", reward)
    assert error.field == field
    assert error.message.startswith(start)


def test_a_method_without_a_reward_takes_none() -> None:
    _, [error] = check_reward("sft", pipeline())
    assert error.message == "SFT uses no reward. Remove the reward terms."
    assert check_reward("sft", None) == (None, [])

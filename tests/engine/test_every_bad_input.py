"""Bad input in every method that reads it, by the card: a fault with a remedy, or a finite step. docs/engine.md has the table.

Where the rest of that table is held:

| Input | Test |
|---|---|
| empty completion | here; `test_supervised_bad_input.py::test_an_empty_completion_teaches_to_end`, `test_pairs.py::test_a_pair_that_teaches_nothing_is_left_out_with_its_reason`, `test_matrix.py::test_every_credit_advantage_loss_reduction_and_estimator_go_together` (an own answer) |
| group with equal rewards | `advantages/test_estimators.py::test_equal_rewards_teach_nothing`, `test_grpo.py`, `test_rloo.py` and `test_policy_gradients.py::test_equal_rewards_leave_the_model_as_it_was`, `test_ppo.py::test_equal_rewards_still_teach_the_critic` |
| all tokens masked | `losses/test_reducers.py::test_an_empty_mask_reduces_to_zero_with_zero_gradient`, `test_matrix.py::test_an_answer_that_is_left_out_changes_nothing_through_a_model`, `test_supervised_bad_input.py::test_rows_that_leave_nothing_to_train_are_told`, `test_grpo.py`, `test_rloo.py`, `test_ppo.py::test_when_every_answer_is_cut_and_cut_answers_are_left_out_nothing_is_learned` |
| prompt as long as the context | here; `test_grpo.py::test_a_row_that_leaves_no_room_for_an_answer_is_passed_over` |
| one row | here; `test_reward_methods.py::test_one_row_is_enough_and_those_left_out_are_told` |
| zero variance | `advantages/test_estimators.py::test_a_group_of_one_teaches_nothing_and_stays_finite`, `critic/test_gae.py::test_of_one_token_or_none_there_is_nothing_to_whiten`; marks and scores all alike: here |
| NaN from a reward term | `rewards/test_pipeline.py::test_a_broken_value_is_refused_by_name`, `…drops_the_answer_or_counts_as_zero`, `…are_a_curve_and_news_when_their_number_has_doubled`; in a run `test_rloo.py::test_a_reward_that_is_no_number_stops_drops_or_counts_as_nothing_as_the_reward_says` |
| tokenizer without pad token | `test_bad_input.py::test_a_tokenizer_without_pad_token_pads_with_its_end_token`; in a run here |
| tokenizer without chat template | here; plain texts `test_rendering.py::test_without_a_template_texts_are_joined_and_ended` |
| equal sides | here; `test_pairs.py::test_a_pair_that_teaches_nothing_is_left_out_with_its_reason`, `test_written_pairs.py::test_a_pair_knows_its_sides_and_equal_answers_are_none` |
"""  # noqa: E501 - a table

import json
import math
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.builders import small_model
from tests.engine.catalogue_specs import cards, smallest
from tests.engine.turns import held_models, turns
from workers.contract.records import RecordKind
from workers.contract.run_spec import RunSpec
from workers.engine.faults import DataFault

CARDS = cards()
SHAPE = {"width": 16, "layers": 1, "inner": 32, "heads": 2, "context_length": 64}
ONE_TURN: dict[str, Any] = {
    "max_steps": 1, "eval_max_new_tokens": 1, "max_new_tokens": 2, "max_completion_length": 2, "num_generations": 2,
    "prompts_per_step": 2, "updates_per_rollout": 1, "num_iterations": 1, "per_device_train_batch_size": 4,
    "value_iterations": 1, "cg_iterations": 1, "accept_at": -9.0}
Row = dict[str, Any]
ANSWERS = ("completion", "chosen", "rejected")


def reads(*fields: str) -> list[str]:
    """The methods whose first kind of rows has one of the fields."""
    own = {RecordKind.TEXT: {"text"}, RecordKind.DEMONSTRATION: {"prompt", "completion"}, RecordKind.CONVERSATION: {"messages"},
           RecordKind.PROMPT: {"prompt"}, RecordKind.PROMPT_ANSWER: {"prompt", "answer"},
           RecordKind.PREFERENCE: {"prompt", "chosen", "rejected"}, RecordKind.RANKING: {"prompt", "completions", "ranks"},
           RecordKind.UNPAIRED: {"prompt", "completion", "label"}, RecordKind.STEPWISE: {"prompt", "completions", "labels"}}
    first = {slug: next(need for need in card.data if need.required).kinds[0] for slug, card in CARDS.items()}
    return [slug for slug, kind in first.items() if own[kind] & set(fields)]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """`model` and `other`; `bare-…` are the same without chat template and pad token."""
    folder = tmp_path_factory.mktemp("models")
    for seed, name in enumerate(("model", "other")):
        small_model(folder / name, seed, **SHAPE)
        shutil.copytree(folder / name, folder / f"bare-{name}")
        (folder / f"bare-{name}" / "chat_template.jinja").unlink()
        place = folder / f"bare-{name}" / "tokenizer_config.json"
        said = json.loads(place.read_text(encoding="utf-8"))
        del said["pad_token"]
        place.write_text(json.dumps(said), encoding="utf-8")
    with held_models():
        yield folder


def given(models: Path, slug: str, change: Callable[[Row], Row], *, rows: int | None = None, bare: str = "") -> RunSpec:
    """One turn of the method on its rows, each changed; of the first `rows` of them."""
    made = smallest(models / slug, CARDS[slug], model=models / f"{bare}model", other=models / f"{bare}other", **ONE_TURN)
    for ref in made.datasets.values():
        path = Path(ref.path) / f"{ref.split}.jsonl"
        kept = [change(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()[:rows]]
        path.write_text("".join(json.dumps(row) + "\n" for row in kept), encoding="utf-8")
    return made


def refused(spec: RunSpec, says: str) -> None:
    with pytest.raises(DataFault, match=says) as fault:
        list(turns(spec, 1))
    assert fault.value.remedy


def trained(spec: RunSpec) -> dict[str, float]:
    """What one turn told, all of it finite."""
    told, = turns(spec, 1)
    assert all(math.isfinite(value) for value in told.values()), told
    return told


@pytest.mark.slow
@pytest.mark.parametrize("slug", CARDS)
def test_one_row_is_enough_also_without_a_pad_token(models: Path, slug: str) -> None:
    template = "" if slug in reads("messages") else "bare-"
    told = trained(given(models, slug, dict, rows=1, bare=template))
    assert told["num_tokens"] >= 0 if "num_tokens" in told else told


def prompt_fills(row: Row) -> Row:
    said: Row = {"prompt": "x" * 80} if "prompt" in row else {}
    if "messages" in row:
        said["messages"] = [turn | ({"content": "x" * 80} if turn["role"] == "user" else {}) for turn in row["messages"]]
    return row | said


@pytest.mark.slow
@pytest.mark.parametrize("slug", reads("prompt", "messages"))
def test_a_prompt_as_long_as_the_context_leaves_no_room_and_is_refused(models: Path, slug: str) -> None:
    refused(given(models, slug, prompt_fills), "No row of the data set gives anything to train on")


def empty(row: Row) -> Row:
    said: Row = {name: "" for name in (*ANSWERS, "text") if name in row}
    if "completions" in row:
        said["completions"] = [""] * len(row["completions"])
    if "messages" in row:
        said["messages"] = [turn | ({"content": ""} if turn["role"] == "assistant" else {}) for turn in row["messages"]]
    return row | said


@pytest.mark.slow
@pytest.mark.parametrize("slug", reads("completion", "chosen", "completions", "messages", "text"))
def test_an_empty_answer_teaches_to_end_where_it_is_a_demonstration_and_is_left_out_where_it_is_judged(
    models: Path, slug: str
) -> None:
    shown = set(reads("completion", "messages")) - set(reads("label"))
    spec = given(models, slug, empty)
    if slug in shown:
        trained(spec)
    else:
        refused(spec, "No row of the data set gives anything to train on")


def equal(row: Row) -> Row:
    if "chosen" in row:
        return row | {"rejected": row["chosen"]}
    return row | {"completions": row["completions"][:1] * len(row["completions"])}


@pytest.mark.slow
@pytest.mark.parametrize("slug", [slug for slug in reads("chosen", "ranks") if slug != "sft-preference"])
def test_answers_that_are_equal_cannot_be_told_apart_and_are_left_out(models: Path, slug: str) -> None:
    refused(given(models, slug, equal), "No row of the data set gives anything to train on")


def alike(row: Row) -> Row:
    said: Row = {"label": True} if "label" in row else {}
    said |= {"labels": [1.0] * len(row["labels"])} if "labels" in row else {}
    said |= {"ranks": [1.0] * len(row["ranks"])} if "ranks" in row else {}
    return row | said | {"extra": row.get("extra", {}) | {"score": 0.5}}


@pytest.mark.slow
@pytest.mark.parametrize("slug", reads("label", "labels", "ranks"))
def test_judgements_that_are_all_alike_stay_finite_or_are_left_out_where_they_are_to_be_compared(models: Path, slug: str) -> None:
    spec = given(models, slug, alike)
    if slug in {*reads("ranks"), "step-dpo"}:  # without a wrong step there is no pair of steps
        refused(spec, "No row of the data set gives anything to train on")
    else:
        trained(spec)


def conversational(row: Row) -> Row:
    if "prompt" not in row:
        return row
    said: Row = {name: [{"role": "assistant", "content": row[name]}] for name in ANSWERS if name in row}
    return row | said | {"prompt": [{"role": "user", "content": row["prompt"]}]}


@pytest.mark.slow
@pytest.mark.parametrize("slug", reads("prompt", "messages"))
def test_conversations_without_a_chat_template_are_refused(models: Path, slug: str) -> None:
    refused(given(models, slug, conversational, bare="bare-"), "no chat template")

"""The reward-model term: transformers' own scores, another tokenizer than the policy's, and what is refused."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, pre_tokenizers
from tokenizers.models import WordLevel
from transformers import AutoModelForSequenceClassification, LlamaConfig, LlamaForSequenceClassification, PreTrainedTokenizerFast

from workers.contract.records import Message
from workers.contract.run_spec import ModelKind, ModelRef, RewardPipeline, RewardTerm
from workers.engine.faults import ConfigFault, Fault, ModelFault
from workers.engine.modeling.loading import declared, load_scalar, load_tokenizer
from workers.engine.rewarding.reward_pipeline import Pipeline
from workers.engine.rewards.reward_model import rendered
from workers.engine.training.training_state import write_model

PROMPTS: list[Any] = ["2 + 2 =", [Message(role="user", content="Say something long."), Message(role="assistant", content="What?"),
                       Message(role="user", content="Anything.")], "x"]
ANSWERS = ["4", "A somewhat longer answer than the others here.", ""]


@pytest.fixture(scope="module")
def saved(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("reward")
    torch.manual_seed(3)
    write_model(load_scalar(str(small)), load_tokenizer(str(small)), place)
    return place


def pipeline(place: Path, **params: object) -> Pipeline:
    ref = ModelRef(path=str(place), kind=ModelKind.REWARD)
    return Pipeline(RewardPipeline(terms=[RewardTerm(name="rm", kind="reward_model", model=ref, params=params)]))


def scores(made: Pipeline, prompts: list[Any], answers: list[str]) -> list[float]:
    found = made.score(prompts=prompts, completions=answers, completion_ids=[[]] * len(answers), columns={})
    made.close()
    return found.total.tolist()


def theirs(place: Path, rows: list[list[int]]) -> list[float]:
    """Transformers' scores, rows padded on the right by its own tokenizer."""
    tokenizer = load_tokenizer(str(place))
    model = AutoModelForSequenceClassification.from_pretrained(place)
    padded = tokenizer.pad({"input_ids": rows}, return_tensors="pt", padding_side="right")
    with torch.no_grad():
        scores: list[float] = model(**padded).logits.squeeze(-1).tolist()
    return scores


def rows_of(place: Path, length: int = 256) -> list[list[int]]:
    return [rendered(load_tokenizer(str(place)), prompt, answer, length)
            for prompt, answer in zip(PROMPTS, ANSWERS, strict=True)]


def test_scores_equal_those_of_transformers_for_text_and_conversations(saved: Path) -> None:
    found = scores(pipeline(saved), PROMPTS, ANSWERS)
    assert found == pytest.approx(theirs(saved, rows_of(saved)), abs=1e-5)
    assert len({round(value, 6) for value in found}) == 3


def test_small_batches_change_no_score(saved: Path) -> None:
    prompts, answers = PROMPTS * 20, ANSWERS * 20
    assert scores(pipeline(saved, batch_tokens=256), prompts, answers) == pytest.approx(
        scores(pipeline(saved), prompts, answers), abs=1e-5)


def test_a_model_that_pads_with_its_end_token_is_scored_where_transformers_scores_it(saved: Path, tmp_path: Path) -> None:
    shutil.copytree(saved, tmp_path / "ended")
    tokenizer = load_tokenizer(str(saved))
    tokenizer.pad_token = tokenizer.eos_token
    write_model(AutoModelForSequenceClassification.from_pretrained(saved), tokenizer, tmp_path / "ended")
    found = scores(pipeline(tmp_path / "ended"), PROMPTS, ANSWERS)
    assert found == pytest.approx(theirs(tmp_path / "ended", rows_of(tmp_path / "ended")), abs=1e-5)
    assert found != pytest.approx(theirs(saved, rows_of(saved)), abs=1e-5)


def test_a_text_longer_than_the_context_loses_its_beginning(saved: Path) -> None:
    answer = "word " * 200
    whole = rendered(load_tokenizer(str(saved)), "2+2=", answer, 10_000)
    assert scores(pipeline(saved), ["2+2="], [answer]) == pytest.approx(theirs(saved, [whole[-256:]]), abs=1e-5)


def test_a_reward_model_reads_text_by_its_own_tokenizer(tmp_path: Path) -> None:
    """Words, not the bytes of the policy's tokenizer: ids that the policy wrote mean nothing to it."""
    words = ["<pad>", "<end>", "<unk>", "two", "plus", "is", "four", "five"]
    raw = Tokenizer(WordLevel({word: index for index, word in enumerate(words)}, unk_token="<unk>"))
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, pad_token="<pad>", eos_token="<end>", unk_token="<unk>")
    torch.manual_seed(0)
    shape = LlamaConfig(vocab_size=8, hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
                        num_key_value_heads=2, max_position_embeddings=64, pad_token_id=0,
                        id2label={0: "reward"})
    write_model(LlamaForSequenceClassification(shape), tokenizer, tmp_path)
    made = pipeline(tmp_path)
    found = made.score(prompts=["two plus two is"] * 2, completions=[" four", " five"],
                       completion_ids=[[9999, 70000], [1]], columns={}).total.tolist()
    assert found == pytest.approx(theirs(tmp_path, [[3, 4, 3, 5, 6, 1], [3, 4, 3, 5, 7, 1]]), abs=1e-5)


def test_a_reward_model_with_a_larger_models_tokenizer_is_refused_before_it_scores(saved: Path, tmp_path: Path) -> None:
    """Ids that the model has no row for would end the run in its first step."""
    tokenizer = load_tokenizer(str(saved))
    tokenizer.add_tokens([f"<extra {number}>" for number in range(declared(str(saved))["vocab_size"])])
    write_model(load_scalar(str(saved)), tokenizer, tmp_path)
    with pytest.raises(ModelFault, match=r"knows \d+ tokens and the model fewer"):
        pipeline(tmp_path)


def test_a_term_without_its_model_or_with_another_kind_names_its_place(saved: Path) -> None:
    term = RewardTerm(name="rm", kind="reward_model")
    right = RewardTerm(name="right", kind="numeric_match")
    with pytest.raises(ConfigFault, match="asks a model and names none") as caught:
        Pipeline(RewardPipeline(terms=[right, term]))
    assert caught.value.field == "reward.terms.1"
    causal = term.model_copy(update={"model": ModelRef(path=str(saved))})
    with pytest.raises(ConfigFault, match="is a causal model"):
        Pipeline(RewardPipeline(terms=[causal]))
    given = right.model_copy(update={"model": ModelRef(path=str(saved))})
    with pytest.raises(ConfigFault, match="asks no model"):
        Pipeline(RewardPipeline(terms=[given]))


def test_a_model_that_is_gone_is_told_with_the_terms_name(tmp_path: Path) -> None:
    with pytest.raises(Fault, match=r"Reward term 'rm': The directory .* is missing"):
        pipeline(tmp_path / "gone")

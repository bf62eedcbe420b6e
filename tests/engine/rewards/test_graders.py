"""OpenAI's grader grammar: each kind scores as its documents say, and what a pipeline cannot say is refused by its field."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.contract.graders import GraderErrors, JudgeChoice, pipeline_of, term_name
from workers.contract.templates import fault_in, filled
from workers.engine.rewarding.reward_pipeline import Pipeline
from workers.engine.rewards.llm_judge import Params, own_question
from workers.engine.rewards.text_similarity import similarity

OUTPUT, ANSWER = "{{ sample.output_text }}", "{{item.answer}}"


def check(operation: str = "eq", **more: Any) -> dict[str, Any]:
    return {"type": "string_check", "name": "Check", "input": OUTPUT, "reference": ANSWER, "operation": operation} | more


def multi(formula: str, **graders: dict[str, Any]) -> dict[str, Any]:
    return {"type": "multi", "name": "m", "graders": graders, "calculate_output": formula}


def scores(document: dict[str, Any], completions: list[str], answer: str = "Four", **columns: Any) -> list[float]:
    made = Pipeline(pipeline_of(document))
    try:
        count = len(completions)
        return made.score(prompts=["2+2="] * count, completions=completions, completion_ids=[[]] * count,
                          columns={name: [value] * count for name, value in ({"answer": answer} | columns).items()}
                          ).total.tolist()
    finally:
        made.close()


@pytest.mark.parametrize(("operation", "expected"), [("eq", [1, 0, 0, 0]), ("ne", [0, 1, 1, 1]), ("like", [1, 0, 1, 0]),
                                                     ("ilike", [1, 1, 1, 0])])
def test_string_check_compares_as_its_operation_says(operation: str, expected: list[float]) -> None:
    assert scores(check(operation), ["Four", "four", "It is Four.", "five"]) == expected


def test_templates_reach_into_columns_and_a_missing_one_means_the_term_does_not_apply() -> None:
    document = check(input="{{ sample.output_text }}!", reference="{{ item.data.names[1] }}!")
    assert scores(document, ["b", "a"], data={"names": ["a", "b"]}) == [1, 0]
    assert str(scores(document, ["b"], data={"names": ["a"]})) == "[nan]"


@pytest.mark.parametrize(("template", "expected"), [
    ("{{ sample.output_text }}", "out {{ item.a }}"), ("{{item.a}}/{{ item.b.c }}", "1/[2, 3]"), ("{{item.none}}", None),
    ("{{ item.b.c[1] }}", "3"), ("{{ item.b.c[9] }}", None), ("{{ item.a.b }}", None), ("plain {x}", "plain {x}"),
])
def test_templates_substitute_once_and_evaluate_nothing(template: str, expected: str | None) -> None:
    assert filled(template, {"output_text": "out {{ item.a }}"}, {"a": 1, "b": {"c": [2, 3]}}) == expected


@pytest.mark.parametrize("template", ["{{ item }}", "{{ sample.secret }}", "{{ item.__class__() }}", "{{ 1 + 1 }}",
                                      "{{ env.HOME }}", "{{ }}", "{{ item.a | upper }}"])
def test_a_template_that_is_no_place_is_told(template: str) -> None:
    assert fault_in(template)


@given(st.text(alphabet="{}. itemsaplou_[]0", max_size=40))
def test_no_template_breaks_the_reader(template: str) -> None:
    assert fault_in(template) or isinstance(filled(template, {"output_text": "x"}, {"a": 1}), str | None)


# Worked by hand. “the cat sat” against “the cat sat down”: 3 of 3 and 3 of 4 words; bigrams 2 of 2 and 2 of 3; trigrams 1 of 1
# and 1 of 2; GLEU has 3+2+1 = 6 n-grams against 4+3+2+1 = 10. Letters: 11 of 11 and 11 of 16, Indel 2·11/27.
@pytest.mark.parametrize(("metric", "given_text", "wanted", "expected"), [
    ("rouge_1", "the cat sat", "The cat sat down.", 2 * 3 / 7), ("rouge_2", "the cat sat", "the cat sat down", 2 * 2 / 5),
    ("rouge_3", "the cat sat", "the cat sat down", 2 / 3), ("rouge_4", "the cat sat", "the cat sat down", 0),
    ("rouge_l", "sat the cat", "the cat sat down", 2 * 2 / 7), ("rouge_1", "the the the", "the cat", 2 / 5),
    ("gleu", "the cat sat", "the cat sat down", 0.6), ("gleu", "the cat sat down", "the cat sat", 0.6), ("gleu", "", "", 0),
    ("fuzzy_match", "the cat sat", "the cat sat down", 22 / 27), ("fuzzy_match", "kitten", "sitting", 8 / 13),
    ("bleu", "the cat sat on the mat", "the cat sat on the mat", 1), ("bleu", "dog", "the cat sat", 0),
    # p = 5/6, 3/5, 2/4, 1/3 and no brevity penalty: (5/6 · 3/5 · 1/2 · 1/3)^¼
    ("bleu", "the cat sat on the rug", "the cat sat on a rug", (5 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** 0.25),
    ("rouge_l", "", "x", 0), ("rouge_5", "a b c d e", "a b c d e", 1), ("bleu", "", "x", 0),
])
def test_similarities_equal_their_definitions(metric: Any, given_text: str, wanted: str, expected: float) -> None:
    assert similarity(metric, given_text, wanted) == pytest.approx(expected, abs=1e-9)


@given(st.text(max_size=60), st.text(max_size=60),
       st.sampled_from(["fuzzy_match", "bleu", "gleu", "rouge_1", "rouge_2", "rouge_l"]))
def test_similarity_is_between_nothing_and_all(first: str, second: str, metric: Any) -> None:
    assert 0 <= similarity(metric, first, second) <= 1


def test_text_similarity_is_a_term() -> None:
    document = {"type": "text_similarity", "name": "near", "input": OUTPUT, "reference": ANSWER, "evaluation_metric": "rouge_1",
                "pass_threshold": 0.5}
    assert scores(document, ["four", "five"]) == [1, 0]


@pytest.mark.slow
def test_a_python_grader_is_called_for_each_answer() -> None:
    source = "def grade(sample, item):\n    return len(sample['output_text']) / len(item['answer'])"
    assert scores({"type": "python", "name": "length", "source": source, "image_tag": "2025-05-08"}, ["ab", "abcd"]) == [0.5, 1]


@pytest.mark.parametrize(("formula", "expected"), [
    ("0.7 * a + 0.3 * b", [1.0, 0.3, 0.0]), ("(a + b) / 2", [1, 0.5, 0]), ("a * b", [1, 0, 0]), ("2 * a * b", [2, 0, 0]),
    ("min(a, b)", [1, 0, 0]), ("1 - a", [0, 1, 1]), ("a - 2 * b + 0.5", [-0.5, -1.5, 0.5]), ("-(a - b) * 3", [0, 3, 0]),
    ("a", [1, 0, 0]), ("min(2 * a, b)", [1, 0, 0]),
])
def test_multi_says_weights_and_aggregate(formula: str, expected: list[float]) -> None:
    """Of the answers, the first passes both graders, the second only `b`, the third neither."""
    assert scores(multi(formula, a=check("eq"), b=check("ilike")), ["Four", "four", "five"]) == pytest.approx(expected)


@pytest.mark.parametrize("formula", [
    "a ** 2", "a / b", "max(a, b)", "a if b else 0", "a * (b + 1)", "a * a", "__import__('os').system('x')", "a.b", "c + 1",
    "a +", "min(a)+b", "min(a, 1)", "5", "a / 0", "True * a", "1e308 * 1e308 * a", "(" * 500 + "a" + ")" * 500,
    "min(a, a)", "0 * a",
])
def test_a_formula_that_no_reward_has_is_refused(formula: str) -> None:
    with pytest.raises(GraderErrors) as caught:
        pipeline_of(multi(formula, a=check(), b=check("ilike")))
    assert [field for field, _ in caught.value.errors] == ["calculate_output"]


JUDGE = {"type": "score_model", "name": "Quality!", "model": "gpt-4.1", "range": [1, 5],
         "input": [{"role": "system", "content": "Be strict."},
                   {"role": "user", "content": [{"type": "input_text", "text": "Grade {{ sample.output_text }} for "},
                                                "{{item.prompt}}"]}],
         "sampling_params": {"max_completions_tokens": 64, "temperature": 1}}


def test_a_score_model_asks_the_judge_that_stands_for_it() -> None:
    [term] = pipeline_of(JUDGE, JudgeChoice(base_url="https://api.openai.com/v1", api_key="OPENAI_API_KEY")).terms
    assert (term.name, term.kind) == ("quality", "llm_judge")
    assert (term.params["model"], term.params["low"], term.params["high"], term.params["max_tokens"]) == ("gpt-4.1", 1, 5, 64)
    asked = own_question(Params.model_validate(term.params), "FOUR", {"prompt": "2+2="}, seed=0)
    assert asked is not None
    assert "FOUR" in asked[2].content
    assert asked[2].content.endswith("for 2+2=")
    [local] = pipeline_of(JUDGE, JudgeChoice(model_id="mdl_1")).terms
    assert local.model_id == "mdl_1"
    assert "base_url" not in local.params


@pytest.mark.parametrize(("document", "field", "says"), [
    ({}, "type", "Choose one of string_check"),
    ({"type": "label_model"}, "type", "Choose one of string_check"),
    (check("contains"), "operation", "'eq', 'ne', 'like' or 'ilike'"),
    (check(reference="{{ item }}"), "reference", "is no place"),
    (check(colour=1), "colour", "Extra inputs"),
    ({"type": "text_similarity", "name": "n", "input": "x", "reference": "y", "evaluation_metric": "cosine"}, "evaluation_metric",
     "needs an embedding model"),
    (JUDGE, "model", "Say who is asked for 'gpt-4.1'"),
    (JUDGE | {"range": [1, 1]}, "range", "must be below"),
    (JUDGE | {"input": []}, "input", "at least 1"),
    (multi("a + b", a=check(), b=JUDGE), "graders.b.model", "Say who"),
    (multi("a", a=check("x")), "graders.a.operation", "'eq'"),
    (multi("1", **{"a b": check(), "a-b": check()}), "graders", "only in signs"),
])
def test_what_is_wrong_names_its_field(document: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(GraderErrors) as caught:
        pipeline_of(document)
    assert caught.value.errors[0][0] == field
    assert says in caught.value.errors[0][1]


@given(st.text(max_size=60))
def test_any_name_becomes_the_name_of_a_term(name: str) -> None:
    assert pipeline_of(check(name=name)).terms[0].name == (term_name(name) if name else "string_check")

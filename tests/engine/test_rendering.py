"""Masks come from the template itself: what is trained, decoded, is what the assistant wrote, verbatim."""

from typing import Any

import pytest
import torch

from workers.contract.records import Message, Record
from workers.engine.data.reading import read, token_counts
from workers.engine.data.rendering import (
    Rendered,
    prompt_ids,
    render_conversation,
    render_demonstration,
    render_text,
    sample_of,
    segments,
    truncate,
)
from workers.engine.faults import DataFault
from workers.engine.modeling.tiny_model import make_tokenizer

WITHOUT_MARKERS = (
    "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}{{ eos_token }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
REWRITES_HISTORY = (
    "{% for message in messages %}<|{{ message.role }}|>"
    "{% if message.role == 'assistant' and not loop.last %}(dropped){% else %}{{ message.content }}{% endif %}{{ eos_token }}"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
CHAT = [Message(role="system", content="Be brief."), Message(role="user", content="Hi, é?"),
        Message(role="assistant", content="Hello."), Message(role="user", content="2+2"),
        Message(role="assistant", content="It is 4.")]


def trained(tokenizer: Any, rendered: Rendered) -> str:
    return str(tokenizer.decode([token for token, kept in zip(rendered.ids, rendered.trained, strict=True) if kept]))


@pytest.mark.parametrize("template", [None, WITHOUT_MARKERS])
def test_trained_tokens_decode_to_the_assistants_words_and_end_tokens(template: str | None) -> None:
    tokenizer = make_tokenizer()
    tokenizer.chat_template = template or tokenizer.chat_template
    (rendered,) = render_conversation(tokenizer, CHAT)
    assert trained(tokenizer, rendered) == "Hello.<|end|>It is 4.<|end|>"


@pytest.mark.parametrize("template", [None, WITHOUT_MARKERS])
def test_only_the_last_turn_is_trained_when_asked(template: str | None) -> None:
    tokenizer = make_tokenizer()
    tokenizer.chat_template = template or tokenizer.chat_template
    (rendered,) = render_conversation(tokenizer, CHAT, train_on="last_assistant")
    assert trained(tokenizer, rendered) == "It is 4.<|end|>"


@pytest.mark.parametrize("template", [None, WITHOUT_MARKERS, REWRITES_HISTORY])
def test_turns_count_as_their_weights_say(template: str | None) -> None:
    tokenizer = make_tokenizer()
    tokenizer.chat_template = template or tokenizer.chat_template
    chat = [CHAT[1], CHAT[2].model_copy(update={"weight": 0.25}), *CHAT[3:]]
    rendered = render_conversation(tokenizer, chat, train_on="weights")
    said = ["".join(tokenizer.decode([token for one in rendered for token, weight in zip(one.ids, one.weights or [], strict=True)
                                      if weight == wanted])) for wanted in (0.25, 1.0)]
    assert said == ["Hello.<|end|>", "It is 4.<|end|>"]
    sample = sample_of(rendered[0], row=0, record=Record())
    assert torch.equal(sample.channels["weights"] > 0, sample.mask)
    assert all(one.weights is None for one in render_conversation(tokenizer, chat))


def test_a_turn_of_weight_zero_is_not_trained() -> None:
    tokenizer = make_tokenizer()
    chat = [CHAT[1], CHAT[2].model_copy(update={"weight": 0}), *CHAT[3:]]
    (rendered,) = render_conversation(tokenizer, chat, train_on="weights")
    assert trained(tokenizer, rendered) == "It is 4.<|end|>"


def test_a_template_that_rewrites_history_gives_one_sample_for_each_turn() -> None:
    tokenizer = make_tokenizer()
    tokenizer.chat_template = REWRITES_HISTORY
    rendered = render_conversation(tokenizer, CHAT)
    assert [trained(tokenizer, one) for one in rendered] == ["Hello.<|end|>", "It is 4.<|end|>"]
    assert "(dropped)" in tokenizer.decode(rendered[1].ids)


def test_a_demonstration_trains_its_completion_and_its_prompt_is_what_generation_is_given() -> None:
    tokenizer = make_tokenizer()
    (rendered,) = render_demonstration(tokenizer, Record(prompt="12+34=", completion="46"))
    assert trained(tokenizer, rendered) == "46<|end|>"
    assert rendered.ids[: rendered.prompt_length] == prompt_ids(tokenizer, "12+34=")


def test_without_a_template_texts_are_joined_and_ended() -> None:
    tokenizer = make_tokenizer()
    tokenizer.chat_template = None
    (rendered,) = render_demonstration(tokenizer, Record(prompt="12+34=", completion="46"))
    assert tokenizer.decode(rendered.ids) == "12+34=46<|end|>"
    assert trained(tokenizer, rendered) == "46<|end|>"


def test_messages_without_a_template_are_refused_with_a_remedy() -> None:
    tokenizer = make_tokenizer()
    tokenizer.chat_template = None
    with pytest.raises(DataFault, match="no chat template") as refused:
        render_conversation(tokenizer, CHAT)
    assert "Choose a model with a chat template" in refused.value.remedy


def test_text_is_trained_but_for_its_first_token() -> None:
    rendered = render_text(make_tokenizer(), "abc")
    assert rendered.trained == [False, True, True, True]


def test_an_empty_completion_trains_the_end_token_alone() -> None:
    tokenizer = make_tokenizer()
    (rendered,) = render_demonstration(tokenizer, Record(prompt="12+34=", completion=""))
    assert trained(tokenizer, rendered) == "<|end|>"


@pytest.mark.parametrize(("mode", "kept"), [("keep_start", [1, 2, 3]), ("keep_end", [3, 4, 5]), ("drop", None)])
def test_truncation_keeps_what_the_policy_says(mode: str, kept: list[int] | None) -> None:
    cut = truncate(Rendered([1, 2, 3, 4, 5], [False, True, True, True, True]), 3, mode)  # type: ignore[arg-type]
    assert (None if cut is None else cut.ids) == kept


def test_the_first_token_is_never_trained() -> None:
    sample = sample_of(Rendered([5, 6], [True, True]), row=0, record=Record())
    assert sample.mask.tolist() == [False, True]


def test_segments_joined_are_the_whole_text() -> None:
    tokenizer = make_tokenizer()
    (rendered,) = render_conversation(tokenizer, CHAT)
    parts = segments(tokenizer, rendered)
    assert "".join(part["text"] for part in parts) == tokenizer.decode(rendered.ids)
    assert [part["trained"] for part in parts] == [False, True, False, True]


@pytest.mark.parametrize("template", ["markers", WITHOUT_MARKERS, REWRITES_HISTORY, None])
def test_counting_many_at_once_counts_what_rendering_gives(template: str | None) -> None:
    tokenizer = make_tokenizer()
    tokenizer.chat_template = tokenizer.chat_template if template == "markers" else template
    records = [Record(prompt="12+34=", completion="46"), Record(prompt="é"), Record(text="abc"),
               Record(prompt="a", completion=""), Record(prompt="a", chosen="bc", rejected="d"),
               Record(prompt="a", completions=["b", "cdef"])]
    if template is not None:
        records += [Record(messages=CHAT), Record(messages=[*CHAT[:4], CHAT[2].model_copy(update={"content": ""})]),
                    Record(prompt=CHAT[:2], completion=[CHAT[2].model_copy(update={"weight": 0})])]
    expected = [max(len(one.ids) for one in read(tokenizer, record)) for record in records]
    assert list(token_counts(tokenizer, records)) == expected

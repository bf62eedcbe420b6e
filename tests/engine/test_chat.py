"""A model that stands ready: what it says, several at once, and what it refuses."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.engine.builders import SMALL, curve, dataset, spec, sums, train, view
from workers.contract.chat import CHAT_WORD
from workers.contract.control import Chat, ChatStop, Pause, Resume
from workers.contract.run_spec import ModelRef, Resources, RunKind, RunSpec
from workers.engine.control import Inbox
from workers.engine.modeling.tiny_model import make_tokenizer
from workers.engine.reports.chat import Chats, WholeText, before_stop


def ask(text: str = "Count.", *, name: str = "q1", **given: Any) -> Chat:
    return Chat.model_validate({"request_id": name, "messages": [{"role": "user", "content": text}], **given})


def chats(said: list[Any], **limits: int) -> Chats:
    given = {"context_length": SMALL["context_length"], "most_tokens": 200, "most_open": 3} | limits
    return Chats(view(trained=False), make_tokenizer(SMALL["context_length"]), say=said.append, **given)


def finish(served: Chats) -> None:
    while served.open:
        served.turn()


def text_of(said: list[Any], name: str = "q1") -> str:
    return "".join(word.text for word in said if word.request_id == name and word.type in ("token", "done"))


def test_the_greedy_answer_and_its_logprobs_are_those_of_transformers(small: Path) -> None:
    tokenizer: Any = AutoTokenizer.from_pretrained(small)
    model: Any = AutoModelForCausalLM.from_pretrained(small)
    messages = [{"role": "user", "content": "Count."}]
    ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)["input_ids"]
    made = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=12, do_sample=False,
                          output_logits=True, return_dict_in_generate=True)
    said: list[Any] = []
    served = Chats(view(trained=False), tokenizer, context_length=256, most_tokens=64, most_open=2, say=said.append)
    served._model.module.load_state_dict(model.state_dict())
    served.take(ask(temperature=0, max_tokens=12, logprobs=True, top_logprobs=2))
    finish(served)
    tokens = [word for word in said if word.type == "token"]
    expected = [torch.log_softmax(logits[0], -1).max().item() for logits in made.logits][:len(tokens)]
    assert [word.logprob for word in tokens] == pytest.approx(expected, abs=1e-4)
    assert text_of(said) == tokenizer.decode(made.sequences[0, ids.shape[1]:], skip_special_tokens=True)
    assert all(word.top[0].logprob == pytest.approx(word.logprob) for word in tokens)
    assert (said[-1].prompt_tokens, said[-1].completion_tokens) == (ids.shape[1], len(made.logits))


def test_a_seed_gives_the_same_answer_alone_and_beside_others() -> None:
    alone: list[Any] = []
    served = chats(alone)
    served.take(ask(seed=5, max_tokens=20))
    finish(served)
    together: list[Any] = []
    served = chats(together)
    served.take(ask("Something else altogether.", name="q0", seed=1, max_tokens=30))
    served.turn()
    served.take(ask(seed=5, max_tokens=20))
    served.take(ask("A third.", name="q2", seed=9, max_tokens=3))
    finish(served)
    assert text_of(together) == text_of(alone)
    assert next(word.request_id for word in together if word.type == "done") == "q2"


def test_every_open_answer_gets_a_token_in_each_turn() -> None:
    said: list[Any] = []
    served = chats(said)
    for name in ("q1", "q2"):
        served.take(ask(name=name, seed=3, max_tokens=50))
    said.clear()
    served.turn()
    assert [word.request_id for word in said] == ["q1", "q2"]


def test_who_has_seen_nothing_yet_is_told_first() -> None:
    said: list[Any] = []
    served = chats(said)
    served.take(ask(name="older", seed=1))
    served.turn()
    served.take(ask("Sing.", name="newer", seed=2))
    said.clear()
    served.turn()
    assert said[0].request_id == "newer"


def test_an_answer_ends_before_a_stop_text() -> None:
    whole: list[Any] = []
    served = chats(whole)
    served.take(ask(seed=5, max_tokens=60))
    finish(served)
    text = text_of(whole)
    stop = text[10:13]
    said: list[Any] = []
    served = chats(said)
    served.take(ask(seed=5, max_tokens=60, stop=[stop]))
    finish(served)
    assert text_of(said) == text[:text.index(stop)]
    assert said[-1].finish_reason == "stop"


@pytest.mark.parametrize(("text", "stops", "expected"), [
    ("abc", [], ("abc", "", False)),
    ("ab#", ["##"], ("ab", "#", False)),
    ("ab##c", ["##"], ("ab", "", True)),
    ("ab\n", ["\n\n", "\nQ"], ("ab", "\n", False)),
    ("xyENDz##", ["##", "END"], ("xy", "", True)),
])
def test_what_may_begin_a_stop_text_waits(text: str, stops: list[str], expected: tuple[str, str, bool]) -> None:
    assert before_stop(text, stops) == expected


def test_a_character_of_several_tokens_comes_whole() -> None:
    tokenizer = make_tokenizer()
    ids = tokenizer("aé€😀z", add_special_tokens=False)["input_ids"]
    assert len(ids) == 1 + 2 + 3 + 4 + 1
    whole = WholeText(tokenizer)
    assert [part for part in map(whole.add, ids) if part] == ["a", "é", "€", "😀", "z"]
    broken = WholeText(tokenizer)
    parts = [broken.add(token) for token in ids[:5]]
    assert "".join(parts) + broken.rest() == tokenizer.decode(ids[:5])


def test_a_conversation_that_overflows_is_refused_with_what_would_fit() -> None:
    said: list[Any] = []
    served = chats(said)
    served.take(ask("x" * 300))
    served.take(ask("x" * 100, name="q2", max_tokens=200))
    assert [word.code for word in said] == ["context_length"] * 2
    assert "this model reads 256" in said[0].message
    assert "at most " in said[1].remedy
    assert not served.open


def test_a_busy_model_a_doubled_id_and_a_model_without_a_template_refuse() -> None:
    said: list[Any] = []
    served = chats(said, most_open=1)
    served.take(ask())
    served.take(ask())
    served.take(ask(name="q2"))
    assert [word.code for word in said if word.type == "refused"] == ["bad_request", "busy"]
    served._tokenizer.chat_template = None
    served.take(ChatStop(request_id="q1"))
    said.clear()
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]
    served.take(ask(messages=turns))
    assert said[0].code == "no_template"
    served.take(ask("1+1=", max_tokens=2))
    assert said[1].prompt_tokens == len(served._tokenizer("1+1=")["input_ids"])


def test_a_template_that_refuses_costs_one_answer() -> None:
    said: list[Any] = []
    served = chats(said)
    served._tokenizer.chat_template = "{{ raise_exception('Roles must take turns.') }}"
    served.take(ask())
    assert (said[0].code, "Roles must take turns." in said[0].message) == ("bad_request", True)


def test_who_leaves_frees_the_place() -> None:
    said: list[Any] = []
    served = chats(said, most_open=1)
    served.take(ask(max_tokens=100))
    served.turn()
    served.take(ChatStop(request_id="q1"))
    served.take(ChatStop(request_id="never"))
    assert (served.open, said[-1].finish_reason, said[-1].completion_tokens) == (0, "cancelled", 1)


def served_spec(folder: Path, model: Path, **config: Any) -> RunSpec:
    return RunSpec(kind=RunKind.SERVE, method="serve-chat", config={"idle_seconds": 0.2} | config, output_dir=str(folder),
                   models={"policy": ModelRef(path=str(model))}, resources=Resources(threads=1))


def test_a_served_model_answers_and_ends_when_nobody_asks(tmp_path: Path, small: Path) -> None:
    inbox, said = Inbox(), list[Any]()
    inbox.answer = said.append
    inbox.put(ask(max_tokens=5, temperature=0))
    found = train(served_spec(tmp_path, small), inbox)
    assert [word.type for word in said] == ["begun", *["token"] * 5, "done"]
    assert (found[-1].type, found[-1].summary) == ("done", {"chats": 1.0, "tokens": 5.0})
    assert "Count." not in (tmp_path / "events.jsonl").read_text()


def test_words_of_an_engine_started_by_hand_go_to_its_output(tmp_path: Path, small: Path) -> None:
    path = tmp_path / "spec.json"
    path.write_text(served_spec(tmp_path, small, idle_seconds=1).model_dump_json())
    asked = ask(max_tokens=3, temperature=0).model_dump_json() + "\n"
    done = subprocess.run([sys.executable, "-m", "workers.engine", str(path)], input=asked, capture_output=True, text=True,
                          check=True, timeout=120)
    assert [CHAT_WORD.validate_json(line).type for line in done.stdout.splitlines()][-1] == "done"


def test_a_training_run_answers_while_paused_and_goes_on_as_if_nobody_had_asked(tmp_path: Path, small: Path) -> None:
    data = dataset(tmp_path / "data", sums(10))
    quiet = train(spec(tmp_path / "quiet", model=small, data=data, max_steps=4))
    inbox, said = Inbox(), list[Any]()
    inbox.answer = said.append
    inbox.put(Pause())
    inbox.put(ask(max_tokens=7))

    def resume_when_answered(word: Any) -> None:
        said.append(word)
        if word.type == "done":
            inbox.put(Resume())

    inbox.answer = resume_when_answered
    asked = train(spec(tmp_path / "asked", model=small, data=data, max_steps=4), inbox)
    assert said[-1].completion_tokens <= 7
    assert said[0].type == "begun"
    assert curve(asked) == curve(quiet)
    assert json.dumps(curve(asked)) == json.dumps(curve(quiet))

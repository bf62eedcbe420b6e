"""What every method that learns from texts owes: curves as its card names them, exact resume, refusals."""

from pathlib import Path

import pytest

from tests.engine.builders import of_type, train
from tests.engine.supervised_builders import METHODS, given
from workers.engine.method import method_of


@pytest.mark.parametrize("method", METHODS)
def test_a_run_logs_what_its_card_names_and_leaves_a_model(tmp_path: Path, small: Path, method: str) -> None:
    found = train(given(tmp_path, small, method, max_steps=4, eval_steps=2))
    named = {metric.name for metric in method_of(method).CARD.metrics}
    templates = tuple(name.split("{")[0] for name in named if "{" in name)
    logged = {name for event in of_type(found, "metrics") for name in event.values}
    plain = {name for name in named if "{" not in name}
    assert plain - logged <= UNTOLD.get(method, set())
    assert all(name in named or (templates and name.startswith(templates)) for name in logged)
    assert [event.kind for event in of_type(found, "artifact")] == ["model"]


ENDED = {"completions/mean_terminated_length"}
UNTOLD: dict[str, set[str]] = {
    "sft-domain": {"eval/exact_match", "eval/samples"}, "kd-gkd": ENDED, "kd-minillm": ENDED, "rft": ENDED,
    "kd-seq": ENDED | {"reward"}}
"""Curves that need what these runs may lack: rows with a question, an answer that ended, a reward where it is optional."""

"""The filter line: what is read, and what is refused by name."""

import pytest

from runs.launches.filters import ConfigIs, FieldIs, MetricIs, Word, parse
from runs.launches.selectors import ordered, run_list
from runs.problems import Invalid
from tests.launches.builders import make_actor, make_project, make_run


def test_words_fields_config_and_bounds_are_told_apart() -> None:
    assert parse('warm-up "two words" state:running config.optim.lr:0.001 eval/exact>=0.9 kl<5') == [
        Word("warm-up"),
        Word("two words"),
        FieldIs("state", "running"),
        ConfigIs(("optim", "lr"), "0.001"),
        MetricIs("eval/exact", ">=", 0.9),
        MetricIs("kl", "<", 5.0),
    ]


@pytest.mark.parametrize("line", ["", "   "])
def test_nothing_asks_nothing(line: str) -> None:
    assert parse(line) == []


@pytest.mark.parametrize("line", ["password:x", "created_by__password:x", "project:prj_1", "reward>much"])
def test_what_is_not_offered_is_refused(line: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse(line)
    assert refusal.value.errors[0].field == "q"


@pytest.mark.parametrize("line", ["'; drop table run; --", '"', ":", ">", "a>1>2", "%", "\\", 'config.a."]:1'])
def test_odd_lines_are_words_or_refusals_but_never_errors(db: None, line: str) -> None:
    project = make_project(make_actor())
    try:
        found = list(run_list(project, q=line))
    except Invalid:
        return
    assert found == []


@pytest.mark.parametrize(
    ("q", "names"),
    [
        ("fox", ["red-fox"]),
        ("tag:best", ["red-fox"]),
        ("state:failed", ["old-owl"]),
        ("reward>0.5", ["red-fox"]),
        ("reward<0.5", ["old-owl"]),
        ("eval/x=1", ["red-fox"]),
        ("config.lr:0.001", ["red-fox"]),
        ("method:sft", []),
        ("state:failed reward>0.5", []),
        ("by:ada", []),
    ],
)
def test_the_list_is_narrowed(db: None, q: str, names: list[str]) -> None:
    project = make_project(make_actor())
    make_run(project=project, name="red-fox", tags=["best"], metrics={"reward": 0.9, "eval/x": 1}, config={"lr": 0.001})
    make_run(project=project, name="old-owl", state="failed", metrics={"reward": 0.1, "kl": None})
    assert [run.name for run in run_list(project, q=q)] == names


def test_runs_without_the_metric_come_last_either_way(db: None) -> None:
    project = make_project(make_actor())
    for name, metrics in (("low", {"reward": 0.1}), ("none", {}), ("high", {"reward": 0.9})):
        make_run(project=project, name=name, metrics=metrics)
    for sort, names in (("-metric:reward", ["high", "low", "none"]), ("metric:reward", ["low", "high", "none"])):
        runs, order = ordered(run_list(project), sort)
        assert [run.name for run in runs.order_by(*order)] == names


def test_a_foreign_column_is_no_sort_order(db: None) -> None:
    with pytest.raises(Invalid):
        ordered(run_list(make_project(make_actor())), "created_by__password")

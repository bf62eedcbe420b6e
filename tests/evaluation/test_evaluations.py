"""Evaluations over REST: launched, kept, listed, compared item by item; a stranger learns nothing."""

from pathlib import Path

import pytest

from runs.accounts.access import Role
from runs.accounts.models import Membership, Project
from runs.evaluation.models import Evaluation
from runs.launches.models import Artifact, Run
from tests.evaluation.builders import make_evaluation, marks, register
from tests.launches.builders import make_actor, make_model, make_project, make_run, make_version
from tests.launches.test_api import call
from workers.contract.evaluation import EvaluatedData
from workers.statistics import mcnemar, wilson


@pytest.fixture
def project(db: None) -> Project:
    return make_project(make_actor())


def two(project: Project, folder: Path, first: str, second: str, **report) -> tuple[Evaluation, Evaluation]:
    return (make_evaluation(project, folder / "a", marks=marks(first), model="mdl_a", **report),
            make_evaluation(project, folder / "b", marks=marks(second), model="mdl_b", **report))


def compared(first: Evaluation, *others: Evaluation, metric: str = ""):
    return call("GET", f"/evaluations/{first.id}/comparisons?others={','.join(one.id for one in others)}&metric={metric}")


def test_an_evaluation_is_launched_as_one_run_for_each_model(project: Project) -> None:
    models = [make_model(project, name=name).id for name in ("Before", "After")]
    version = make_version(project, kind="prompt_answer")
    body = {"method": "evaluate-answers", "models": models, "dataset": {"version_id": version.id}, "name": "sums",
            "config": {"num_generations": 4, "temperature": 1.0}}
    answer = call("POST", f"/projects/{project.id}/evaluations", body)
    assert answer.status_code == 201, answer.content
    runs = answer.json()["runs"]
    assert [(run["kind"], run["name"], run["state"]) for run in runs] == [
        ("evaluate", "sums 1", "queued"), ("evaluate", "sums 2", "queued")]
    specs = [Run.objects.get(id=run["id"]).spec for run in runs]
    assert [spec["models"]["policy"]["model_id"] for spec in specs] == models
    assert {(spec["config"]["num_generations"], spec["datasets"]["prompts"]["split"]) for spec in specs} == {(4, "train")}


def test_a_win_rate_takes_its_other_models_by_role(project: Project) -> None:
    mine, base = make_model(project, name="Mine").id, make_model(project, name="Base").id
    judge = make_model(project, name="Judge", kind="reward").id
    body = {"method": "evaluate-winrate", "models": [mine], "others": {"policy_b": base, "judge": judge},
            "dataset": {"version_id": make_version(project, kind="prompt").id}}
    answer = call("POST", f"/projects/{project.id}/evaluations", body)
    assert answer.status_code == 201, answer.content
    models = Run.objects.get(id=answer.json()["runs"][0]["id"]).spec["models"]
    assert {role: ref["model_id"] for role, ref in models.items()} == {"policy": mine, "policy_b": base, "judge": judge}


def test_an_endpoint_judges_by_name_of_its_key(project: Project) -> None:
    judge = {"judge_base_url": "https://judge.example/v1", "judge_model": "judge-1", "judge_api_key": "MY_JUDGE"}
    body = {"method": "evaluate-winrate", "models": [make_model(project).id], "others": {"policy_b": make_model(project).id},
            "dataset": {"version_id": make_version(project, kind="prompt").id}, "config": judge}
    answer = call("POST", f"/projects/{project.id}/evaluations", body)
    assert answer.status_code == 201, answer.content
    assert Run.objects.get(id=answer.json()["runs"][0]["id"]).spec["config"].items() >= judge.items()
    refused = call("POST", f"/projects/{project.id}/evaluations", body | {"config": judge | {"judge_api_key": "sk-abc.def"}})
    assert [error["field"] for error in refused.json()["errors"]] == ["config.judge_api_key"]


@pytest.mark.parametrize(("change", "field"), [
    ({"method": "grpo"}, "method"), ({"method": "nothing"}, "method"), ({"models": ["mdl_x"]}, "models.0"),
    ({"dataset": {"version_id": "dsv_x"}}, "dataset"), ({"config": {"num_generations": 0}}, "config.num_generations"),
    ({"others": {"judge": "mdl_x"}}, "others.judge"),
])
def test_what_cannot_be_evaluated_is_refused_by_field_and_nothing_is_launched(project: Project, change, field) -> None:
    body = {"method": "evaluate-answers", "models": [make_model(project).id],
            "dataset": {"version_id": make_version(project, kind="prompt_answer").id}} | change
    answer = call("POST", f"/projects/{project.id}/evaluations", body)
    assert answer.status_code == 422, answer.content
    assert field in [error["field"] for error in answer.json()["errors"]]
    assert not Run.objects.filter(project=project).exists()


def test_one_fault_launches_none_of_the_models(project: Project) -> None:
    good, reward = make_model(project).id, make_model(project, kind="reward", name="Judge").id
    version = make_version(project, kind="prompt_answer")
    body = {"method": "evaluate-answers", "models": [good, reward], "dataset": {"version_id": version.id}}
    answer = call("POST", f"/projects/{project.id}/evaluations", body)
    assert [error["field"] for error in answer.json()["errors"]] == ["models.1"]
    assert call("POST", f"/projects/{project.id}/evaluations", body | {"models": [good, good]}).status_code == 422
    assert not Run.objects.filter(project=project).exists()


def test_a_report_is_kept_when_its_artifact_is(project: Project, tmp_path: Path) -> None:
    kept = make_evaluation(project, tmp_path / "a", marks=marks("1101"))
    shown = call("GET", f"/evaluations/{kept.id}").json()
    assert (shown["model_name"], shown["primary"], shown["items"]) == ("MDL_A", "accuracy", 4)
    assert shown["metrics"]["accuracy"]["value"] == 0.75
    assert [one["id"] for one in call("GET", f"/projects/{project.id}/evaluations").json()["items"]] == [kept.id]
    assert [one["id"] for one in call("GET", f"/runs/{kept.run_id}/evaluations").json()] == [kept.id]
    assert call("GET", f"/projects/{project.id}/evaluations?q=nothing").json()["items"] == []


def test_a_report_that_cannot_be_read_does_not_harm_the_run(project: Project, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text('{"suite": 3}')
    run = make_run(project=project)
    Artifact.objects.create(run=run, attempt=1, kind="evaluation", path=str(tmp_path))
    Artifact.objects.create(run=run, attempt=1, kind="evaluation", path=str(tmp_path / "gone"))
    assert not Evaluation.objects.exists()


def test_a_comparison_tells_difference_interval_and_exact_p(project: Project, tmp_path: Path) -> None:
    first, second = two(project, tmp_path, "1" * 20 + "0" * 20, "1" * 19 + "0" + "1" * 15 + "0" * 5)
    answer = compared(first, second).json()
    (found,) = answer["comparisons"]
    assert (found["gained"], found["lost"], found["items"], found["test"]) == (15, 1, 40, "mcnemar")
    assert found["difference"]["value"] == pytest.approx(14 / 40)
    assert found["p_value"] == pytest.approx(mcnemar(15, 1)) == pytest.approx(0.000518798828125)
    assert (found["verdict"], found["more_items"]) == ("better", None)
    assert found["first"]["low"] == pytest.approx(wilson(20, 40).low)
    assert found["sentence"].startswith("MDL_B is above MDL_A on sums: accuracy +0.350 [")
    assert compared(second, first).json()["comparisons"][0]["verdict"] == "worse"


@pytest.mark.parametrize(("gained", "said"), [(4, "p = 0.13"), (20, "p < 0.0001"), (1, "p = 1")])
def test_the_sentence_writes_a_chance_as_the_page_does(project: Project, tmp_path: Path, gained: int, said: str) -> None:
    first, second = two(project, tmp_path, "0" * 20 + "1", "1" * gained + "0" * (20 - gained) + "1")
    assert f", {said}, n = 21" in compared(first, second).json()["comparisons"][0]["sentence"]


def test_an_undecided_comparison_says_how_many_more_items(project: Project, tmp_path: Path) -> None:
    first, second = two(project, tmp_path, "1" * 10 + "0" * 10, "1" * 9 + "0" + "11" + "0" * 8)
    (found,) = compared(first, second).json()["comparisons"]
    assert (found["verdict"], found["gained"], found["lost"]) == ("undecided", 2, 1)
    # The change is 1/20 with s² = (3 − 20·(1/20)²)/19; (z_.975 + z_.8)² s² / d² − 20 = 471.
    assert found["more_items"] == pytest.approx(7.8489 * ((3 - 1 / 20) / 19) / (1 / 400) - 20, abs=1)
    assert found["detectable"] == pytest.approx(2.8016 * ((3 - 1 / 20) / 19) ** 0.5 / 20**0.5, rel=1e-3)
    assert "more items would decide" in found["sentence"]
    same = make_evaluation(project, tmp_path / "c", marks=marks("1" * 10 + "0" * 10), model="mdl_c")
    (equal,) = compared(first, same).json()["comparisons"]
    assert (equal["verdict"], equal["more_items"]) == ("same", None)


def test_several_comparisons_are_adjusted_together(project: Project, tmp_path: Path) -> None:
    first = make_evaluation(project, tmp_path / "a", marks=marks("0" * 12))
    others = [make_evaluation(project, tmp_path / name, marks=marks(text), model=f"mdl_{name}")
              for name, text in (("b", "1" * 6 + "0" * 6), ("c", "1" * 7 + "0" * 5))]
    found = compared(first, *others).json()["comparisons"]
    assert [one["p_value"] for one in found] == [2 / 2**6, 2 / 2**7]
    assert [one["adjusted_p"] for one in found] == [2 / 2**6, 4 / 2**7]
    assert [one["verdict"] for one in found] == ["better", "better"]


def test_only_what_both_answered_is_compared_and_the_rest_is_counted(project: Project, tmp_path: Path) -> None:
    first = make_evaluation(project, tmp_path / "a", marks=marks("1100"))
    second = make_evaluation(project, tmp_path / "b", marks={"q1": 0.0, "q2": 1.0, "q9": 1.0}, settings={"temperature": 1})
    (found,) = compared(first, second).json()["comparisons"]
    assert (found["items"], found["unmatched"], found["gained"], found["lost"]) == (2, 3, 1, 1)
    assert found["settings"] == ["temperature: None and 1"]


def test_numbers_that_are_not_right_or_wrong_are_bootstrapped(project: Project, tmp_path: Path) -> None:
    values = {f"q{n}": n / 10 for n in range(10)}
    first = make_evaluation(project, tmp_path / "a", marks=values, metric="reward")
    second = make_evaluation(project, tmp_path / "b", marks={key: value + 0.3 for key, value in values.items()}, metric="reward")
    (found,) = compared(first, second).json()["comparisons"]
    assert (found["test"], found["verdict"]) == ("paired bootstrap", "better")
    assert found["difference"]["low"] == pytest.approx(0.3)


def test_different_suites_and_unknown_metrics_are_refused(project: Project, tmp_path: Path) -> None:
    first = make_evaluation(project, tmp_path / "a", marks=marks("10"))
    other = make_evaluation(project, tmp_path / "b", marks=marks("10"), suite_key="k2")
    assert "did not answer the same" in compared(first, other).json()["detail"]
    same = make_evaluation(project, tmp_path / "c", marks=marks("10"))
    assert "no metric nothing" in compared(first, same, metric="nothing").json()["detail"]
    assert compared(first, first).status_code == compared(first).status_code == 422


def test_flipped_items_stand_beside_their_twins(project: Project, tmp_path: Path) -> None:
    first, second = two(project, tmp_path, "1100", "1011")
    page = call("GET", f"/evaluations/{second.id}/items?against={first.id}&show=flipped").json()
    assert [(one["item"]["key"], one["change"]) for one in page["items"]] == [("q1", -1), ("q2", 1), ("q3", 1)]
    assert page["items"][0]["other"]["answers"][0]["text"] == "mdl_a says 1"
    kept = {show: call("GET", f"/evaluations/{second.id}/items?against={first.id}&show={show}").json()["total"]
            for show in ("gained", "lost", "right", "wrong", "all")}
    assert kept == {"gained": 2, "lost": 1, "right": 3, "wrong": 1, "all": 4}


def test_items_are_searched_and_paged(project: Project, tmp_path: Path) -> None:
    one = make_evaluation(project, tmp_path / "a", marks=marks("10" * 30))
    page = call("GET", f"/evaluations/{one.id}/items?limit=40").json()
    rest = call("GET", f"/evaluations/{one.id}/items?limit=40&cursor={page['next']}").json()
    assert (page["total"], len(page["items"]), len(rest["items"]), rest["next"]) == (60, 40, 20, None)
    assert call("GET", f"/evaluations/{one.id}/items?q=QUESTION q7").json()["total"] == 1
    assert call("GET", f"/evaluations/{one.id}/items?cursor=x").status_code == 422
    assert call("GET", f"/evaluations/{one.id}/items?show=flipped").json()["errors"][0]["field"] == "against"


def test_items_whose_files_are_gone_are_a_conflict_that_says_so(project: Project, tmp_path: Path) -> None:
    one = make_evaluation(project, tmp_path / "a", marks=marks("10"))
    (tmp_path / "a" / "items.jsonl").unlink()
    answer = call("GET", f"/evaluations/{one.id}/items")
    assert (answer.status_code, answer.json()["code"]) == (409, "items_gone")


def test_the_board_has_the_newest_of_each_model_and_marks_the_best(project: Project, tmp_path: Path) -> None:
    make_evaluation(project, tmp_path / "old", marks=marks("0000"), model="mdl_a")
    two(project, tmp_path, "1100", "1110")
    make_evaluation(project, tmp_path / "k2", marks=marks("1"), model="mdl_a", suite_key="k2", suite="other")
    board = call("GET", f"/projects/{project.id}/evaluation-board").json()
    assert {suite["name"] for suite in board["suites"]} == {"sums", "other"}
    cells = {row["model_id"]: {key: (cell["value"]["value"], cell["best"]) for key, cell in row["cells"].items()}
             for row in board["rows"]}
    assert cells == {"mdl_a": {"k1": (0.5, False), "k2": (1.0, False)}, "mdl_b": {"k1": (0.75, True)}}


@pytest.mark.parametrize(("first", "second", "said"), [
    ({"settings": {"verifier": "match", "temperature": 0.0}}, {"settings": {"verifier": "exact_match", "temperature": 1.0}},
     {"k1": "verifier match", "k2": "verifier exact_match"}),
    ({"data": EvaluatedData(name="Sums", split="test")}, {"data": EvaluatedData(name="Sums", split="train")},
     {"k1": "split test", "k2": "split train"}),
    ({}, {"suite": "other"}, {"k1": "", "k2": ""}),
    ({}, {}, {"k1": "another reward (k1)", "k2": "another reward (k2)"}),
])
def test_columns_of_one_heading_say_what_differs(project: Project, tmp_path: Path, first, second, said) -> None:
    make_evaluation(project, tmp_path / "a", marks=marks("1"), suite_key="k1", **first)
    make_evaluation(project, tmp_path / "b", marks=marks("1"), suite_key="k2", **second)
    suites = call("GET", f"/projects/{project.id}/evaluation-board").json()["suites"]
    assert {suite["key"]: suite["apart"] for suite in suites} == said


def test_a_deleted_run_takes_its_evaluation_out_of_lists(project: Project, tmp_path: Path) -> None:
    one = make_evaluation(project, tmp_path / "a", marks=marks("10"))
    call("DELETE", f"/runs/{one.run_id}")
    assert call("GET", f"/projects/{project.id}/evaluations").json()["items"] == []
    assert call("GET", f"/projects/{project.id}/evaluation-board").json()["rows"] == []


def test_a_viewer_reads_and_may_not_launch_and_a_stranger_gets_nothing(project: Project, tmp_path: Path) -> None:
    first, second = two(project, tmp_path, "10", "11")
    viewer = make_actor("vera@example.org")
    Membership.objects.create(project=project, user=viewer.user, role=Role.VIEWER)
    body = {"method": "evaluate-answers", "models": ["mdl_x"], "dataset": {"version_id": "dsv_x"}}
    assert call("POST", f"/projects/{project.id}/evaluations", body, "vera@example.org").status_code == 403
    paths = [f"/evaluations/{first.id}", f"/evaluations/{first.id}/items", f"/projects/{project.id}/evaluations",
             f"/evaluations/{first.id}/comparisons?others={second.id}", f"/projects/{project.id}/evaluation-board",
             f"/runs/{first.run_id}/evaluations"]
    assert {call("GET", path, who="vera@example.org").status_code for path in paths} == {200}
    assert {call("GET", path, who="eve@example.org").status_code for path in paths} == {404}
    assert call("POST", f"/projects/{project.id}/evaluations", body, "eve@example.org").status_code == 404


def test_another_projects_evaluation_is_not_there_to_compare_with(project: Project, tmp_path: Path) -> None:
    first = make_evaluation(project, tmp_path / "a", marks=marks("10"))
    foreign = make_evaluation(make_project(make_actor("eve@example.org")), tmp_path / "b", marks=marks("11"))
    assert "no other evaluation" in compared(first, foreign).json()["detail"]
    mine = make_evaluation(make_project(make_actor(), name="Second"), tmp_path / "c", marks=marks("11"))
    assert compared(first, mine).status_code == 422
    assert call("GET", f"/evaluations/{first.id}/items?against={mine.id}").status_code == 422


def test_registering_twice_keeps_one_row(project: Project, tmp_path: Path) -> None:
    one = make_evaluation(project, tmp_path / "a", marks=marks("10"))
    one.artifact.save()
    assert Evaluation.objects.count() == 1
    assert register(project, tmp_path / "a").id != one.id

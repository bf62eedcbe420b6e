"""Where a model comes from and what became of it, read from frozen specs."""

from typing import Any

import pytest

from runs.accounts.models import Project
from runs.datasets.models import DatasetVersion
from runs.launches.lineage import lineage_of
from runs.launches.models import Artifact, Run
from runs.rewards.models import Reward, RewardVersion
from tests.launches.builders import make_actor, make_model, make_project, make_run, make_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make_project(make_actor())


def run(project: Project, name: str, *, models: dict[str, str], data: dict[str, str], **more: Any) -> Run:
    spec = {
        "models": {role: {"model_id": one, "path": "/m"} for role, one in models.items()},
        "datasets": {role: {"version_id": one, "path": "/d"} for role, one in data.items()},
        "reward": more.pop("reward", None),
        "config": {}, "provenance": {"libraries": {}},
    }
    return make_run(project=project, name=name, spec=spec, state="succeeded", **more)


def names(project: Project, start: str) -> tuple[set[str], set[tuple[str, str, str]]]:
    found = lineage_of(project, start)
    called = {node.id: node.name for node in found.nodes.values()}
    return set(called.values()), {(called[edge.source], called[edge.target], edge.role) for edge in found.edges}


def circle(project: Project) -> dict[str, str]:
    """Votes → pairs → reward model's run → reward model → PPO → model → evaluation; and a sibling of the last."""
    base = make_model(project, name="Base").id
    sampled = run(project, "samples", models={"policy": base}, data={}, kind="generate").id
    source = {"campaign_id": "cmp_x", "campaign": "Which sum", "drawn_from": [sampled]}
    labels = make_version(project, "preference", source=source).id
    judge_run = run(project, "judge run", models={"reward": base}, data={"train": labels}, method="rm-bt")
    Artifact.objects.create(run=judge_run, attempt=1, kind="reward_report", path="/r")
    judge = make_model(project, name="Judge", run_id=judge_run.id).id
    prompts = make_version(project, "prompt").id
    terms = {"terms": [{"name": "judge", "kind": "reward_model", "model_id": judge}]}
    ppo = run(project, "ppo", models={"policy": base}, data={"train": prompts}, reward=terms)
    policy = make_model(project, name="Policy", run_id=ppo.id).id
    run(project, "exam", models={"policy": policy}, data={}, kind="evaluate")
    run(project, "sibling", models={"policy": base}, data={"train": prompts})
    return {"policy": policy, "labels": labels, "ppo": ppo.id, "sampled": sampled}


def test_the_whole_way_from_label_to_evaluation_and_no_siblings(project: Project) -> None:
    made = circle(project)
    found, edges = names(project, made["policy"])
    assert {"samples", "Which sum", "Sums v1", "judge run", "Judge", "ppo", "Policy", "exam", "Base"} == found
    assert {("samples", "Which sum", ""), ("Which sum", "Sums v1", "")} <= edges
    assert ("Judge", "ppo", "reward judge") in edges
    assert ("ppo", "Policy", "") in edges
    assert ("Policy", "exam", "policy") in edges


def test_sampled_answers_show_what_people_made_of_them(project: Project) -> None:
    found, _ = names(project, circle(project)["sampled"])
    assert {"Which sum", "Judge", "Policy", "exam"} <= found


def test_a_reward_stands_between_the_model_it_asks_and_the_run(project: Project) -> None:
    judge = make_model(project, name="Judge", kind="reward").id
    reward = Reward.objects.create(project=project, name="Right and liked")
    terms = [{"name": "liked", "kind": "reward_model", "model_id": judge}]
    version = RewardVersion.objects.create(project=project, reward=reward, number=1, pipeline={"terms": terms})
    ppo = run(project, "ppo", models={}, data={}, reward={"terms": terms, "version_id": version.id})
    for start in (judge, ppo.id):
        _, edges = names(project, start)
        assert edges == {("Judge", "Right and liked v1", "reward liked"), ("Right and liked v1", "ppo", "reward")}


def test_labels_show_what_they_led_to(project: Project) -> None:
    made = circle(project)
    found, _ = names(project, made["labels"])
    assert {"judge run", "reward report", "Judge", "ppo", "Policy", "exam"} <= found
    assert "sibling" not in found


def test_another_project_is_never_shown(project: Project) -> None:
    circle(project)
    other = make_project(make_actor("eve@example.org"))
    foreign = make_model(other, name="Theirs").id
    run(project, "reaches out", models={"policy": foreign}, data={})
    found, edges = names(project, Run.objects.get(name="reaches out").id)
    assert (found, edges) == ({"reaches out"}, set())


def test_votes_of_the_playground_are_labels_too(project: Project) -> None:
    version: DatasetVersion = make_version(project, "preference", source={"upload_id": "upl_x", "playground_votes": 3})
    found, edges = names(project, version.id)
    assert edges == {("Votes of the playground", "Sums v1", "")}
    assert len(found) == 2


def test_a_graph_too_large_for_one_answer_says_so(project: Project, monkeypatch: Any) -> None:
    from runs.launches import lineage

    monkeypatch.setattr(lineage, "MOST_NODES", 3)
    assert lineage_of(project, circle(project)["policy"]).cut

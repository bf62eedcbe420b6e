from pathlib import Path

import pytest

from runs.accounts.models import Project
from workers.agent.jobs import JobContext, handler
from workers.contract.preflight import PreflightReport

pytestmark = pytest.mark.django_db


def checked(project: Project, tmp_path: Path, draft: dict[str, object]) -> PreflightReport:
    job = JobContext(
        id="job_x", project_id=project.id, attempt=1, payload={"draft": draft}, work_dir=tmp_path,
        report=lambda *_: True,
    )
    return PreflightReport.model_validate(handler("preflight")(job))


@pytest.fixture
def project(db: None) -> Project:
    return Project.objects.create(name="Sums")


def test_a_half_made_draft_is_told_what_is_missing_by_the_forms_own_names(project: Project, tmp_path: Path) -> None:
    report = checked(project, tmp_path, {"method": "grpo", "config": {"learning_rate": 5}})
    assert not report.ready
    found = {finding.field: finding.message for finding in report.findings}
    assert found["learning_rate"].startswith("Learning rate is 5; the most is 1.")
    assert {"model", "reward"} <= set(found)


def test_a_draft_that_is_no_draft_is_told_which_field_is_wrong(project: Project, tmp_path: Path) -> None:
    report = checked(project, tmp_path, {"method": "grpo", "seed": -1})
    assert [finding.field for finding in report.findings] == ["seed"]


def test_an_unknown_method_is_an_answer_and_not_a_failure(project: Project, tmp_path: Path) -> None:
    report = checked(project, tmp_path, {"method": "grpoo"})
    assert not report.ready
    assert "grpoo" in report.findings[0].message

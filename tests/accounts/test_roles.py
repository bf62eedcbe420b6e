"""Who may do what in a project; a stranger gets 404 for everything in it."""

import pytest
from django.utils import timezone

from runs.accounts.access import Actor, Role, Scope, find_visible
from runs.accounts.models import Membership, Project, User
from runs.accounts.selectors import project_counts
from runs.accounts.services import create_project, create_user, delete_project


def operations(project: Project) -> list[tuple[str, str, object, Role]]:
    """Every operation of this room on a project, with the least role it needs. Of what viewers see, annotators see the name."""
    members, member = f"/projects/{project.id}/members", project.memberships.get(user__name="Olga Owner")
    return [
        ("get", f"/projects/{project.id}", None, Role.VIEWER),
        ("get", members, None, Role.VIEWER),
        ("get", f"/projects/{project.id}/audit", None, Role.VIEWER),
        ("post", "/session/ticket", {"project_id": project.id}, Role.VIEWER),
        ("patch", f"/projects/{project.id}", {"name": "New"}, Role.OWNER),
        ("post", members, {"email": "new@example.org", "role": "viewer"}, Role.OWNER),
        ("patch", f"/members/{member.id}", {"role": "owner"}, Role.OWNER),
        ("delete", f"/projects/{project.id}", None, Role.OWNER),
    ]


@pytest.mark.parametrize("role", list(Role))
def test_each_role_may_do_what_it_may_and_no_more(project, member, by_session, role):
    create_user(email="new@example.org")
    caller = by_session(member(role))
    for method, path, body, least in operations(project):
        status = caller(method, path, body).status_code
        may = role.at_least(least) and (role is not Role.ANNOTATOR or (method, path) == ("get", f"/projects/{project.id}"))
        assert (status < 300) if may else (status == 403), (method, path, role, status)


def test_a_stranger_gets_404_for_everything(project, stranger, by_session):
    caller = by_session(stranger)
    for method, path, body, _ in operations(project):
        answer = caller(method, path, body)
        assert answer.status_code == 404, (method, path)
        assert answer.json()["code"] == "not_found"


def test_a_foreign_project_and_an_unknown_one_answer_alike(project, stranger, by_session):
    caller = by_session(stranger)
    foreign, unknown = caller("get", f"/projects/{project.id}").json(), caller("get", "/projects/prj_unknown").json()
    assert foreign | {"request_id": ""} == unknown | {"request_id": ""}


def test_a_deleted_project_is_gone_for_its_owner(project, owner, by_session):
    delete_project(project, Actor(owner))
    assert by_session(owner)("get", f"/projects/{project.id}").status_code == 404
    assert find_visible(Actor(owner), Membership, Membership.objects.get().id) is None


def test_the_last_owner_cannot_leave_or_step_down(project, owner, by_session):
    caller, own = by_session(owner), Membership.objects.get(project=project)
    assert caller("delete", f"/members/{own.id}").status_code == 403
    assert caller("patch", f"/members/{own.id}", {"role": "viewer"}).status_code == 403


def test_anybody_may_leave(project, member, by_session):
    viewer = member(Role.VIEWER)
    own = Membership.objects.get(user=viewer)
    assert by_session(viewer)("delete", f"/members/{own.id}").status_code == 204


def test_a_viewer_cannot_remove_another(project, member, owner, by_session):
    other = Membership.objects.get(user=owner)
    assert by_session(member(Role.VIEWER))("delete", f"/members/{other.id}").status_code == 403


def test_a_removed_members_project_tokens_end(project, member, owner, by_token, by_session):
    editor = member(Role.EDITOR)
    caller = by_token(editor, project=project)
    assert caller("get", f"/projects/{project.id}").status_code == 200
    by_session(owner)("delete", f"/members/{Membership.objects.get(user=editor).id}")
    assert caller("get", "/projects").status_code == 401


def test_somebody_new_gets_a_link_once_and_somebody_known_gets_none(project, owner, stranger, by_session):
    owner.is_admin = True
    owner.save(update_fields=["is_admin"])
    caller = by_session(owner)
    new = caller("post", f"/projects/{project.id}/members", {"email": "New@Example.org", "role": "editor"}).json()
    known = caller("post", f"/projects/{project.id}/members", {"email": stranger.email, "role": "viewer"}).json()
    assert "/sign-in/link#lds_" in new["invite_link"]
    assert new["user"]["email"] == "new@example.org"
    assert known["invite_link"] is None


def test_only_an_administrator_makes_an_account(project, owner, by_session):
    answer = by_session(owner)("post", f"/projects/{project.id}/members", {"email": "new@example.org", "role": "editor"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "email"
    assert "administrator" in answer.json()["detail"]
    assert not User.objects.filter(email="new@example.org").exists()


def test_a_member_is_not_added_twice(project, owner, by_session):
    answer = by_session(owner)("post", f"/projects/{project.id}/members", {"email": owner.email, "role": "viewer"})
    assert answer.status_code == 409
    assert answer["x-should-retry"] == "false"


def test_a_project_counts_what_it_holds_and_no_others(project, owner, stranger, by_session, django_assert_num_queries):
    other = create_project(Actor(stranger), name="Others")
    for place, deleted in [(project, None), (project, None), (project, timezone.now()), (other, None)]:
        place.runs.create(name="calm-otter", method="grpo", deleted_at=deleted)
    project.datasets.create(name="Sums")
    project.datasets.create(name="Gone", deleted_at=timezone.now())
    caller = by_session(owner)
    counts = caller("get", f"/projects/{project.id}").json()["counts"]
    assert counts == {"runs": 2, "datasets": 1, "models": 0, "members": 1}
    with django_assert_num_queries(1):
        assert project_counts(project) == counts


def test_deeds_are_on_the_audit_log_with_who_did_them(project, owner, by_session, by_token):
    by_session(owner)("patch", f"/projects/{project.id}", {"name": "Renamed"})
    by_token(owner, Scope.WRITE)("patch", f"/projects/{project.id}", {"description": "By token"})
    entries = by_session(owner)("get", f"/projects/{project.id}/audit").json()["items"]
    assert [entry["actor"]["kind"] for entry in entries] == ["token", "person", "person"]
    assert [entry["action"] for entry in entries] == ["project.edit", "project.edit", "project.create"]

"""Who gets which pair, which judgments count, and what is taken back (D13)."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from runs.accounts.access import Actor
from runs.accounts.models import User
from runs.annotation import services
from runs.annotation.models import Assignment, Campaign, Judgment, Task
from runs.annotation.schemas import JudgmentIn
from runs.annotation.signals import campaign_finished
from runs.annotation.verdicts import Verdict
from runs.problems import Conflict


def expire(who: str = "") -> None:
    Assignment.objects.filter(annotator__email__startswith=who).update(lease_until=Now() - timedelta(seconds=1))


@pytest.fixture
def told():
    """The campaigns of which `campaign_finished` was told."""
    heard = []

    def hear(campaign, **_):
        heard.append(campaign.id)

    campaign_finished.connect(hear)
    yield heard
    campaign_finished.disconnect(hear)


def test_five_are_handed_out_and_asking_again_gives_the_same(bench):
    campaign = bench.campaign(8)
    first = bench.tasks(campaign, "ann")
    assert [task["number"] for task in first] == [1, 2, 3, 4, 5]
    assert [task["id"] for task in bench.tasks(campaign, "ann")] == [task["id"] for task in first]
    assert set(first[0]) == {"id", "number", "prompt", "a", "b", "version", "lease_until"}, "no names, no order of the source"


def test_two_annotators_never_hold_one_pair_that_wants_one_judgment(bench):
    campaign = bench.campaign(8)
    mine, theirs = ({task["id"] for task in bench.tasks(campaign, who)} for who in ("ann", "bob"))
    assert (len(mine), len(theirs), mine & theirs) == (5, 3, set())
    assert bench.tasks(campaign, "cyd") == []


def test_a_pair_that_another_holds_is_not_judged_behind_their_back(bench):
    campaign = bench.campaign(1)
    [task] = bench.tasks(campaign, "ann")
    problem = bench.judge(campaign, "bob", task, status=409)
    assert (problem["code"], "1 promised to others" in problem["detail"]) == ("hold_lost", True)
    bench.judge(campaign, "ann", task)


def test_overlap_gives_a_pair_to_as_many_people_and_to_nobody_twice(bench):
    campaign = bench.campaign(2, overlap=2)
    for who in ("ann", "bob"):
        assert len(bench.judge_all(campaign, who)) == 2
        assert bench.tasks(campaign, who) == []
    assert bench.tasks(campaign, "cyd") == []
    assert Judgment.objects.count() == 4


def test_a_double_click_and_a_retried_request_are_one_judgment(bench):
    campaign = bench.campaign(2)
    [task, _] = bench.tasks(campaign, "ann")
    first = bench.judge(campaign, "ann", task, comment="neat")
    again = bench.judge(campaign, "ann", task, comment="neat", status=200)
    assert again["judgment"] == first["judgment"]
    assert Judgment.objects.count() == 1
    assert Campaign.objects.get(id=campaign["id"]).judgments == 1


def test_a_client_id_stands_for_one_judgment(bench):
    campaign = bench.campaign(2)
    [one, other] = bench.tasks(campaign, "ann")
    bench.judge(campaign, "ann", one, client_id="same-id-1")
    assert bench.judge(campaign, "ann", other, client_id="same-id-1", status=409)["code"] == "client_id_taken"
    assert bench.judge(campaign, "ann", one, "b", client_id="other-id-2", status=409)["code"] == "judged_already"


def test_a_judgment_hands_out_the_next_pairs(bench):
    campaign = bench.campaign(8)
    tasks = bench.tasks(campaign, "ann", 2)
    answer = bench.judge(campaign, "ann", tasks[0], want=2)
    assert [task["number"] for task in answer["tasks"]] == [2, 3]
    assert answer["progress"] == {"state": "open", "tasks": 8, "done": 1, "mine": 1}


def test_an_expired_hold_passes_to_another_and_a_late_judgment_says_what_counted(bench):
    campaign = bench.campaign(1)
    [task] = bench.tasks(campaign, "ann")
    expire()
    [passed] = bench.tasks(campaign, "bob")
    assert passed["id"] == task["id"]
    bench.judge(campaign, "bob", task, "b")
    bench.at(campaign, "progress")
    problem = bench.judge(campaign, "ann", task, "a", status=409, comment="I thought long about this.")
    assert problem["code"] == "campaign_finished"
    assert [judgment.verdict for judgment in Judgment.objects.all()] == ["b"]


def test_a_late_judgment_names_the_judgments_that_counted(bench):
    campaign = bench.campaign(2)
    [task, _] = bench.tasks(campaign, "ann")
    expire()
    bench.judge(campaign, "bob", bench.tasks(campaign, "bob")[0])
    problem = bench.judge(campaign, "ann", task, status=409)
    assert problem["code"] == "hold_lost"
    assert "It has 1 of 1 judgments" in problem["detail"]


def test_a_late_judgment_counts_while_the_pair_still_wants_one(bench):
    campaign = bench.campaign(1)
    [task] = bench.tasks(campaign, "ann")
    expire()
    bench.judge(campaign, "ann", task, version=task["version"])
    assert Judgment.objects.count() == 1


def test_a_hold_that_was_lost_and_given_again_has_a_new_version(bench):
    campaign = bench.campaign(1)
    [task] = bench.tasks(campaign, "ann")
    expire()
    [again] = bench.tasks(campaign, "ann")
    assert (task["version"], again["version"]) == (1, 2)


def test_undo_takes_the_last_back_and_puts_the_pair_in_hand(bench):
    campaign = bench.campaign(3)
    [one, two, _] = bench.tasks(campaign, "ann")
    bench.judge(campaign, "ann", one)
    bench.judge(campaign, "ann", two, "b", comment="hm", flagged=True)
    undone = bench.at(campaign, "undo", {"client_id": f"ann-{two['id']}"}, who="ann")
    assert (undone["task"]["id"], undone["judgment"]["comment"], undone["progress"]["mine"]) == (two["id"], "hm", 1)
    task = Task.objects.get(id=two["id"])
    assert (task.judged, task.votes_a, task.votes_b, task.flags, task.is_done) == (0, 0, 0, 0, False)
    bench.judge(campaign, "ann", two, "a", client_id="second-time")
    assert Campaign.objects.get(id=campaign["id"]).done == 2


def test_undo_is_answered_alike_when_it_is_repeated(bench):
    campaign = bench.campaign(3)
    [one, two, _] = bench.tasks(campaign, "ann")
    bench.judge(campaign, "ann", one)
    bench.judge(campaign, "ann", two)
    asked = {"client_id": f"ann-{two['id']}"}
    first, again = (bench.at(campaign, "undo", asked, who="ann") for _ in range(2))
    assert first["judgment"]["id"] == again["judgment"]["id"]
    assert Campaign.objects.get(id=campaign["id"]).judgments == 1


def test_undo_reaches_ones_own_last_judgment_only(bench):
    campaign = bench.campaign(3)
    [one, two, _] = bench.tasks(campaign, "ann")
    bench.judge(campaign, "ann", one)
    bench.judge(campaign, "ann", two)
    assert bench.at(campaign, "undo", {"client_id": f"ann-{one['id']}"}, who="ann", status=409)["code"] == "not_the_last"
    assert bench.at(campaign, "undo", {}, who="bob", status=409)["code"] == "nothing_to_undo"


def test_a_skip_leaves_the_pair_to_others_and_two_skips_set_it_aside(bench):
    campaign = bench.campaign(2)
    [one, two] = bench.tasks(campaign, "ann")
    bench.judge(campaign, "ann", one, "skip")
    assert [task["id"] for task in bench.tasks(campaign, "ann")] == [two["id"]]
    assert [task["id"] for task in bench.tasks(campaign, "bob")] == [one["id"]]
    answer = bench.judge(campaign, "bob", one, "skip")
    assert answer["progress"] == {"state": "open", "tasks": 2, "done": 1, "mine": 0}
    assert bench.at(campaign, "overview")["set_aside"] == 1


def test_a_verdict_that_is_not_offered_is_refused_by_its_field(bench):
    campaign = bench.campaign(1, allow_tie=False, allow_both_bad=False)
    [task] = bench.tasks(campaign, "ann")
    for verdict in ("tie", "both_bad"):
        assert bench.judge(campaign, "ann", task, verdict, status=422)["errors"][0]["field"] == "verdict"
    bench.judge(campaign, "ann", task, "b_much")


def test_a_task_of_another_campaign_is_not_there(bench):
    campaign, other = bench.campaign(1), bench.campaign(1)
    [task] = bench.tasks(other, "ann")
    assert bench.judge(campaign, "ann", task, status=404)["code"] == "not_found"


def test_the_last_judgment_finishes_the_campaign_and_tells_it_once(bench, told):
    campaign = bench.campaign(2)
    bench.judge_all(campaign, "ann")
    assert bench.call("GET", f"/campaigns/{campaign['id']}").json()["state"] == "finished"
    assert told == [campaign["id"]]
    bench.at(campaign, "finish", {})
    assert told == [campaign["id"]]
    assert bench.at(campaign, "undo", {}, who="ann", status=409)["code"] == "campaign_finished"


def test_an_editor_may_finish_early_and_reopen(bench, told):
    campaign = bench.campaign(2)
    tasks = bench.tasks(campaign, "ann")
    bench.at(campaign, "finish", {})
    assert told == [campaign["id"]]
    assert bench.tasks(campaign, "ann") == []
    assert bench.judge(campaign, "ann", tasks[0], status=409)["code"] == "campaign_finished"
    bench.at(campaign, "reopen", {})
    bench.judge_all(campaign, "ann")
    assert bench.at(campaign, "reopen", {}, status=409)["code"] == "nothing_left"


def test_the_overview_counts_people_sides_and_agreement(bench):
    campaign = bench.campaign(2, overlap=2)
    bench.judge_all(campaign, "ann", "a", seconds=4)
    [one, two] = bench.tasks(campaign, "bob")
    bench.judge(campaign, "bob", one, "b_much", seconds=2, flagged=True)
    bench.judge(campaign, "bob", two, "a_much", seconds=2)
    seen = bench.at(campaign, "overview")
    # Sides a,b and a,a: one of two equal. By hand: o_ab = 1, n_a = 3, n_b = 1, so α = 1 − 3·2/6 = 0.
    assert seen["agreement"]["raw"] == 0.5
    assert seen["agreement"]["alpha"] == pytest.approx(0)
    assert (seen["agreement"]["pairs"], seen["conflicts"], seen["unresolved"], seen["flagged"]) == (2, 1, 1, 1)
    assert (seen["a_share"]["value"], seen["a_share"]["n"], seen["median_seconds"]) == (0.75, 4, 3)
    assert seen["verdicts"] == {"a": 2, "b_much": 1, "a_much": 1}
    ann, bob = sorted(seen["people"], key=lambda person: person["name"])
    assert (ann["judgments"], ann["agreement"], bob["agreement"], bob["flags"]) == (2, 0.5, 0.5, 1)
    assert ann["known"]["n"] == 2, "the data set says which answer was chosen"


def test_conflicts_are_listed_and_an_editor_resolves_them(bench):
    campaign = bench.campaign(2, overlap=2)
    tasks = bench.judge_all(campaign, "ann", "a")
    bench.tasks(campaign, "bob")
    bench.judge(campaign, "bob", tasks[0], "b", comment="no")
    [conflict] = bench.at(campaign, "review")["items"]
    said = [(vote["annotator"], vote["verdict"], vote["comment"]) for vote in conflict["votes"]]
    assert said == [("Ann", "a", ""), ("Bob", "b", "no")]
    path = f"tasks/{conflict['id']}/resolution"
    assert bench.at(campaign, path, {"verdict": "b"})["resolution"] == "b"
    assert bench.at(campaign, "overview")["unresolved"] == 0
    assert bench.at(campaign, path, {"verdict": "skip"})["resolution"] is None
    assert bench.at(campaign, "overview")["unresolved"] == 1


def test_a_judgment_that_meets_the_end_of_its_campaign_is_not_counted(bench):
    """The campaign was open when the request read it, and finished when it came to write."""
    campaign = bench.campaign()
    task, *_ = bench.tasks(campaign, "ann")
    read = Campaign.objects.get(pk=campaign["id"])
    bench.at(campaign, "finish", {})
    body = JudgmentIn(task_id=task["id"], client_id="ann-late", verdict=Verdict.A)
    with pytest.raises(Conflict, match="finished"):
        services.submit(read, body, actor=Actor(User.objects.get(email="ann@example.org")))
    assert not Judgment.objects.exists()
    assert Task.objects.get(pk=task["id"]).judged == 0


def test_a_judgment_and_the_next_pair_cost_few_statements(bench, django_assert_max_num_queries):
    """Twenty people at once wait for one another's statements: see tests/benchmarks/annotation.py."""
    campaign = bench.campaign(12, overlap=2)
    held = bench.tasks(campaign, "ann")
    with django_assert_max_num_queries(30):
        answer = bench.judge(campaign, "ann", held[0], want=5)
    assert [task["id"] for task in answer["tasks"][:4]] == [task["id"] for task in held[1:]]
    assert len(answer["tasks"]) == 5

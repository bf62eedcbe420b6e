"""The work of annotators: pairs handed out under a lease, judged once, taken back (D13).

A task wants a number of judgments. What is judged and what others hold never exceeds it, so whoever holds a task can
count on being heard; all of it is decided by the database, on its clock, under the task's row lock.
"""

from datetime import timedelta

from django.db import IntegrityError, connection, transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Now

from runs.accounts.access import Actor
from runs.annotation.durability import durable_commit
from runs.annotation.models import Assignment, Campaign, CampaignState, Judgment, Task
from runs.annotation.schemas import JudgmentIn
from runs.annotation.services.campaigns import finish_campaign
from runs.annotation.verdicts import Verdict, side_of
from runs.problems import Conflict, FieldError, Invalid, NotFound

HOLD = timedelta(minutes=10)
SET_ASIDE_AFTER = 2
"""So many people skipping a pair set it aside: it counts as done, without the judgments it wanted."""


@transaction.atomic
def hand_out(campaign: Campaign, *, actor: Actor, want: int) -> list[Assignment]:
    """What `actor` holds, its lease prolonged, filled up to `want` tasks; nobody gets a task twice."""
    if campaign.state != CampaignState.OPEN or campaign.deleted_at:
        return []
    held = Assignment.objects.filter(task__campaign=campaign, annotator=actor.user, lease_until__gte=Now())
    missing = want - held.update(lease_until=Now() + HOLD)
    if missing > 0:
        _hold(_free(campaign, actor, missing), actor)
    return list(held.select_related("task").order_by("task__number"))


def _free(campaign: Campaign, actor: Actor, most: int) -> list[str]:
    """Ids of tasks that want another judgment than those given and promised, the first ones."""
    wanting = _wanting(campaign, actor).order_by("number").values_list("pk", flat=True)
    if not connection.features.has_select_for_update:
        return list(wanting[:most])  # SQLite: whoever writes is alone
    locked = list(wanting.select_for_update(skip_locked=True, of=("self",))[:most])
    # Asked again once the rows are locked: only a new statement sees what others were promised meanwhile.
    return list(wanting.filter(pk__in=locked))


def _wanting(campaign: Campaign, actor: Actor) -> QuerySet[Task]:
    """Neither judged nor held by `actor`; so all that is `promised`, it is promised to others."""
    judged_by_me = Judgment.objects.filter(task=OuterRef("pk"), annotator=actor.user, undone_at=None)
    holds = Assignment.objects.filter(task=OuterRef("pk"), lease_until__gte=Now()).order_by()
    return (
        Task.objects.filter(campaign=campaign, is_done=False)
        .annotate(promised=Coalesce(Subquery(holds.values("task").annotate(people=Count("*")).values("people")), 0))
        .filter(~Exists(judged_by_me), ~Exists(holds.filter(annotator=actor.user)), judged__lt=F("wanted") - F("promised"))
    )


def _hold(tasks: list[str], actor: Actor) -> None:
    """Puts the tasks into `actor`'s hands; one that was there before gets a new version, so that an old hold is known."""
    again = Assignment.objects.filter(task__in=tasks, annotator=actor.user)
    known = set(again.values_list("task", flat=True))
    if known:
        again.update(version=F("version") + 1, lease_until=Now() + HOLD)
    new = [task for task in tasks if task not in known]
    Assignment.objects.bulk_create(Assignment(task_id=task, annotator=actor.user, lease_until=Now() + HOLD) for task in new)


def submit_and_go_on(campaign: Campaign, body: JudgmentIn, *, actor: Actor) -> tuple[Judgment, bool, list[Assignment]]:
    """`submit`, then `hand_out` up to `body.want`, as one transaction: others wait once, and the disk is waited for once."""
    with durable_commit(), transaction.atomic():
        judgment, new = submit(campaign, body, actor=actor)
        return judgment, new, hand_out(campaign, actor=actor, want=body.want) if body.want else []


def submit(campaign: Campaign, body: JudgmentIn, *, actor: Actor) -> tuple[Judgment, bool]:
    """The judgment and whether it is new: a repeat of the same client id gets the first one again.

    Raises NotFound for a task of another campaign, Invalid for a verdict that the campaign does not offer, Conflict with
    what happened when the judgment does not count.
    """
    _check_verdict(campaign, body.verdict)
    with durable_commit(), transaction.atomic():
        task = Task.objects.select_for_update().filter(pk=body.task_id, campaign=campaign).first()
        if task is None:
            raise NotFound("No such pair in this campaign. Ask for the next ones.")
        known, earlier = _judged_before(task, body, actor)
        if known:
            return _same(known, body), False
        _check_counts(campaign, task, body, actor, earlier)
        return _keep(campaign, task, body, actor), True


def _check_verdict(campaign: Campaign, verdict: Verdict) -> None:
    barred = {Verdict.TIE: campaign.allow_tie, Verdict.BOTH_BAD: campaign.allow_both_bad}
    if not barred.get(verdict, True):
        message = f"This campaign does not offer `{verdict}`. Choose a side, or skip."
        raise Invalid(message, [FieldError("verdict", message)])


def _judged_before(task: Task, body: JudgmentIn, actor: Actor) -> tuple[Judgment | None, Judgment | None]:
    """What `actor` said under this client id, and what of theirs counts for this task already."""
    either = Q(client_id=body.client_id) | Q(task=task, undone_at=None)
    found = list(Judgment.objects.filter(either, annotator=actor.user))
    known = next((one for one in found if one.client_id == body.client_id), None)
    return known, next((one for one in found if one.task_id == task.pk and one.undone_at is None), None)


def _same(known: Judgment, body: JudgmentIn) -> Judgment:
    if (known.task_id, known.verdict) != (body.task_id, body.verdict):
        detail = "This client id stands for another judgment already. Take a new one for each judgment."
        raise Conflict("client_id_taken", detail)
    return known


def _check_counts(campaign: Campaign, task: Task, body: JudgmentIn, actor: Actor, earlier: Judgment | None) -> None:
    """Raises Conflict, saying what happened, when this judgment would count for nothing."""
    if campaign.deleted_at or campaign.state != CampaignState.OPEN:
        raise _finished()
    if earlier:
        words = earlier.verdict.replace("_", " ")
        raise Conflict("judged_already", f"You judged this pair already ({words}), and that counts. Undo it to judge it again.")
    if body.verdict == Verdict.SKIP or _holds(task, body, actor):
        return
    promised = Assignment.objects.filter(task=task, lease_until__gte=Now()).exclude(annotator=actor.user).count()
    if task.is_done or task.judged + promised >= task.wanted:
        minutes = int(HOLD.total_seconds() // 60)
        detail = (
            f"You no longer held this pair: a hold lasts {minutes} minutes. It has {task.judged} of {task.wanted} judgments and "
            f"{promised} promised to others, so yours was not counted. Go on with the next pair."
        )
        raise Conflict("hold_lost", detail)


def _finished() -> Conflict:
    return Conflict("campaign_finished", "The campaign is finished; this judgment was not counted. An editor can reopen it.")


def _holds(task: Task, body: JudgmentIn, actor: Actor) -> bool:
    """Whether the judgment was promised to `actor`; the count is checked all the same."""
    mine = Assignment.objects.filter(task=task, annotator=actor.user, lease_until__gte=Now())
    mine = mine if body.version is None else mine.filter(version=body.version)
    return task.judged < task.wanted and mine.exists()


def _keep(campaign: Campaign, task: Task, body: JudgmentIn, actor: Actor) -> Judgment:
    try:
        with transaction.atomic():
            judgment = Judgment.objects.create(
                campaign=campaign,
                task=task,
                annotator=actor.user,
                client_id=body.client_id,
                verdict=body.verdict,
                comment=body.comment.replace("\x00", "\ufffd"),
                flagged=body.flagged,
                seconds=body.seconds,
            )
    except IntegrityError:
        raise Conflict("in_work", "Another request with this client id is being worked on. Ask again in a second.") from None
    _tally(campaign, task, judgment, 1)
    Assignment.objects.filter(task=task, annotator=actor.user).update(lease_until=None)
    if campaign.done == campaign.tasks:
        finish_campaign(campaign, actor=None)
    return judgment


def _tally(campaign: Campaign, task: Task, judgment: Judgment, sign: int) -> None:
    """Adds the judgment to the counts of its task and campaign, or with −1 takes it out.

    Raises Conflict when the campaign was finished meanwhile. The campaign is written before anybody's assignment, which is
    the order in which finishing it writes them too, so that the two never wait for each other.
    """
    was_done = task.is_done
    counted = {name: getattr(task, name) + sign for name in _counted(judgment)}
    for name, value in counted.items():
        setattr(task, name, value)
    task.is_done = task.judged >= task.wanted or task.skipped >= SET_ASIDE_AFTER
    done = int(task.is_done) - int(was_done)
    told = sign if judgment.verdict != Verdict.SKIP else 0
    still_open = Campaign.objects.filter(pk=campaign.pk, state=CampaignState.OPEN, deleted_at=None)
    if not still_open.update(judgments=F("judgments") + told, done=F("done") + done):
        raise _finished()
    Task.objects.filter(pk=task.pk).update(is_done=task.is_done, **counted)
    if done:
        campaign.refresh_from_db(fields=["judgments", "done"])


def _counted(judgment: Judgment) -> list[str]:
    side = side_of(judgment.verdict)
    names = ["skipped" if judgment.verdict == Verdict.SKIP else "judged"]
    return [*names, *([f"votes_{side}"] if side else []), *(["flags"] if judgment.flagged else [])]


@transaction.atomic
def undo(campaign: Campaign, *, actor: Actor, client_id: str | None) -> tuple[Judgment, Assignment]:
    """Takes `actor`'s last judgment back and puts its task into their hands again. A repeat gets the same answer.

    Raises Conflict when there is none, when another came after it, or when the campaign is finished.
    """
    if campaign.deleted_at or campaign.state != CampaignState.OPEN:
        raise Conflict("campaign_finished", "The campaign is finished and its labels may be in use. An editor can reopen it.")
    own = Judgment.objects.filter(campaign=campaign, annotator=actor.user).order_by("-created_at", "-id")
    last = own.filter(undone_at=None).first()
    named = own.filter(client_id=client_id).first() if client_id else None
    if named and named.undone_at and not own.filter(task=named.task_id, undone_at=None).exists():
        return named, _held_again(named, actor)
    if last is None or (client_id and (named is None or named.undone_at)):
        raise Conflict("nothing_to_undo", "There is no judgment of yours to take back here.")
    if named and named.pk != last.pk:
        raise Conflict("not_the_last", "You judged another pair after this one. Undo that one first.")
    task = Task.objects.select_for_update().get(pk=last.task_id)
    # A second click waited for the row as we looked: whatever it finds taken back by now is not taken out twice.
    taken = Judgment.objects.filter(pk=last.pk, undone_at=None).update(undone_at=Now())
    last.refresh_from_db(fields=["undone_at"])
    if not taken and named is None:
        raise Conflict("in_work", "Another request takes this judgment back. Look at what you have in hand, then go on.")
    if not taken:
        return last, _held_again(last, actor)
    _tally(campaign, task, last, -1)
    return last, _held_again(last, actor)


def _held_again(judgment: Judgment, actor: Actor) -> Assignment:
    held = Assignment.objects.filter(task=judgment.task_id, annotator=actor.user)
    if not held.filter(lease_until__gte=Now()).exists():
        _hold([judgment.task_id], actor)
    return held.select_related("task").get()

"""The work of annotators: pairs handed out under a lease, judged once, taken back (D13).

A task wants a number of judgments. What is judged and what others hold never exceeds it, so whoever holds a task can
count on being heard; all of it is decided by the database, on its clock, under the task's row lock.
"""

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce, Now

from runs.accounts.access import Actor
from runs.annotation.durability import durable_commit
from runs.annotation.models import Assignment, Campaign, CampaignState, Judgment, Task
from runs.annotation.schemas import JudgmentIn
from runs.annotation.services.campaigns import count, finish_campaign
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
    mine = Assignment.objects.filter(task__campaign=campaign, annotator=actor.user)
    held = mine.filter(lease_until__gte=Now())
    held.update(lease_until=Now() + HOLD)
    missing = want - held.count()
    if missing > 0:
        for task in _free(campaign, actor, missing):
            _hold(task, actor)
    return list(held.select_related("task").order_by("task__number"))


def _free(campaign: Campaign, actor: Actor, most: int) -> list[Task]:
    """Tasks that want another judgment than those given and promised, in their order."""
    wanting = _wanting(campaign, actor)
    locked = wanting.select_for_update(skip_locked=True, of=("self",)).order_by("number")[:most]
    # Asked again once the rows are locked: only a new statement sees what others were promised meanwhile.
    return list(wanting.filter(pk__in=[task.pk for task in locked]).order_by("number"))


def _wanting(campaign: Campaign, actor: Actor) -> QuerySet[Task]:
    judged_by_me = Judgment.objects.filter(task=OuterRef("pk"), annotator=actor.user, undone_at=None)
    held_by_me = Assignment.objects.filter(task=OuterRef("pk"), annotator=actor.user, lease_until__gte=Now())
    return (
        Task.objects.filter(campaign=campaign, is_done=False)
        .annotate(promised=_promised(actor))
        .filter(judged__lt=F("wanted") - F("promised"))
        .exclude(Exists(judged_by_me))
        .exclude(Exists(held_by_me))
    )


def _promised(actor: Actor) -> Coalesce:
    """How many others hold the task."""
    held = Assignment.objects.filter(task=OuterRef("pk"), lease_until__gte=Now()).exclude(annotator=actor.user)
    return Coalesce(Subquery(held.order_by().values("task").annotate(people=Count("*")).values("people")), 0)


def _hold(task: Task, actor: Actor) -> None:
    made, new = Assignment.objects.get_or_create(task=task, annotator=actor.user)
    version = made.version if new else F("version") + 1
    Assignment.objects.filter(pk=made.pk).update(version=version, lease_until=Now() + HOLD)


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
        known = Judgment.objects.filter(annotator=actor.user, client_id=body.client_id).first()
        if known:
            return _same(known, body), False
        _check_counts(campaign, task, body, actor)
        return _keep(campaign, task, body, actor), True


def _check_verdict(campaign: Campaign, verdict: Verdict) -> None:
    barred = {Verdict.TIE: campaign.allow_tie, Verdict.BOTH_BAD: campaign.allow_both_bad}
    if not barred.get(verdict, True):
        message = f"This campaign does not offer `{verdict}`. Choose a side, or skip."
        raise Invalid(message, [FieldError("verdict", message)])


def _same(known: Judgment, body: JudgmentIn) -> Judgment:
    if (known.task_id, known.verdict) != (body.task_id, body.verdict):
        detail = "This client id stands for another judgment already. Take a new one for each judgment."
        raise Conflict("client_id_taken", detail)
    return known


def _check_counts(campaign: Campaign, task: Task, body: JudgmentIn, actor: Actor) -> None:
    """Raises Conflict, saying what happened, when this judgment would count for nothing."""
    if campaign.deleted_at or Campaign.objects.filter(pk=campaign.pk).exclude(state=CampaignState.OPEN).exists():
        raise Conflict("campaign_finished", "The campaign is finished; this judgment was not counted. An editor can reopen it.")
    earlier = Judgment.objects.filter(task=task, annotator=actor.user, undone_at=None).first()
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
    Assignment.objects.filter(task=task, annotator=actor.user).update(lease_until=None)
    _tally(campaign, task, judgment, 1)
    if campaign.done == campaign.tasks:
        finish_campaign(campaign, actor=None)
    return judgment


def _tally(campaign: Campaign, task: Task, judgment: Judgment, sign: int) -> None:
    """Adds the judgment to the counts of its task and campaign, or with −1 takes it out."""
    was_done = task.is_done
    for name in _counted(judgment):
        setattr(task, name, getattr(task, name) + sign)
    task.is_done = task.judged >= task.wanted or task.skipped >= SET_ASIDE_AFTER
    task.save(update_fields=["judged", "skipped", "flags", "votes_a", "votes_b", "is_done"])
    told = sign if judgment.verdict != Verdict.SKIP else 0
    count(campaign, judgments=told, done=int(task.is_done) - int(was_done))


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
    Judgment.objects.filter(pk=last.pk).update(undone_at=Now())
    last.refresh_from_db(fields=["undone_at"])
    _tally(campaign, task, last, -1)
    return last, _held_again(last, actor)


def _held_again(judgment: Judgment, actor: Actor) -> Assignment:
    held = Assignment.objects.filter(task=judgment.task_id, annotator=actor.user)
    if not held.filter(lease_until__gte=Now()).exists():
        _hold(judgment.task, actor)
    return held.select_related("task").get()

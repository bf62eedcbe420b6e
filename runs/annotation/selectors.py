"""Reads of the room: campaigns, how far they are, who judged how, where people disagree."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import timedelta
from statistics import median
from typing import Any

from django.db.models import F, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.aggregates import Count
from django.db.models.functions import Coalesce, Now

from runs.accounts.access import Actor
from runs.accounts.models import Project, User
from runs.annotation.agreement import alpha, nominal, ordinal, raw_agreement
from runs.annotation.models import Assignment, Campaign, CampaignExport, CampaignState, Judgment, Task
from runs.annotation.verdicts import SCALE, Verdict, opinion_of, side_of
from workers.contract.products import Interval
from workers.statistics import wilson

PACE_OVER = timedelta(hours=1)
CONFLICT = Q(votes_a__gt=0, votes_b__gt=0)


def campaign_list(project: Project, actor: Actor, *, deleted: bool = False) -> QuerySet[Campaign]:
    """The campaigns of a project, each with `mine`, the number of the actor's own judgments."""
    return with_mine(Campaign.objects.filter(project=project, deleted_at__isnull=not deleted), actor)


def with_mine(campaigns: QuerySet[Campaign], actor: Actor) -> QuerySet[Campaign]:
    own = given(Judgment.objects.filter(campaign=OuterRef("pk"), annotator=actor.user)).order_by()
    return campaigns.annotate(mine=Coalesce(Subquery(own.values("campaign").annotate(n=Count("*")).values("n")), 0))


def given(judgments: QuerySet[Judgment]) -> QuerySet[Judgment]:
    """Those that count: not taken back, and no skip."""
    return judgments.filter(undone_at=None).exclude(verdict=Verdict.SKIP)


def work_progress(campaign: Campaign, actor: Actor) -> dict[str, Any]:
    """How far the campaign is, and how many of its judgments are the actor's."""
    fresh: Any = with_mine(Campaign.objects.filter(pk=campaign.pk).only("state", "tasks", "done"), actor).get()
    return {"state": fresh.state, "tasks": fresh.tasks, "done": fresh.done, "mine": fresh.mine}


def progress(campaign: Campaign, actor: Actor | None = None) -> dict[str, Any]:
    """Pairs done of all, judgments of those wanted, and when it will be done at the pace of the last hour."""
    campaign = Campaign.objects.get(pk=campaign.pk)
    open_tasks = Task.objects.filter(campaign=campaign, is_done=False)
    missing = sum(wanted - judged for wanted, judged in open_tasks.values_list("wanted", "judged"))
    mine = given(Judgment.objects.filter(campaign=campaign, annotator=actor.user)).count() if actor else 0
    return {
        "state": campaign.state,
        "tasks": campaign.tasks,
        "done": campaign.done,
        "judgments": campaign.judgments,
        "wanted": campaign.judgments + missing,
        "eta_seconds": None if campaign.state == CampaignState.FINISHED else _eta(campaign, missing),
        "mine": mine,
        "my_agreement": _agreement_of(list(given(Judgment.objects.filter(campaign=campaign))), actor.user.id) if actor else None,
    }


def _eta(campaign: Campaign, missing: int) -> float | None:
    recent = given(Judgment.objects.filter(campaign=campaign, created_at__gte=Now() - PACE_OVER))
    times = list(recent.order_by("created_at").values_list("created_at", flat=True))
    if len(times) < 2 or times[-1] == times[0]:
        return None
    return missing * (times[-1] - times[0]).total_seconds() / (len(times) - 1)


def held_tasks(held: Iterable[Assignment]) -> list[dict[str, Any]]:
    return [held_task(assignment) for assignment in held]


def held_task(assignment: Assignment) -> dict[str, Any]:
    """A task as its annotator may see it: neither names nor which answer came first."""
    task = assignment.task
    hold = {"version": assignment.version, "lease_until": assignment.lease_until}
    return {"id": task.id, "number": task.number, **shown(task), **hold}


def shown(task: Task) -> dict[str, Any]:
    a, b = sides(task)
    return {"prompt": task.prompt, "a": a["text"], "b": b["text"]}


def sides(task: Task) -> tuple[dict[str, Any], dict[str, Any]]:
    """The two answers as they were shown: left, right."""
    return (task.second, task.first) if task.swapped else (task.first, task.second)


def overview(campaign: Campaign, actor: Actor) -> dict[str, Any]:
    """Everything that the campaign's page shows of its judgments."""
    judgments = list(Judgment.objects.filter(campaign=campaign, undone_at=None).select_related("annotator", "task"))
    told = [judgment for judgment in judgments if judgment.verdict != Verdict.SKIP]
    tasks = Task.objects.filter(campaign=campaign)
    return {
        "progress": progress(campaign, actor),
        "agreement": agreement(told),
        "a_share": a_share(told),
        "known": known_share(told),
        "verdicts": dict(Counter(judgment.verdict for judgment in judgments)),
        "conflicts": tasks.filter(CONFLICT).count(),
        "unresolved": tasks.filter(CONFLICT, resolution="").count(),
        "flagged": tasks.filter(flags__gt=0).count(),
        "set_aside": tasks.filter(is_done=True, judged__lt=F("wanted")).count(),
        "median_seconds": _median(told),
        "people": _people(judgments),
    }


def agreement(told: list[Judgment]) -> dict[str, Any]:
    """Over the pairs that several people judged: of sides, and of places between the sides."""
    units = [unit for unit in _by_task(told).values() if len(unit) > 1]
    opinions = [[opinion_of(judgment.verdict) for judgment in unit] for unit in units]
    places = [[SCALE[Verdict(judgment.verdict)] for judgment in unit if judgment.verdict in SCALE] for unit in units]
    return {
        "pairs": len(units),
        "raw": raw_agreement(opinions),
        "alpha": alpha(opinions, nominal),
        "alpha_ordinal": alpha(places, ordinal),
    }


def a_share(told: list[Judgment]) -> Interval:
    """How often the left side was preferred where one was. Sides are drawn, so it should be about half."""
    chosen = [side for judgment in told if (side := side_of(judgment.verdict))]
    return wilson(chosen.count("a"), len(chosen))


def known_share(told: list[Judgment]) -> Interval:
    """How often a side was preferred that the source calls the better one, where it says so and a side was preferred."""
    hits = [side == known for judgment in told
            if (side := side_of(judgment.verdict)) and (known := known_side(judgment.task))]
    return wilson(sum(hits), len(hits))


def known_side(task: Task) -> str:
    """The side, as shown, of the answer that the source calls the better one; empty where it says nothing."""
    return "" if not task.known else "a" if (task.known == "second") == task.swapped else "b"


def _people(judgments: list[Judgment]) -> list[dict[str, Any]]:
    by_person: dict[str, list[Judgment]] = defaultdict(list)
    for judgment in judgments:
        by_person[judgment.annotator_id].append(judgment)
    told = [judgment for judgment in judgments if judgment.verdict != Verdict.SKIP]
    rows = [_person(own[0].annotator, own, told) for own in by_person.values()]
    return sorted(rows, key=lambda row: (-row["judgments"], row["name"]))


def _person(person: User, own: list[Judgment], everybodys: list[Judgment]) -> dict[str, Any]:
    told = [judgment for judgment in own if judgment.verdict != Verdict.SKIP]
    return {
        "annotator_id": person.id,
        "name": person.name,
        "judgments": len(told),
        "skips": len(own) - len(told),
        "flags": sum(judgment.flagged for judgment in own),
        "median_seconds": _median(told),
        "a_share": a_share(told),
        "known": known_share(told),
        "agreement": _agreement_of(everybodys, person.id),
        "verdicts": dict(Counter(judgment.verdict for judgment in own)),
        "last_at": max(judgment.created_at for judgment in own),
    }


def _agreement_of(told: list[Judgment], person_id: str) -> float | None:
    """The share of others' judgments on the person's pairs that say the same; None where nobody else judged them."""
    same = others = 0
    for unit in _by_task(told).values():
        own = next((opinion_of(judgment.verdict) for judgment in unit if judgment.annotator_id == person_id), None)
        if own is None:
            continue
        theirs = [opinion_of(judgment.verdict) for judgment in unit if judgment.annotator_id != person_id]
        same, others = same + theirs.count(own), others + len(theirs)
    return same / others if others else None


def _by_task(judgments: Iterable[Judgment]) -> dict[str, list[Judgment]]:
    found: dict[str, list[Judgment]] = defaultdict(list)
    for judgment in judgments:
        found[judgment.task_id].append(judgment)
    return found


def _median(judgments: list[Judgment]) -> float | None:
    seconds = [judgment.seconds for judgment in judgments if judgment.seconds is not None]
    return median(seconds) if seconds else None


def review_list(campaign: Campaign, what: str) -> QuerySet[Task]:
    """Tasks to look at, with their judgments: `conflicts` where sides disagree, `flagged` those that somebody flagged."""
    return _with_judgments(Task.objects.filter(CONFLICT if what == "conflicts" else Q(flags__gt=0), campaign=campaign))


def task_for_review(task_id: str) -> Task:
    return _with_judgments(Task.objects.filter(pk=task_id)).get()


def _with_judgments(tasks: QuerySet[Task]) -> QuerySet[Task]:
    counted = Judgment.objects.filter(undone_at=None).select_related("annotator").order_by("created_at", "id")
    return tasks.select_related("resolved_by").prefetch_related(Prefetch("judgments", counted))


def export_list(campaign: Campaign) -> QuerySet[CampaignExport]:
    return campaign.exports.select_related("version", "job").order_by("-created_at")

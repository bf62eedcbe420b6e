"""Reads of the room: models held ready, a person's conversations, votes."""

from collections import defaultdict
from typing import Any

from django.db.models import QuerySet

from runs.accounts.models import Project, User
from runs.launches.models import Run
from runs.launches.states import FINAL, HELD
from runs.leases import Desired
from runs.playground.models import Exchange, Serving
from runs.playground.schemas import VotesOut, VoteTally


def serving_list(project: Project) -> list[Serving]:
    """Models held ready, or soon, the one used last in front."""
    return list(live_servings(project).order_by("-used_at"))


def live_servings(project: Project) -> QuerySet[Serving]:
    rows = Serving.objects.filter(project=project, run__deleted_at=None, run__desired=Desired.RUN).select_related("run")
    return rows.exclude(run__state__in=FINAL)


def serving_of(project: Project, model_id: str) -> Serving | None:
    """The newest that holds the model."""
    return live_servings(project).filter(model_id=model_id).order_by("-created_at").first()


def training_run(project: Project, run_id: str) -> Run | None:
    """A run that is executed now, whose model can be asked as it stands."""
    return Run.objects.filter(project=project, id=run_id, state__in=HELD, deleted_at=None).first()


def exchange_list(project: Project, user: User, *, conversation_id: str = "") -> QuerySet[Exchange]:
    """A person's own questions."""
    rows = Exchange.objects.filter(project=project, user=user)
    return rows.filter(conversation_id=conversation_id) if conversation_id else rows


def votes(project: Project) -> QuerySet[Exchange]:
    return Exchange.objects.filter(project=project).exclude(verdict="").select_related("user").order_by("voted_at", "id")


def is_pair(vote: Exchange) -> bool:
    """Whether the vote says which of two different answers is better."""
    return vote.verdict in ("a", "b") and text_of(vote, "a") != text_of(vote, "b")


def text_of(exchange: Exchange, side: str) -> str:
    return str(exchange.answers[side]["text"])


def preference_row(vote: Exchange) -> dict[str, Any]:
    """The vote in TRL's preference shape, with who, when and which models."""
    better, worse = (vote.verdict, "b" if vote.verdict == "a" else "a")
    return {
        "prompt": [{key: value for key, value in message.items() if value is not None} for message in vote.messages],
        "chosen": [{"role": "assistant", "content": text_of(vote, better)}],
        "rejected": [{"role": "assistant", "content": text_of(vote, worse)}],
        "annotator": vote.user.email,
        "voted_at": vote.voted_at.isoformat() if vote.voted_at else "",
        "chosen_model": vote.sides[better]["name"],
        "rejected_model": vote.sides[worse]["name"],
        "chosen_model_id": vote.sides[better]["model_id"],
        "rejected_model_id": vote.sides[worse]["model_id"],
        "blind": vote.blind,
        "exchange_id": vote.id,
    }


def vote_summary(project: Project) -> VotesOut:
    """How the votes of a project stand, for each two models once, whichever side they were on."""
    tallies: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    names: dict[str, str] = {}
    count = rows = 0
    for vote in votes(project).iterator():
        count += 1
        rows += is_pair(vote)
        ids = {side: str(facts["model_id"]) for side, facts in vote.sides.items()}
        names |= {str(facts["model_id"]): str(facts["name"]) for facts in vote.sides.values()}
        first, second = sorted(ids.values())
        tally = tallies[first, second]
        won = ids.get(vote.verdict)
        tally[vote.verdict if won is None else "first" if won == first else "second"] += 1
        tally["blind"] += vote.blind
    return VotesOut(votes=count, rows=rows, tallies=[
        VoteTally(first_id=first, first_name=names[first], second_id=second, second_name=names[second],
                  first_wins=tally["first"], second_wins=tally["second"], ties=tally["tie"], both_bad=tally["bad"],
                  blind=tally["blind"])
        for (first, second), tally in tallies.items()
    ])

"""Every write of the room: models started and let go, questions asked, answers kept, votes given."""

import json
import secrets
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from runs.accounts.access import Actor, Role, role_in
from runs.accounts.limits import Limit
from runs.accounts.models import Project
from runs.accounts.services import audit
from runs.datasets.models import Dataset, DatasetVersion
from runs.datasets.services import add_written_version, new_dataset
from runs.datasets.shapes.mapping import Mapping
from runs.jobs.models import Job
from runs.launches.models import Checkpoint, Run
from runs.launches.schemas import ControlIn, RunDraft
from runs.launches.services import create_run, request_control
from runs.launches.states import State
from runs.library.models import LibraryModel
from runs.playground import selectors
from runs.playground.models import Exchange, Serving
from runs.playground.relay import new_request_id
from runs.playground.schemas import AnswerIn, CollectIn, ExchangeIn, Verdict
from runs.problems import Conflict, FieldError, Forbidden, Invalid, NotFound, Problem
from runs.storable import storable
from workers.contract.control import Chat
from workers.contract.records import RecordKind
from workers.contract.run_spec import Resources

METHOD = "serve-chat"
IDLE = timedelta(seconds=15)
"""A model that nobody has asked for so long may make room for another."""
PAIRS = Mapping(kind=RecordKind.PREFERENCE, shape="trl", label="Votes of the playground",
                columns={name: name for name in ("prompt", "chosen", "rejected")})
QUESTIONS = Limit("chats", 240, 60)
"""Of one person, over all their tokens and pages."""


@transaction.atomic
def start_serving(project: Project, model_id: str, actor: Actor, *, gpus: int = 0) -> Serving:
    """The model held ready: the run that does so already, else a new one. Raises Problem for a model that cannot be served.

    When all places are taken, the model of this project that was asked longest ago, and not just now, makes room.
    """
    Project.objects.select_for_update().get(id=project.id)
    found = selectors.serving_of(project, model_id)
    if found is not None:
        return found
    if not gpus:
        _make_room(project, actor)
    name = name_of_model(project, model_id)
    draft = RunDraft(name=f"Chat with {name}"[:120], method=METHOD, models={"policy": model_id}, tags=["playground"],
                     resources=Resources(gpus=gpus))
    run = create_run(project, draft, actor)
    return Serving.objects.create(project=project, created_by=actor.user, model_id=model_id, name=name, run=run)


def stop_serving(serving: Serving, actor: Actor) -> None:
    """Lets the model go; what has ended already stays as it is."""
    if serving.run.state not in (State.SUCCEEDED, State.FAILED, State.CANCELLED):
        control = ControlIn(type="cancel" if serving.run.state == State.QUEUED else "stop", checkpoint=False)
        request_control(serving.run, control, actor)


def name_of_model(project: Project, model_id: str) -> str:
    """Raises NotFound."""
    if model_id.startswith("ckp_"):
        checkpoint = Checkpoint.objects.filter(id=model_id, run__project=project).select_related("run").first()
        if checkpoint is not None:
            return f"{checkpoint.run.name} at step {checkpoint.step}"
    else:
        model = LibraryModel.objects.filter(id=model_id, project=project).first()
        if model is not None:
            return model.name
    raise NotFound(f"This project has no model {model_id}. Choose another.")


def run_to_ask(project: Project, model_id: str, actor: Actor) -> Run:
    """The run whose engine answers for a model: one that holds it, a run that trains, or a new one.

    Starting one takes the role of an editor. Raises Problem.
    """
    if model_id.startswith("run_"):
        run = selectors.training_run(project, model_id)
        if run is None:
            raise NotFound("No such run works now. Ask its checkpoints or its final model instead.")
        return run
    serving = selectors.serving_of(project, model_id)
    if serving is None:
        role = role_in(actor, project.id)
        if role is None or not role.at_least(Role.EDITOR):
            raise Forbidden("This model is not held ready, and starting it needs the role editor. Ask somebody who has it.")
        serving = start_serving(project, model_id, actor)
    if serving.run.state == State.PAUSED:
        raise Conflict("run_paused", "The run that holds this model is paused. Resume it, then ask again.")
    Serving.objects.filter(id=serving.id).update(used_at=timezone.now())
    return serving.run


def count_question(actor: Actor) -> None:
    """Raises TooMany when a person asks faster than any person reads."""
    QUESTIONS.refuse_when_spent(actor.user.id)
    QUESTIONS.count(actor.user.id)


def open_exchange(project: Project, body: ExchangeIn, actor: Actor) -> Exchange:
    """A question, its models on sides that chance decides when it is blind. Raises Problem."""
    if body.messages[-1].role == "assistant":
        message = "The last message is the assistant's. End with the question."
        raise Invalid(message, [FieldError("messages", message)])
    if body.blind and len(body.models) < 2:
        message = "A blind comparison takes two models. Choose another one."
        raise Invalid(message, [FieldError("models", message)])
    chosen = [{"model_id": one, "name": _askable(project, one)} for one in body.models]
    if body.blind and secrets.randbelow(2):
        chosen.reverse()
    return Exchange.objects.create(
        project=project,
        user=actor.user,
        conversation_id=body.conversation_id or new_request_id(),
        messages=[message.model_dump(exclude_none=True) for message in body.messages],
        settings=body.settings.model_dump(mode="json"),
        sides=dict(zip("ab", chosen, strict=False)),
        blind=body.blind,
    )


def question(exchange: Exchange, body: AnswerIn) -> Chat:
    """What the engine of one side is asked. Raises Problem for a side that is not there or was answered already."""
    if body.side not in exchange.sides:
        raise Invalid("This question went to one model.", [FieldError("side", "Only side a is there.")])
    if body.side in exchange.answers:
        raise Conflict("answered", "This side has answered already. Ask the question anew for another answer.")
    return Chat.model_validate(
        {"request_id": new_request_id(), "messages": exchange.messages, "logprobs": body.logprobs, **exchange.settings})


def without_names(exchange: Exchange, text: str) -> str:
    """A text about a side as the asker may read it: while a comparison is blind no fault tells what a side is."""
    if exchange.blind and not exchange.verdict:
        named = {said for facts in exchange.sides.values() for said in (facts["name"], facts["model_id"]) if said}
        for said in sorted(named, key=len, reverse=True):
            text = text.replace(said, "this model")
    return text


def problem_without_names(exchange: Exchange, problem: Problem) -> Problem:
    """The same problem, worded by `without_names`."""
    problem.detail = without_names(exchange, problem.detail)
    problem.errors = [FieldError(error.field, without_names(exchange, error.message)) for error in problem.errors]
    return problem


@transaction.atomic
def keep_answer(exchange_id: str, side: str, answer: dict[str, Any]) -> None:
    """Keeps the first answer of a side, whole or as far as it came."""
    exchange = Exchange.objects.select_for_update().filter(id=exchange_id).first()
    if exchange is not None and side not in exchange.answers:
        exchange.answers = exchange.answers | {side: storable(answer)}
        exchange.save(update_fields=["answers"])


@transaction.atomic
def vote(exchange: Exchange, verdict: Verdict, actor: Actor) -> Exchange:
    """Which side is better. The same again changes nothing. Raises Conflict for another verdict, or missing answers."""
    exchange = Exchange.objects.select_for_update().get(id=exchange.id)
    if exchange.verdict:
        if exchange.verdict != verdict:
            raise Conflict("voted", "This comparison has its vote, and the names were shown. Ask again to compare anew.")
        return exchange
    if not {"a", "b"} <= set(exchange.answers):
        raise Conflict("not_answered", "Both sides must have answered. Wait for them, or stop them.")
    exchange.verdict, exchange.voted_at = verdict, timezone.now()
    exchange.save(update_fields=["verdict", "voted_at"])
    audit(exchange.project, actor, "playground.vote", exchange.id, {"verdict": verdict, "blind": exchange.blind})
    return exchange


def forget_conversation(project: Project, conversation_id: str, actor: Actor) -> int:
    """Deletes a person's own conversation; what has a vote stays, since rows were made of it. Answers how many went."""
    rows = selectors.exchange_list(project, actor.user, conversation_id=conversation_id).filter(verdict="")
    return rows.delete()[0]


@transaction.atomic
def collect_votes(project: Project, body: CollectIn, actor: Actor) -> tuple[DatasetVersion, Job, int]:
    """Every vote that prefers one of two different answers as a preference row: a new version, and the job that reads it.

    Raises Problem when there is no such vote, or no such data set.
    """
    rows = [selectors.preference_row(one) for one in selectors.votes(project) if selectors.is_pair(one)]
    if not rows:
        raise Conflict("no_rows", "No vote prefers one of two different answers yet. Compare two models, then collect.")
    dataset = _collection(project, body, actor)
    with tempfile.TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR) as folder:
        file = Path(folder) / "playground-votes.jsonl"
        file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        version, job = add_written_version(dataset, file, mapping=PAIRS, origin={"playground_votes": len(rows)}, actor=actor)
    return version, job, len(rows)


def _collection(project: Project, body: CollectIn, actor: Actor) -> Dataset:
    if body.dataset_id is None:
        return new_dataset(project, name=body.name, description="Votes of the playground.", actor=actor)
    found = Dataset.objects.filter(project=project, id=body.dataset_id, deleted_at=None).first()
    if found is None:
        message = "This project has no such data set. Choose another, or leave it out for a new one."
        raise Invalid(message, [FieldError("dataset_id", message)])
    return found


def _askable(project: Project, model_id: str) -> str:
    if model_id.startswith("run_"):
        run = selectors.training_run(project, model_id)
        if run is None:
            raise NotFound("No such run works now. Ask its checkpoints or its final model instead.")
        return f"{run.name}, as it stands"
    return name_of_model(project, model_id)


def _make_room(project: Project, actor: Actor) -> None:
    live = list(selectors.live_servings(project).filter(run__gpus=0).order_by("used_at"))
    if len(live) >= settings.SERVE_SLOTS and live and live[0].used_at < timezone.now() - IDLE:
        stop_serving(live[0], actor)

"""POST /v1/chat/completions and GET /v1/models: the library's models for programs that speak OpenAI's shapes."""

from typing import Any

from asgiref.sync import async_to_sync
from ninja import Router

from runs.accounts.access import Actor, ApiRequest, Role, require, visible_projects
from runs.accounts.models import Membership, Project
from runs.launches.models import Checkpoint, Run
from runs.library.models import Kind, LibraryModel, ModelState
from runs.playground import relay, services
from runs.playground.api import event_stream
from runs.playground.openai_shapes import Completion, CompletionIn, question
from runs.problems import NotFound
from workers.contract.chat import ChatDone, ChatRefused, ChatToken

router = Router()


@router.get("/models")
def list_models(request: ApiRequest) -> dict[str, Any]:
    """The models that write, of all projects that the token sees; annotators are not told what models there are."""
    found = _listed(request.auth).order_by("-created_at")
    return {"object": "list", "data": [_model(one) for one in found]}


@router.get("/models/{model_name}")
def get_model(request: ApiRequest, model_name: str) -> dict[str, Any]:
    found = _listed(request.auth).filter(id=model_name).first() or _named(request.auth, model_name)
    if found is None:
        raise _no_model(model_name)
    return _model(found)


@router.post("/chat/completions")
def chat_completions(request: ApiRequest, body: CompletionIn) -> Any:
    """A completion, or with `stream` its chunks as server-sent events. A model that is not ready is started first."""
    project, model_id = _asked_model(request.auth, body.model)
    require(request, project, Role.ANNOTATOR)
    ask = question(body)
    services.count_question(request.auth)
    run = services.run_to_ask(project, model_id, request.auth)
    shape = Completion(model=body.model, begun=relay.begin(run, ask), logprobs=ask.logprobs)
    if body.stream:
        usage = body.stream_options is not None and body.stream_options.include_usage
        return event_stream(shape.chunks(relay.words(run, ask.request_id), usage=usage))
    return async_to_sync(_collected)(run, shape)


async def _collected(run: Run, shape: Completion) -> dict[str, Any]:
    """The whole answer. Raises ChatFault when the engine goes meanwhile."""
    said: list[ChatToken] = []
    stream = relay.words(run, shape.begun.request_id)
    try:
        async for word in stream:
            if isinstance(word, ChatToken):
                said.append(word)
            elif isinstance(word, ChatRefused):
                raise relay.ChatFault(word)
            elif isinstance(word, ChatDone):
                return shape.whole(said, word)
    finally:
        await stream.aclose()  # type: ignore[attr-defined]  # it is an async generator
    raise AssertionError("The stream of words ends with its last word.")


def _models(actor: Actor) -> Any:
    projects = visible_projects(actor).values("id")
    rows = LibraryModel.objects.filter(project__in=projects, deleted_at=None, state=ModelState.READY, kind=Kind.CAUSAL)
    return rows.select_related("project")


def _listed(actor: Actor) -> Any:
    """Those whose names the actor may read: whoever annotates in a project is not to learn what is compared there."""
    annotated = Membership.objects.filter(user=actor.user, role=Role.ANNOTATOR)
    hidden = visible_projects(actor).filter(id__in=annotated.values("project")).values("id")
    return _models(actor).exclude(project__in=hidden)


def _named(actor: Actor, name: str) -> LibraryModel | None:
    """The newest of that name."""
    found: LibraryModel | None = _listed(actor).filter(name=name).order_by("-created_at").first()
    return found


def _asked_model(actor: Actor, name: str) -> tuple[Project, str]:
    """The project and id of what the caller names: a model, a checkpoint, a run that works. Raises NotFound."""
    projects = visible_projects(actor).values("id")
    if name.startswith("ckp_"):
        checkpoint = Checkpoint.objects.filter(id=name, run__project__in=projects).select_related("run__project").first()
        if checkpoint is not None:
            return checkpoint.run.project, checkpoint.id
    elif name.startswith("run_"):
        run = Run.objects.filter(id=name, project__in=projects).select_related("project").first()
        if run is not None:
            return run.project, run.id
    elif (found := _models(actor).filter(id=name).first() or _named(actor, name)) is not None:
        return found.project, found.id
    raise _no_model(name)


def _no_model(name: str) -> NotFound:
    return NotFound(f"The model {name} is not there, or not yours to use. GET /v1/models lists those that are.")


def _model(model: LibraryModel) -> dict[str, Any]:
    created = int(model.created_at.timestamp())
    return {"id": model.id, "object": "model", "created": created, "owned_by": model.project.name, "name": model.name}


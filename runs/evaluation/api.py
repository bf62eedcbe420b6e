"""Evaluations over REST: launched as runs, listed, compared, opened item by item."""

from typing import Annotated, Any

from ninja import Query, Router, Status

from runs.accounts.access import ApiRequest, Role, get_visible, project_for
from runs.evaluation import comparing, selectors, services
from runs.evaluation.models import Evaluation
from runs.evaluation.schemas import Board, Comparisons, EvaluateIn, EvaluationDetail, EvaluationOut, ItemPage, Launched
from runs.launches.models import Run
from runs.paging import Page, paginate
from runs.problems import FieldError, Invalid, NotFound

router = Router(tags=["evaluations"])
MOST = 20


@router.post("/projects/{project_id}/evaluations", response={201: Launched}, operation_id="evaluate")
def evaluate(request: ApiRequest, project_id: str, body: EvaluateIn) -> Status[dict[str, Any]]:
    """Launches an ordinary run for each model; each leaves an evaluation when it ends."""
    project = project_for(request, project_id, at_least=Role.EDITOR)
    return Status(201, {"runs": services.evaluate(project, body, request.auth)})


@router.get("/projects/{project_id}/evaluations", response=Page[EvaluationOut], operation_id="list_evaluations")
def list_evaluations(
    request: ApiRequest,
    project_id: str,
    *,
    q: Annotated[str, Query(max_length=200)] = "",
    suite_key: str = "",
    model_id: str = "",
    run_id: str = "",
    method: str = "",
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> dict[str, Any]:
    rows = selectors.evaluation_list(
        project_for(request, project_id), q=q, suite_key=suite_key, model_id=model_id, run_id=run_id, method=method
    )
    items, following = paginate(rows, cursor, limit)
    return {"items": items, "next": following}


@router.get("/projects/{project_id}/evaluation-board", response=Board, operation_id="evaluation_board")
def evaluation_board(request: ApiRequest, project_id: str) -> dict[str, Any]:
    """Models × suites, the newest evaluation of each pair."""
    return selectors.board(project_for(request, project_id))


@router.get("/evaluations/{evaluation_id}", response=EvaluationDetail, operation_id="get_evaluation")
def get_evaluation(request: ApiRequest, evaluation_id: str) -> Evaluation:
    return get_visible(request, Evaluation, evaluation_id)


@router.get("/evaluations/{evaluation_id}/items", response=ItemPage, operation_id="evaluation_items")
def evaluation_items(
    request: ApiRequest,
    evaluation_id: str,
    *,
    against: Annotated[str, Query(description="Another evaluation of the suite: items stand beside its own.")] = "",
    show: Annotated[selectors.Show, Query(description="With `against`: flipped, gained or lost since it.")] = "all",
    metric: str = "",
    q: Annotated[str, Query(max_length=200)] = "",
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> dict[str, Any]:
    evaluation = get_visible(request, Evaluation, evaluation_id)
    other = _beside(request, evaluation, [against], "against")[0] if against else None
    return selectors.item_page(evaluation, against=other, show=show, metric=metric, q=q, cursor=cursor, limit=limit)


@router.get("/evaluations/{evaluation_id}/comparisons", response=Comparisons, operation_id="compare_evaluations")
def compare_evaluations(
    request: ApiRequest,
    evaluation_id: str,
    *,
    others: Annotated[str, Query(max_length=1000, description="Ids of evaluations of the same suite, comma-separated.")],
    metric: str = "",
) -> dict[str, Any]:
    """Each of `others` against this one: difference, interval, test, how many items more it would take."""
    first = get_visible(request, Evaluation, evaluation_id)
    found = _beside(request, first, [other for other in others.split(",") if other], "others")
    if not 1 <= len(found) <= MOST:
        message = f"Name 1 to {MOST} other evaluations; {len(found)} are named."
        raise Invalid(message, [FieldError("others", message)])
    metric, comparisons = comparing.compare(first, found, metric=metric)
    return {"first": first, "metric": metric, "metrics": comparing.shared_metrics([first, *found]), "comparisons": comparisons}


@router.get("/runs/{run_id}/evaluations", response=list[EvaluationOut], operation_id="evaluations_of_run")
def evaluations_of_run(request: ApiRequest, run_id: str) -> list[Evaluation]:
    return selectors.evaluations_of_run(get_visible(request, Run, run_id))


def _beside(request: ApiRequest, first: Evaluation, ids: list[str], field: str) -> list[Evaluation]:
    """The evaluations named, which must be of the same project. Raises Invalid that names the first that is not."""
    found = []
    for other_id in ids:
        try:
            other = get_visible(request, Evaluation, other_id)
        except NotFound:
            other = None
        if other is None or other.project_id != first.project_id or other.id == first.id:
            message = f"This project has no other evaluation {other_id}. Check the id."
            raise Invalid(message, [FieldError(field, message)])
        found.append(other)
    return found

"""What a project owns: what is put away stays and can be brought back, and each deed that changed something leaves one trace."""

from collections.abc import Callable
from typing import Any

import pytest

from runs.accounts.access import Actor
from runs.accounts.models import AuditEntry
from runs.algorithms.models import AlgorithmConfig
from runs.algorithms.services import delete_config
from runs.annotation.models import Campaign
from runs.annotation.services.campaigns import delete_campaign, restore_campaign
from runs.datasets.models import Dataset
from runs.datasets.services.sets import change_dataset, delete_dataset, restore_dataset
from runs.library.models import LibraryModel
from runs.library.services import delete_model, restore_model
from runs.rewards.models import Reward
from runs.rewards.services import delete_reward, restore_reward
from tests.launches.builders import make_actor, make_project

pytestmark = pytest.mark.django_db


def by_name(service: Callable[..., Any]) -> Callable[[Any, Actor], Any]:
    return lambda row, actor: service(row, actor=actor)


@pytest.mark.parametrize(("kind", "model", "delete", "restore"), [
    ("dataset", Dataset, by_name(delete_dataset), by_name(restore_dataset)),
    ("model", LibraryModel, by_name(delete_model), by_name(restore_model)),
    ("reward", Reward, by_name(delete_reward), by_name(restore_reward)),
    ("campaign", Campaign, by_name(delete_campaign), by_name(restore_campaign)),
])
def test_a_thing_is_put_away_once_and_brought_back_once(
    kind: str, model: Any, delete: Callable[..., None], restore: Callable[..., Any]
) -> None:
    actor = make_actor()
    row = model.objects.create(project=make_project(actor), name="Sums")
    restore(row, actor)
    for deed in (delete, delete):
        deed(row, actor)
        assert model.objects.get(pk=row.pk).deleted_at == row.deleted_at is not None
    for _ in range(2):
        assert restore(row, actor) is row
        assert model.objects.get(pk=row.pk).deleted_at is None
    assert traces(row) == [(f"{kind}.{deed}", actor.user.id, {"name": "Sums"}) for deed in ("delete", "restore")]


def test_a_saved_config_is_put_away_once() -> None:
    actor = make_actor()
    row = AlgorithmConfig.objects.create(project=make_project(actor), name="Sums")
    delete_config(row, actor)
    at = row.deleted_at
    delete_config(row, actor)
    assert AlgorithmConfig.objects.get(pk=row.pk).deleted_at == at is not None
    assert traces(row) == [("algorithm_config.delete", actor.user.id, {"name": "Sums"})]


def traces(row: Any) -> list[tuple[str, str | None, dict[str, Any]]]:
    return list(AuditEntry.objects.filter(subject_id=row.id).order_by("id").values_list("action", "user_id", "detail"))


def test_a_change_is_kept_with_its_trace_and_touches_no_other_field() -> None:
    actor = make_actor()
    row = Dataset.objects.create(project=make_project(actor), name="Sums", description="Two digits")
    Dataset.objects.update(description="Three digits")
    assert change_dataset(row, name="Totals", description=None, actor=actor) is row
    kept = Dataset.objects.get(pk=row.pk)
    assert (kept.name, kept.description) == ("Totals", "Three digits")
    assert traces(row) == [("dataset.change", actor.user.id, {"name": "Totals"})]

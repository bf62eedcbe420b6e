"""Pairs of a data-set version."""

from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from typing import Any

from runs.accounts.models import Project
from runs.annotation.schemas import DatasetSource
from runs.annotation.sources.pair import MOST_LOOKED_AT, Pair, answer_of
from runs.datasets.models import DatasetVersion
from runs.datasets.selectors import row_page, version_ref
from runs.problems import FieldError, Invalid, Problem
from workers.contract.records import RecordKind

EMPTY = "Choose a version whose rows hold two different answers to a prompt."
Record = dict[str, Any]


def candidates(project: Project, source: DatasetSource, rng: Random) -> Iterator[Pair | str]:
    version = _version(project, source)
    read = _reader(version, source, rng)
    total = next(split["rows"] for split in version.splits if split["name"] == source.split)
    rows = rng.sample(range(total), min(total, MOST_LOOKED_AT))
    return (found for index in rows for found in _read(version, source.split, index, read))


def _version(project: Project, source: DatasetSource) -> DatasetVersion:
    try:
        version_ref(source.version_id, source.split, project=project)
    except Problem as problem:
        raise Invalid(problem.detail, [FieldError("source.version_id", problem.detail)]) from problem
    return DatasetVersion.objects.select_related("dataset").get(id=source.version_id)


def _reader(version: DatasetVersion, source: DatasetSource, rng: Random) -> Callable[[Record], Pair | str]:
    if source.columns:
        _check_columns(version, source)
        return partial(_columns, columns=source.columns)
    if version.kind == RecordKind.PREFERENCE:
        return _preference
    if version.kind == RecordKind.RANKING:
        return partial(_ranking, rng=rng)
    message = (
        f"Rows of kind {version.kind} hold no two answers. Choose preference pairs or rankings, or name the two columns that "
        "hold the answers."
    )
    raise Invalid(message, [FieldError("source.version_id", message)])


def _check_columns(version: DatasetVersion, source: DatasetSource) -> None:
    """Raises Invalid when the first row lacks one of the columns."""
    first = row_page(version, source.split, offset=0, limit=1)["items"]
    known = _columns_of(first[0]["record"]) if first else {}
    missing = [name for name in source.columns or [] if name not in known]
    if missing:
        message = f"The rows have no column {missing[0]}. Choose two of: {', '.join(known)}."
        raise Invalid(message, [FieldError("source.columns", message)])


def _columns_of(record: Record) -> Record:
    return {**record.get("extra", {}), **{name: value for name, value in record.items() if name not in ("extra", "prompt")}}


def _read(version: DatasetVersion, split: str, index: int, read: Callable[[Record], Pair | str]) -> Iterator[Pair | str]:
    for item in row_page(version, split, offset=index, limit=1)["items"]:
        found = read(item["record"])
        yield found if isinstance(found, str) else Pair(**{**vars(found), "row": index})


def _preference(record: Record) -> Pair | str:
    first, second = answer_of(record["chosen"]), answer_of(record["rejected"])
    return Pair(record["prompt"], first, second, known="first", reference=_reference(record))


def _ranking(record: Record, rng: Random) -> Pair | str:
    ranked = list(zip(record["completions"], record["ranks"], strict=True))
    if len(ranked) < 2:
        return "no_pair"
    (first, rank), (second, other) = rng.sample(ranked, 2)
    known = "" if rank == other else "first" if rank < other else "second"
    return Pair(record["prompt"], answer_of(first), answer_of(second), known=known, reference=_reference(record))


def _columns(record: Record, columns: list[str]) -> Pair | str:
    values = _columns_of(record)
    first, second = (values.get(name) for name in columns)
    if "prompt" not in record or not isinstance(first, str) or not isinstance(second, str):
        return "no_pair"
    one, other = (answer_of(text, model_name=name) for text, name in zip((first, second), columns, strict=True))
    return Pair(record["prompt"], one, other, reference=_reference(record))


def _reference(record: Record) -> str | None:
    found = record.get("answer") or record.get("extra", {}).get("answer")
    return found if isinstance(found, str) else None

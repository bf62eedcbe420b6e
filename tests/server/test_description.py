"""The API's description puts the schemas of all rooms side by side under their bare names: no two may share one."""

from collections import defaultdict
from collections.abc import Iterator
from enum import Enum
from typing import Any, get_args

import pytest
from ninja.openapi.schema import OpenAPISchema
from pydantic import BaseModel, create_model

from lodestar.api import api
from lodestar.problem_description import DescribedAPI, ProblemOut


def parts(annotation: Any) -> Iterator[Any]:
    """The annotation and all that it is written with: members of unions, items of lists, what is annotated."""
    yield annotation
    for part in get_args(annotation):
        yield from parts(part)


def described(roots: list[Any]) -> set[type]:
    """Every class that a description of `roots` gives a schema of its own."""
    found: set[type] = set()
    left = list(roots)
    while left:
        for part in parts(left.pop()):
            if isinstance(part, type) and issubclass(part, BaseModel | Enum) and part not in found:
                found.add(part)
                left += fields_of(part) if issubclass(part, BaseModel) else []
    return found


def fields_of(model: type[BaseModel]) -> list[Any]:
    return [field.annotation for field in model.model_fields.values()] + [
        field.return_type for field in model.model_computed_fields.values()]


def asked_and_answered(described_api: DescribedAPI) -> list[Any]:
    """What every operation takes and gives, without the wrappers that the framework makes around it."""
    operations = [operation for router in described_api._get_bound_routers() for view in router.path_operations.values()
                  for operation in view.operations if operation.include_in_schema]
    wrappers = [model for operation in operations for model in (*operation.models, *operation.response_models.values())]
    return [annotation for model in wrappers if isinstance(model, type) for annotation in fields_of(model)]


def classes_by_name(described_api: DescribedAPI) -> dict[str, set[type]]:
    found: defaultdict[str, set[type]] = defaultdict(set)
    for one in described([*asked_and_answered(described_api), ProblemOut]):
        found["".join(letter if letter.isalnum() else "_" for letter in one.__name__)].add(one)
    return found


def shared_names(described_api: DescribedAPI) -> dict[str, list[str]]:
    return {name: sorted(one.__module__ for one in classes) for name, classes in classes_by_name(described_api).items()
            if len(classes) > 1}


def told_differently(described_api: DescribedAPI, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names that two operations describe in two ways: the later silently takes the place of the earlier."""
    said: defaultdict[str, list[Any]] = defaultdict(list)

    def keep(schema: OpenAPISchema, definitions: dict[str, Any]) -> None:
        for name, definition in definitions.items():
            said[name] += [definition] if definition not in said[name] else []

    monkeypatch.setattr(OpenAPISchema, "add_schema_definitions", keep)
    described_api.get_openapi_schema(path_prefix="")
    assert said
    return [name for name, definitions in said.items() if len(definitions) > 1]


def test_every_schema_is_that_of_one_class(monkeypatch: pytest.MonkeyPatch):
    named = api.get_openapi_schema()["components"]["schemas"]
    assert shared_names(api) == {}
    assert set(named) <= set(classes_by_name(api)), "a schema whose class was not found"
    assert told_differently(api, monkeypatch) == []


def test_two_classes_of_one_name_are_found(monkeypatch: pytest.MonkeyPatch):
    two = DescribedAPI(urls_namespace="two")
    for number, room in enumerate([create_model("Twin", left=(int, ...)), create_model("Twin", right=(int, ...))]):
        two.get(f"/{number}", response=list[room])(lambda request: [])  # type: ignore[valid-type]
    assert list(shared_names(two)) == told_differently(two, monkeypatch) == ["Twin"]

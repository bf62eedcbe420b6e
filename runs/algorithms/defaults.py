"""Makes every default of a JSON Schema explicit, nested objects and conditional parts included."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from jsonschema import Draft202012Validator

JSONObject = dict[str, Any]


def with_defaults(schema: JSONObject, value: Any) -> Any:
    """A copy of `value` in which each property that is missing and has a default is set. Nothing is checked."""
    filled = deepcopy(value)
    _fill(Draft202012Validator(schema), schema, filled)
    return filled


def resolved(root: JSONObject, schema: JSONObject) -> JSONObject:
    """`schema` with its `$ref` into `root` followed; keywords beside the `$ref` win. Only local references occur."""
    while "$ref" in schema:
        target: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        schema = {**target, **{key: word for key, word in schema.items() if key != "$ref"}}
    return schema


def _fill(validator: Draft202012Validator, schema: Any, value: Any) -> None:
    if not isinstance(schema, dict):
        return
    schema = resolved(validator.schema, schema)
    if isinstance(value, list):
        for item in value:
            _fill(validator, schema.get("items", {}), item)
    if isinstance(value, dict):
        for name, part in schema.get("properties", {}).items():
            _fill_property(validator, part, value, name)
    if isinstance(value, dict | list):
        for part in _applied(validator, schema, value):
            _fill(validator, part, value)


def _fill_property(validator: Draft202012Validator, part: Any, value: JSONObject, name: str) -> None:
    part = resolved(validator.schema, part) if isinstance(part, dict) else {}
    if name not in value and "default" in part:
        value[name] = deepcopy(part["default"])
    elif name not in value and part.get("type") == "object" and "properties" in part and not part.get("required"):
        value[name] = {}
    if name in value:
        _fill(validator, part, value[name])


def _applied(validator: Draft202012Validator, schema: JSONObject, value: Any) -> Iterator[Any]:
    """The sub-schemas that hold for `value`: all of `allOf`, the `then` or `else` of `if`, the branch that fits."""
    yield from schema.get("allOf", [])
    if "if" in schema:
        yield schema.get("then" if _fits(validator, schema["if"], value) else "else", {})
    for branches in (schema.get("anyOf", []), schema.get("oneOf", [])):
        yield from [part for part in branches if _fits(validator, part, value)][:1]


def _fits(validator: Draft202012Validator, part: Any, value: Any) -> bool:
    return bool(validator.evolve(schema=_rooted(validator.schema, part)).is_valid(value))


def _rooted(root: Any, part: Any) -> Any:
    """`part` as a document of its own: references into the root's `$defs` must still be found."""
    return {**part, "$defs": root.get("$defs", {})} if isinstance(part, dict) else part

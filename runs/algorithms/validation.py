"""Checks a document against a JSON Schema 2020-12 and says in a sentence what is wrong, with bound and remedy."""

import json
from collections.abc import Iterator, Sized
from difflib import get_close_matches
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from runs.algorithms.defaults import JSONObject, resolved, with_defaults
from runs.problems import FieldError

TYPE_WORDS = {
    "integer": "a whole number",
    "number": "a number",
    "string": "a text",
    "boolean": "true or false",
    "object": "a group of settings",
    "array": "a list",
    "null": "null",
}


SENTENCES = {
    "minimum": "{thing} is {value}; the least is {limit}{unit}. Raise it.",
    "exclusiveMinimum": "{thing} is {value}; it must be greater than {limit}{unit}. Raise it.",
    "maximum": "{thing} is {value}; the most is {limit}{unit}. Lower it.",
    "exclusiveMaximum": "{thing} is {value}; it must be less than {limit}{unit}. Lower it.",
    "multipleOf": "{thing} is {value}; it must be a multiple of {limit}. Round it.",
    "minLength": "{thing} has {size} characters; the least is {limit}. Write more.",
    "maxLength": "{thing} has {size} characters; the most is {limit}. Shorten it.",
    "minItems": "{thing} has {size} entries; the least is {limit}. Add some.",
    "maxItems": "{thing} has {size} entries; the most is {limit}. Remove some.",
    "pattern": "{thing} is {value}; it must look like {limit}. Rewrite it.",
    "const": "{thing} is {value}; here it must be {limit}. Set it to that.",
    "enum": "{thing} is {value}; choose one of {choices}.",
    "type": "{thing} is {value}; it must be {types}.",
    "not": "{thing} is {value}, which does not go with the other settings. Change one of them.",
}
"""What is said of each keyword that a value breaks."""


def complete(schema: JSONObject, value: JSONObject) -> tuple[JSONObject, list[FieldError]]:
    """`value` with all defaults, and what is wrong with it, at most one error a field and in the order of the fields."""
    filled = with_defaults(schema, value)
    errors: dict[str, FieldError] = {}
    for error in Draft202012Validator(schema).iter_errors(filled):
        for found in _explained(schema, error):
            errors.setdefault(found.field, found)
    return filled, [errors[field] for field in sorted(errors)]


def _explained(schema: JSONObject, error: ValidationError) -> Iterator[FieldError]:
    keyword = error.validator
    if keyword in ("anyOf", "oneOf") and error.context:
        yield from _explained(schema, _closest(error))
    elif keyword in ("additionalProperties", "unevaluatedProperties"):
        known = sorted(_known(schema, error.schema))
        for name in sorted(set(error.instance) - set(known)):
            yield FieldError(_path(error, name), _unknown(name, known))
    elif keyword == "required":
        for name in error.validator_value:
            if name not in error.instance:
                yield FieldError(_path(error, name), f"`{name}` is missing. Set it.")
    elif keyword == "dependentRequired":
        yield FieldError(_path(error), _dependent(error))
    else:
        yield FieldError(_path(error), _sentence(error))


def _closest(error: ValidationError) -> ValidationError:
    """The complaint of the branch that was meant: the one that does not already fail on the type of the whole."""
    meant = [part for part in error.context if not (part.validator == "type" and not part.relative_path)]
    return max(meant or list(error.context), key=lambda part: len(part.absolute_path))


def _known(root: JSONObject, schema: Any) -> set[str]:
    """Property names that `schema` knows, those of its conditional parts included."""
    if not isinstance(schema, dict):
        return set()
    schema = resolved(root, schema)
    names = set(schema.get("properties", {}))
    parts = [schema.get("then"), schema.get("else"), *schema.get("allOf", []), *schema.get("anyOf", []), *schema.get("oneOf", [])]
    return names.union(*(_known(root, part) for part in parts))


def _unknown(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    remedy = f"Did you mean `{near[0]}`?" if near else "Remove it, or pick a setting from the form."
    return f"`{name}` is not a setting here. {remedy}"


def _dependent(error: ValidationError) -> str:
    for name, needed in error.validator_value.items():
        missing = [other for other in needed if other not in error.instance]
        if name in error.instance and missing:
            return f"`{name}` needs `{missing[0]}` as well. Set it, or remove `{name}`."
    return str(error.message)


def _sentence(error: ValidationError) -> str:
    template = SENTENCES.get(str(error.validator), "{thing}: {message}.")
    return template.format(
        thing=_thing(error), value=_shown(error.instance), limit=_shown(error.validator_value, quote=False),
        unit=_unit(error.schema), size=_size(error), choices=_choices(error.validator_value),
        types=_type_words(error.validator_value), message=error.message,
    )


def _thing(error: ValidationError) -> str:
    title = error.schema.get("title") if isinstance(error.schema, dict) else None
    *above, name = error.absolute_path or ("config",)
    place = f"Entry {name + 1} of `{above[-1]}`" if isinstance(name, int) and above else f"`{name}`"
    return str(title or place)


def _unit(schema: Any) -> str:
    return f" {schema['x-unit']}" if isinstance(schema, dict) and schema.get("x-unit") else ""


def _size(error: ValidationError) -> int:
    return len(error.instance) if isinstance(error.instance, Sized) else 0


def _choices(options: Any) -> str:
    return ", ".join(map(_shown, options)) if isinstance(options, list) else ""


def _type_words(types: Any) -> str:
    names = [types] if isinstance(types, str) else types if isinstance(types, list) else []
    return " or ".join(TYPE_WORDS.get(str(name), str(name)) for name in names)


def _shown(value: Any, *, quote: bool = True) -> str:
    if isinstance(value, dict | list):
        return "a group of settings" if isinstance(value, dict) else "a list"
    if isinstance(value, str):
        return f"“{value[:80]}”" if quote else value
    return json.dumps(value)


def _path(error: ValidationError, *more: str) -> str:
    return ".".join(str(part) for part in (*error.absolute_path, *more))

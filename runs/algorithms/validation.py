"""Checks a document against a JSON Schema 2020-12 and says in a sentence what is wrong, with bound and remedy."""

from collections.abc import Iterator
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
    limit, value = error.validator_value, _shown(error.instance)
    unit = _unit(error.schema)
    thing = _thing(error)
    sentences = {
        "minimum": f"{thing} is {value}; the least is {limit}{unit}. Raise it.",
        "exclusiveMinimum": f"{thing} is {value}; it must be greater than {limit}{unit}. Raise it.",
        "maximum": f"{thing} is {value}; the most is {limit}{unit}. Lower it.",
        "exclusiveMaximum": f"{thing} is {value}; it must be less than {limit}{unit}. Lower it.",
        "multipleOf": f"{thing} is {value}; it must be a multiple of {limit}. Round it.",
        "minLength": f"{thing} has {_size(error)} characters; the least is {limit}. Write more.",
        "maxLength": f"{thing} has {_size(error)} characters; the most is {limit}. Shorten it.",
        "minItems": f"{thing} has {_size(error)} entries; the least is {limit}. Add some.",
        "maxItems": f"{thing} has {_size(error)} entries; the most is {limit}. Remove some.",
        "pattern": f"{thing} is {value}; it must look like {limit}.",
        "const": f"{thing} is {value}; here it must be {_shown(limit)}. Set it to that.",
        "enum": f"{thing} is {value}; choose one of {_choices(limit)}.",
        "type": f"{thing} is {value}; it must be {_type_words(limit)}.",
        "not": f"{thing} is {value}, which does not go with the other settings. Change one of them.",
    }
    return sentences.get(str(error.validator), f"{thing}: {error.message}.")


def _thing(error: ValidationError) -> str:
    title = error.schema.get("title") if isinstance(error.schema, dict) else None
    return str(title or (f"`{error.absolute_path[-1]}`" if error.absolute_path else "The config"))


def _unit(schema: Any) -> str:
    return f" {schema['x-unit']}" if isinstance(schema, dict) and schema.get("x-unit") else ""


def _size(error: ValidationError) -> int:
    return len(error.instance)


def _choices(options: Any) -> str:
    return ", ".join(_shown(option) for option in options) if isinstance(options, list) else str(options)


def _type_words(types: Any) -> str:
    return " or ".join(TYPE_WORDS.get(name, name) for name in ([types] if isinstance(types, str) else types))


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return "a group of settings" if isinstance(value, dict) else "a list"
    text = {True: "true", False: "false", None: "null"}.get(value) if value is None or isinstance(value, bool) else None
    return text or (f"“{value[:80]}”" if isinstance(value, str) else str(value))


def _path(error: ValidationError, *more: str) -> str:
    return ".".join(str(part) for part in (*error.absolute_path, *more))

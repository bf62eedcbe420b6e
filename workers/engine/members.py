"""Members of a part: the modules of its folder, found by file name. Adding a file adds a member; there is no list."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from pydantic import GetPydanticSchema
from pydantic_core import core_schema


@cache
def names(package: str) -> tuple[str, ...]:
    """Sorted names of the members of `package` (dotted name). A file that starts with `_` is no member."""
    found = iter_modules(import_module(package).__path__)
    return tuple(sorted(module.name for module in found if not module.name.startswith("_") and not module.ispkg))


def load(package: str, name: str) -> ModuleType:
    """The member `name` of `package`. Raises LookupError, which lists what there is."""
    if name not in names(package):
        raise LookupError(f"{package} has no member {name!r}; it has {', '.join(names(package))}")
    return import_module(f"{package}.{name}")


def one_of(package: str, *more: str) -> GetPydanticSchema:
    """For `Annotated[str, one_of(package)]`: a config field that takes a member's name, or one of `more`; the form offers all."""
    return GetPydanticSchema(lambda source, handler: core_schema.literal_schema([*names(package), *more]))

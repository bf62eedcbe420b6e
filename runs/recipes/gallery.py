"""The recipes that come with the house: one file each in `builtin`, found by its name, and read as anybody's would be."""

from functools import cache
from pathlib import Path

from runs.recipes.definition import Definition, parse, read_text

FOLDER = Path(__file__).with_name("builtin")


@cache
def built_in() -> dict[str, Definition]:
    """Name to definition, in the order of the names."""
    return {file.stem: parse(read_text(file.read_text(encoding="utf-8"))) for file in sorted(FOLDER.glob("*.yaml"))}

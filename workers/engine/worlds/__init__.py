"""Worlds: small generated tasks with known answers, for the demo and for tests of learning.

Every member is a pure function of its knobs and seed: `Knobs` (a pydantic model) and `make(knobs) -> dict[str, rows]`,
each key the name of a `.jsonl` file and each row a canonical record's fields. `write` puts them into a directory.
"""

import json
from pathlib import Path
from typing import Any

from workers.engine import members


def write(name: str, directory: Path, **knobs: Any) -> list[Path]:
    """Makes the world `name` into `<directory>/<file>.jsonl`. Raises LookupError, or pydantic's error for wrong knobs."""
    world = members.load(__name__, name)
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for file, rows in world.make(world.Knobs(**knobs)).items():
        path = directory / f"{file}.jsonl"
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        written.append(path)
    return written

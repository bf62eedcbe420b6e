"""The first rows of a part of a generated world, as a version made with these knobs would have them."""

import json
from itertools import islice
from pathlib import Path
from typing import Any

from workers.agent.ingest import worlds
from workers.agent.jobs import JobContext

ROWS = 5


def run(job: JobContext) -> dict[str, Any]:
    """`{splits: [{name, rows, first}]}`: how many rows each split would have, and the first of them."""
    directory = worlds.make(job, job.payload["world"], job.payload["knobs"])
    return {"splits": [_split(name, directory / file) for name, file in sorted(job.payload["files"].items(), key=_train_first)]}


def _train_first(split: tuple[str, str]) -> tuple[bool, str]:
    return split[0] != "train", split[0]


def _split(name: str, file: Path) -> dict[str, Any]:
    with file.open(encoding="utf-8") as lines:
        first = [json.loads(line) for line in islice(lines, ROWS)]
        return {"name": name, "rows": len(first) + sum(1 for _ in lines), "first": first}

"""An evaluation's items, read from the artifact's directory; the last few evaluations read stay in memory."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from runs.evaluation.models import Evaluation
from runs.problems import Conflict
from workers.contract.evaluation import ITEMS_FILE

Item = dict[str, Any]
"""A `workers.contract.evaluation.EvaluationItem` as its file has it."""
LARGEST = 256 * 2**20


def items_of(evaluation: Evaluation) -> tuple[Item, ...]:
    """In the order of the data. Raises Conflict when the files are gone, too large or not readable."""
    file = Path(evaluation.artifact.path) / ITEMS_FILE
    try:
        stat = file.stat()
        if stat.st_size > LARGEST:
            raise Conflict("too_large", f"The items have {stat.st_size} bytes, too many to read here.")
        return _read(str(file), stat.st_mtime_ns)
    except FileNotFoundError:
        raise Conflict("items_gone", "The items of this evaluation are gone from the disk. Evaluate again.") from None
    except ValueError:
        raise Conflict("unreadable", "The items cannot be read. Evaluate again.") from None


@lru_cache(maxsize=8)
def _read(path: str, changed: int) -> tuple[Item, ...]:
    with Path(path).open("rb") as lines:
        return tuple(orjson.loads(line) for line in lines)

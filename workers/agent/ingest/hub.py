"""Data sets of the Hugging Face Hub, streamed row by row through the `datasets` library; no code of theirs is run."""

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

import datasets
from datasets.exceptions import DatasetNotFoundError
from huggingface_hub.errors import GatedRepoError

from runs.datasets.shapes import candidates
from runs.datasets.shapes.mapping import Fault, Mapping
from runs.datasets.shapes.sample import Sample
from workers.agent.hub_errors import UNREACHABLE
from workers.agent.ingest.formats.jsonl import row_of
from workers.agent.ingest.items import Items
from workers.agent.ingest.strict_json import BadValue
from workers.agent.ingest.version_files import Stream
from workers.agent.jobs import JobContext, JobRefused

SAMPLE_ROWS = 200


def streams(job: JobContext, hub: dict[str, Any], mapping: dict[str, Any] | None) -> tuple[list[Stream], Mapping]:
    """The splits asked for, and the mapping given or found in the first rows. Raises JobRefused."""
    job.progress(None, f"Asking the Hub for {hub['name']}")
    found = _load(hub)
    if mapping is not None:
        return [Stream(_items(hub, rows), name) for name, rows in found.items()], Mapping.model_validate(mapping)
    first, *others = found
    rows = iter(_rows(hub, found[first]))
    sample = list(islice(rows, SAMPLE_ROWS))
    guessed = candidates(Sample(sample))
    if not guessed:
        columns = ", ".join(Sample(sample).columns)
        raise JobRefused("no_shape", f"No known shape fits {hub['name']}; its columns are {columns}.", "Map its columns.")
    opened = Stream(_numbered(chain(sample, rows)), first)
    return [opened, *[Stream(_items(hub, found[name]), name) for name in others]], guessed[0]


def _load(hub: dict[str, Any]) -> dict[str, Any]:
    """Splits by name, as streams."""
    if Path(hub["name"]).exists():
        # The library would read a directory of that name below the worker's own instead of asking the Hub.
        raise JobRefused("hub_not_found", f"{hub['name']} is a path on the worker, not a name.", "Upload the files instead.")
    try:
        found = datasets.load_dataset(
            hub["name"], hub.get("config"), split=hub.get("split"), revision=hub.get("revision"), streaming=True
        )
    except (DatasetNotFoundError, GatedRepoError) as error:
        remedy = "Check the name; for a private or gated set, set HF_TOKEN for the worker."
        raise JobRefused("hub_not_found", f"The Hub has no data set {hub['name']} that this worker may read.", remedy) from error
    except UNREACHABLE as error:
        raise unreachable(hub["name"], error) from error
    except ValueError as error:
        reason = str(error).splitlines()[0][:400]
        raise JobRefused("hub_refused", reason, "Name a config and a split that the set has.") from error
    return dict(found) if isinstance(found, dict) else {hub.get("split") or "train": found}


def unreachable(name: str, error: Exception) -> JobRefused:
    """Network trouble in words."""
    reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
    return JobRefused(
        "hub_unreachable",
        f"The worker cannot reach the Hugging Face Hub for {name} ({reason}).",
        "Connect the worker to the network and unset HF_HUB_OFFLINE, or download the files elsewhere and upload them.",
    )


def _rows(hub: dict[str, Any], rows: Any) -> Iterator[dict[str, Any]]:
    try:
        yield from rows
    except UNREACHABLE as error:
        raise unreachable(hub["name"], error) from error


def _items(hub: dict[str, Any], rows: Any) -> Items:
    return _numbered(_rows(hub, rows))


def _numbered(rows: Iterator[dict[str, Any]]) -> Items:
    for number, values in enumerate(rows, start=1):
        try:
            yield row_of(number, values)
        except (BadValue, TypeError) as error:
            yield Fault(line=number, message=f"The row holds something that is no text or number ({error}).")

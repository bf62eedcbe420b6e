"""Looks at an upload: its format, columns, shape and first rows, and the hash of the whole file."""

import hashlib
from typing import Any

from runs.datasets import storage
from runs.datasets.services import keep_inspection
from workers.agent.ingest.bytes_in import ByteSource
from workers.agent.ingest.findings import refusal
from workers.agent.ingest.inspection import describe, first_rows
from workers.agent.ingest.items import Unreadable
from workers.agent.jobs import JobContext, JobRefused
from workers.agent.memory_bound import bounded_memory

BLOCK = 2**20
LISTED = frozenset({"file_name", "hf_hub_url", "ms_hub_url", "om_hub_url", "script_url", "cloud_file_name"})
"""Where the entries of LLaMA-Factory's `dataset_info.json` say that the rows lie."""
NAMES_SHOWN = 5


def run(job: JobContext) -> dict[str, Any]:
    upload_id = job.payload["upload_id"]
    path = storage.upload_path(upload_id)
    if not path.exists():
        raise JobRefused("upload_gone", "The uploaded file is no longer on the worker's disk.", "Send the file again.")
    job.progress(0.0, "Reading the first rows")
    try:
        with bounded_memory(), ByteSource(path, job.work_dir) as source:
            rows, faults = first_rows(source)
            if faults:
                raise refusal(faults)
            if not rows:
                raise JobRefused("no_rows", "The file has no rows.", "Send a file with rows.")
            _refuse_what_is_no_text(rows[0].values)
            inspection = describe(source, rows)
    except Unreadable as error:
        raise JobRefused("unreadable_file", error.message, error.remedy) from error
    sha256 = _hash(job, path.stat().st_size)
    keep_inspection(job.id, job.attempt, upload_id=upload_id, inspection=inspection, sha256=sha256)
    return {"format": inspection["format"], "rows_sampled": inspection["rows_sampled"], "sha256": sha256}


def _refuse_what_is_no_text(row: dict[str, Any]) -> None:
    """Raises JobRefused for files of other trainers that tell of rows, or hold them in a form that fits one model only."""
    if "input_ids" in row:
        remedy = "Send the text the tokens were made of; the engine makes them with the model's own tokenizer."
        raise JobRefused("token_ids", "The rows hold token ids, which fit one tokenizer only.", remedy)
    if row and all(isinstance(value, dict) and LISTED.intersection(value) for value in row.values()):
        names = ", ".join(str(entry.get("file_name") or name) for name, entry in list(row.items())[:NAMES_SHOWN])
        message = "This is a list of data sets (LLaMA-Factory's dataset_info.json), not the rows of one."
        raise JobRefused("dataset_list", message, f"Send the files it names, one data set each: {names}.")


def _hash(job: JobContext, size: int) -> str:
    digest, done = hashlib.sha256(), 0
    with storage.upload_path(job.payload["upload_id"]).open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
            done += len(block)
            job.progress(done / max(size, 1), "Hashing the file")
    return digest.hexdigest()

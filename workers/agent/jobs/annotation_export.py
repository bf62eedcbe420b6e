"""Writes what was judged in a campaign as JSON lines and as Parquet, and hands the rows to the data-set room."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

from runs.annotation.labels import Row, digest, labels
from runs.annotation.models import CampaignExport
from runs.annotation.services import keep_export
from workers.agent.jobs import JobContext, JobRefused


def run(job: JobContext) -> dict[str, Any]:
    export = CampaignExport.objects.select_related("campaign__project", "created_by").get(id=job.payload["export_id"])
    job.progress(0.0, "Writing rows")
    state = digest(export.campaign, export.shape)
    made = labels(export.campaign, export.shape)
    if not made.rows:
        raise JobRefused("nothing_to_export", "The judgments were taken back meanwhile.", "Judge some pairs, then export again.")
    files = {"jsonl": _lines(made.rows, job.work_dir), "parquet": _parquet(made.rows, job.work_dir)}
    found = {"rows": len(made.rows), "left_out": dict(made.left_out), "digest": state}
    kept = keep_export(job.id, job.attempt, export, files=files, found=found)
    return {"version_id": kept.version_id, **found}


def _lines(rows: list[Row], folder: Path) -> Path:
    path = folder / "rows.jsonl"
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows)
    return path


def _parquet(rows: list[Row], folder: Path) -> Path:
    # pyarrow is a worker's library; only this handler needs it.
    arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    path = folder / "rows.parquet"
    parquet.write_table(arrow.Table.from_pylist(rows), path)
    return path

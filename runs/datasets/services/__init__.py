"""Every write of the room: uploads, data sets and versions, what jobs found, the demo's data."""

from runs.datasets.services.demo import create_demo_dataset
from runs.datasets.services.outcomes import keep_inspection
from runs.datasets.services.sets import (
    add_version,
    change_dataset,
    create_dataset,
    delete_dataset,
    new_dataset,
    read_in,
    request_render,
    request_stats,
    restore_dataset,
)
from runs.datasets.services.tidying import forget_abandoned_uploads, remove_rows_of_failed_versions
from runs.datasets.services.uploads import create_upload, delete_upload, receive
from runs.datasets.services.written import add_written_version

__all__ = [
    "add_version",
    "add_written_version",
    "change_dataset",
    "create_dataset",
    "create_demo_dataset",
    "create_upload",
    "delete_dataset",
    "delete_upload",
    "forget_abandoned_uploads",
    "keep_inspection",
    "new_dataset",
    "read_in",
    "receive",
    "remove_rows_of_failed_versions",
    "request_render",
    "request_stats",
    "restore_dataset",
]

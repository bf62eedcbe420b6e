"""Where the bytes of uploads and versions lie below the state directory."""

from pathlib import Path

from django.conf import settings

CHUNK_BYTES = 8 * 2**20
"""What a client is told to send at a time."""
LARGEST_CHUNK_BYTES = 64 * 2**20
"""What is taken at a time."""


def upload_dir(upload_id: str) -> Path:
    return Path(settings.HOME) / "uploads" / upload_id


def upload_path(upload_id: str) -> Path:
    """The whole file; while it is on its way in, its bytes are in `part_path`."""
    return upload_dir(upload_id) / "data"


def part_path(upload_id: str) -> Path:
    return upload_dir(upload_id) / "data.part"


def dataset_dir(dataset_id: str) -> Path:
    return Path(settings.HOME) / "datasets" / dataset_id


def version_dir(dataset_id: str, version_id: str) -> Path:
    """The directory that `workers.contract.records` describes."""
    return dataset_dir(dataset_id) / version_id

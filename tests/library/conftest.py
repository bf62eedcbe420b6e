"""A state directory and a desk for each test."""

from pathlib import Path
from typing import Any

import pytest

from tests.datasets.desk import Desk


@pytest.fixture
def desk(db: None, tmp_path: Path, settings: Any) -> Desk:
    settings.HOME = tmp_path
    settings.MODEL_ROOTS = [tmp_path / "models"]
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path
    return Desk()

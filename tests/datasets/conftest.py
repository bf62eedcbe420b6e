"""A state directory and a desk for each test."""

from pathlib import Path
from typing import Any

import pytest

from tests.datasets.desk import Desk, desk_at


@pytest.fixture
def desk(db: None, tmp_path: Path, settings: Any) -> Desk:
    return desk_at(tmp_path, settings)

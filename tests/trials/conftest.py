"""A desk for each test; see `tests.datasets.desk`."""

from pathlib import Path
from typing import Any

import pytest

from tests.datasets.desk import Desk, desk_at


@pytest.fixture
def desk(db: None, tmp_path: Path, settings: Any) -> Desk:
    return desk_at(tmp_path, settings)

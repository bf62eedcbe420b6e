"""A bench for each test."""

from pathlib import Path
from typing import Any

import pytest

from tests.annotation.bench import Bench, bench_at


@pytest.fixture
def bench(db: None, tmp_path: Path, settings: Any) -> Bench:
    return bench_at(tmp_path, settings)

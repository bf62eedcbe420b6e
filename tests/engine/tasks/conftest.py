"""A model that knows something, made once."""

from pathlib import Path

import pytest

from tests.engine.tasks.asking import learned


@pytest.fixture(scope="session")
def knows(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model directory that answers the sums of `asking.KNOWN`."""
    return learned(tmp_path_factory.mktemp("knows"), small)

"""Models made once for all engine tests."""

from pathlib import Path

import pytest

from tests.engine.builders import small_model


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model directory of a few thousand parameters."""
    return small_model(tmp_path_factory.mktemp("model"))

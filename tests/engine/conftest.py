"""Models made once for all engine tests."""

from pathlib import Path

import pytest
import torch

from tests.engine.builders import small_model

# Tests run beside one another, one a core: more threads than that only wait for one another.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model directory of a few thousand parameters."""
    return small_model(tmp_path_factory.mktemp("model"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Who asks for a model trains it or samples from it: together these tests outlast `make check`."""
    for item in items:
        if "small" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)

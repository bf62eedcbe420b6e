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

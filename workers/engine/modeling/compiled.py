"""torch.compile where it can, the call as it is where it cannot."""

from collections.abc import Callable
from typing import Any

import torch
from torch._dynamo.exc import TorchDynamoException

SHAPES = 64
"""Shapes and layouts of a batch that are compiled each for itself before the rest runs as it is."""


class Compiled:
    """A call that torch compiles as it meets new shapes; what fails to compile is told once and runs as it is from then on."""

    def __init__(self, call: Callable[..., Any], tell: Callable[[str], None]) -> None:
        torch._dynamo.config.recompile_limit = SHAPES
        self._call, self._tell = call, tell
        self._compiled: Callable[..., Any] | None = torch.compile(call)

    def __call__(self, **inputs: Any) -> Any:
        if self._compiled is not None:
            try:
                return self._compiled(**inputs)
            except (TorchDynamoException, NotImplementedError) as error:
                self._compiled = None
                reason = " ".join(str(error).split())
                self._tell(f"torch_compile failed and the run goes on without it: {reason[:300]}")
        return self._call(**inputs)

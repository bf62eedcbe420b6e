"""How much memory reading somebody's file may take: a few hundred kilobytes of Parquet can unfold to all a host has."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from runs.sizes import size_words
from workers.agent.jobs import JobRefused

LIMIT_BYTES = 4 * 2**30


@contextmanager
def bounded_memory(limit_bytes: int = LIMIT_BYTES) -> Iterator[None]:
    """Lets the process take at most so much more than it holds now. Raises JobRefused where the block needs more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    bound = psutil.Process().memory_info().data + limit_bytes
    resource.setrlimit(resource.RLIMIT_DATA, (bound if hard == resource.RLIM_INFINITY else min(bound, hard), hard))
    try:
        yield
    except MemoryError as error:
        message = f"Reading the file takes more than {size_words(limit_bytes)} of memory."
        raise JobRefused("too_large_rows", message, "Write shorter cells, or fewer rows in each row group.") from error
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))

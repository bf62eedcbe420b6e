"""What a step frees is kept for the next one."""

import platform
import resource

import pytest
import torch

from workers.engine.training import memory

BLOCKS, NUMBERS = 6, 1 << 22
"""96 MiB at once: more than glibc keeps by itself, whatever went before."""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library keeps memory by rules of its own")
def test_blocks_that_were_freed_are_not_taken_anew_page_by_page() -> None:
    memory.keep_freed()
    taken = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        blocks = [torch.ones(NUMBERS) for _ in range(BLOCKS)]
        del blocks
        taken.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
    assert taken[-1] < BLOCKS * 4 * NUMBERS // resource.getpagesize() / 10

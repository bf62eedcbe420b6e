"""Failures with a name: each says what happened and how to mend it, and becomes one `failed` event."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from workers.contract.events import FailureCode

FULL = (errno.ENOSPC, errno.EDQUOT)
FULL_SAID = tuple(f"(os error {number})" for number in FULL)
"""How safetensors, whose errors are no OSErrors, names the same."""
NO_MEMORY_SAID = ("can't allocate memory", "not enough memory", "Cannot allocate memory", "std::bad_alloc",
                  "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
"""How torch, its allocators and what lies below them say that memory has run out, when they have no class for it."""


class Fault(Exception):
    """A failure a person can act on. `field` is its place in the form, such as `reward.terms.1`, where it has one."""

    code: FailureCode = "platform"

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.field = ""


class ConfigFault(Fault):
    code: FailureCode = "config"


class DataFault(Fault):
    code: FailureCode = "data"


class ModelFault(Fault):
    code: FailureCode = "model"


class RewardFault(Fault):
    code: FailureCode = "reward"


class UserCodeFault(Fault):
    code: FailureCode = "user_code"


class NotFiniteFault(Fault):
    code: FailureCode = "nan"


class MemoryFault(Fault):
    code: FailureCode = "oom"


class DiskFault(Fault):
    code: FailureCode = "disk_full"


class Preempted(Fault):
    code: FailureCode = "preempted"


def is_disk_full(error: BaseException) -> bool:
    """True for the operating system's own error and for safetensors' wording of it."""
    return (isinstance(error, OSError) and error.errno in FULL) or any(words in str(error) for words in FULL_SAID)


@contextmanager
def naming_full_disk() -> Iterator[None]:
    """Raises DiskFault where the block fails for want of room on the disk; every other error travels on."""
    try:
        yield
    except Exception as error:
        if is_disk_full(error):
            raise DiskFault("The disk is full.", "Free space below the state directory, then retry the run.") from error
        raise


def is_memory_out(error: BaseException) -> bool:
    """True for MemoryError, ENOMEM, and RuntimeErrors (torch.OutOfMemoryError is one) that mean the same."""
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    named = type(error).__name__ == "OutOfMemoryError"
    return isinstance(error, RuntimeError) and (named or any(words in str(error) for words in NO_MEMORY_SAID))

"""Failures with a name: each says what happened and how to mend it, and becomes one `failed` event."""

from workers.contract.events import FailureCode


class Fault(Exception):
    """A failure a person can act on. `step` is filled in by the loop when it knows it."""

    code: FailureCode = "platform"

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class ConfigFault(Fault):
    code: FailureCode = "config"


class DataFault(Fault):
    code: FailureCode = "data"


class ModelFault(Fault):
    code: FailureCode = "model"


class RewardFault(Fault):
    code: FailureCode = "reward"


class NotFiniteFault(Fault):
    code: FailureCode = "nan"


class MemoryFault(Fault):
    code: FailureCode = "oom"


class DiskFault(Fault):
    code: FailureCode = "disk_full"


class Preempted(Fault):
    code: FailureCode = "preempted"

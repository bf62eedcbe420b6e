"""What the engine's processes and the host's devices use, as curves: `system/cpu.util`, `system/gpu.0.memory`, …"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil

from workers.agent.processes import ProcessMark


class SystemMetrics:
    """`sample` answers the use since the last call. CPU in per cent of one core, memory in bytes."""

    def __init__(self, engine: ProcessMark, devices: list[int]) -> None:
        self._engine = engine
        self._devices = devices
        self._known: dict[int, psutil.Process] = {}

    def sample(self) -> dict[str, float | None]:
        cpu, memory = 0.0, 0.0
        for process in self._processes():
            try:
                cpu += process.cpu_percent()
                memory += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        values: dict[str, float | None] = {"system/cpu.util": cpu, "system/memory.rss": memory}
        return values | gpu_use(self._devices)

    def _processes(self) -> list[psutil.Process]:
        """The engine and its children; the same objects each time, since psutil measures CPU between two calls."""
        leader = self._engine.alive()
        if leader is None:
            return []
        try:
            found = [leader, *leader.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []
        self._known = {process.pid: self._known.get(process.pid, process) for process in found}
        return list(self._known.values())


@contextmanager
def nvml() -> Iterator[Any]:
    """The NVIDIA library for the time of the block, or None where there is no driver."""
    try:
        import pynvml  # noqa: PLC0415 # only on hosts with the worker's packages

        pynvml.nvmlInit()
    except (ImportError, OSError):
        yield None
        return
    except pynvml.NVMLError:
        yield None
        return
    try:
        yield pynvml
    finally:
        pynvml.nvmlShutdown()


def gpu_use(devices: list[int]) -> dict[str, float | None]:
    """Utilisation in per cent and memory in bytes of each device."""
    if not devices:
        return {}
    values: dict[str, float | None] = {}
    with nvml() as library:
        for index in devices if library is not None else []:
            handle = library.nvmlDeviceGetHandleByIndex(index)
            values[f"system/gpu.{index}.util"] = float(library.nvmlDeviceGetUtilizationRates(handle).gpu)
            values[f"system/gpu.{index}.memory"] = float(library.nvmlDeviceGetMemoryInfo(handle).used)
    return values


def list_gpus() -> list[dict[str, object]]:
    """The devices of this host: index, name and bytes of memory."""
    with nvml() as library:
        if library is None:
            return []
        gpus: list[dict[str, object]] = []
        for index in range(library.nvmlDeviceGetCount()):
            handle = library.nvmlDeviceGetHandleByIndex(index)
            memory = library.nvmlDeviceGetMemoryInfo(handle).total
            gpus.append({"index": index, "name": str(library.nvmlDeviceGetName(handle)), "memory_bytes": int(memory)})
        return gpus

"""No disk, no memory: the run ends with the cause by name and the remedy, and nothing stands half-written."""

import errno
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError

from tests.engine.builders import dataset, events, of_type, spec, sums, train
from workers.contract.events import LogEvent
from workers.contract.run_spec import DatasetRef
from workers.engine.events import EventLog
from workers.engine.faults import DiskFault, MemoryFault, is_memory_out
from workers.engine.training import checkpoint, training_state
from workers.engine.training.loop import Loop

MOUNTS = ["unshare", "--user", "--map-root-user", "--mount"]
FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def data(tmp_path: Path) -> DatasetRef:
    return dataset(tmp_path / "data", sums(6))


class NearlyFull:
    """An open file on a disk that has `room` bytes left: a write takes what fits, the next one fails."""

    def __init__(self, file: Any, room: int) -> None:
        self._file, self.room = file, room

    def write(self, data: memoryview) -> int:
        if not self.room:
            raise FULL
        taken: int = self._file.write(data[: self.room])
        self.room -= taken
        return taken

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@pytest.mark.parametrize("room", [0, 1, 40])
def test_an_event_that_does_not_fit_leaves_no_part_and_takes_no_number(
    tmp_path: Path, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.write(LogEvent(message="one"))
    with monkeypatch.context() as patched:
        patched.setattr(log, "_file", NearlyFull(log._file, room))
        with pytest.raises(DiskFault):
            log.write(LogEvent(message="two"))
        assert [event.message for event in events(tmp_path)] == ["one"]
    log.write(LogEvent(message="three"))
    assert [(event.seq, event.message) for event in events(tmp_path)] == [(1, "one"), (2, "three")]


@pytest.mark.parametrize("error", [FULL, SafetensorError("Error while serializing: I/O error: gone (os error 28)")])
@pytest.mark.parametrize("at", ["tensors", "document", "finish"])
def test_a_checkpoint_that_does_not_fit_leaves_nothing_and_the_one_before_stands(
    tmp_path: Path, small: Path, data: DatasetRef, monkeypatch: pytest.MonkeyPatch, error: Exception, at: str
) -> None:
    whole = getattr(checkpoint.Writer, at)

    def full(writer: checkpoint.Writer, *given: Any) -> Any:
        if writer.step > 2:
            raise error
        return whole(writer, *given)

    monkeypatch.setattr(checkpoint.Writer, at, full)
    with pytest.raises(DiskFault, match="disk is full") as refused:
        train(spec(tmp_path / "run", model=small, data=data))
    assert "Free space" in refused.value.remedy
    root = tmp_path / "run" / "checkpoints"
    assert [path.name for path in root.iterdir()] == ["step-00000002"]
    assert checkpoint.verify(root / "step-00000002")
    assert [event.step for event in of_type(events(tmp_path / "run"), "checkpoint")] == [2]


def test_a_final_model_that_does_not_fit_leaves_nothing(
    tmp_path: Path, small: Path, data: DatasetRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = training_state.write_model

    def full(module: Any, tokenizer: Any, directory: Path, **given: Any) -> None:
        write(module, tokenizer, directory, **given)
        if directory.name == ".final.partial":
            raise FULL

    monkeypatch.setattr(training_state, "write_model", full)
    with pytest.raises(DiskFault):
        train(spec(tmp_path / "run", model=small, data=data))
    assert not [path.name for path in (tmp_path / "run").iterdir() if "final" in path.name]


def test_another_error_of_the_disk_is_not_taken_for_a_full_one(
    tmp_path: Path, small: Path, data: DatasetRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(checkpoint.Writer, "document", broken)
    with pytest.raises(OSError, match="Input/output"):
        train(spec(tmp_path / "run", model=small, data=data))


OUT_OF_MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("[enforce fail at alloc_cpu.cpp:118] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("std::bad_alloc"),
    MemoryError(),
    OSError(errno.ENOMEM, "Cannot allocate memory"),
]


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=lambda error: type(error).__name__)
def test_memory_that_runs_out_is_named_with_the_batch_and_what_to_lower(
    tmp_path: Path, small: Path, data: DatasetRef, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def out(*_: Any) -> None:
        raise error

    monkeypatch.setattr(Loop, "_update", out)
    with pytest.raises(MemoryFault, match="batches of 4 samples up to 64 tokens") as refused:
        train(spec(tmp_path / "run", model=small, data=data))
    assert "per_device_train_batch_size" in refused.value.remedy
    assert refused.value.code == "oom"


def test_what_torch_says_when_an_allocation_fails_is_known() -> None:
    with pytest.raises(RuntimeError) as said:
        torch.empty(1 << 50, dtype=torch.uint8)
    assert is_memory_out(said.value)
    assert not is_memory_out(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


def can_mount() -> bool:
    return bool(shutil.which("unshare")) and subprocess.run([*MOUNTS, "true"], capture_output=True, check=False).returncode == 0


def on_a_small_disk(tmp_path: Path, given: Any, *, size: str, leave_bytes: int) -> int:
    """Runs the engine with its directory on a disk of its own; copies that out and answers the exit code.

    All but `leave_bytes` of the disk is taken before it starts.
    """
    place, out = tmp_path / "disk", tmp_path / "after"
    place.mkdir()
    (tmp_path / "spec.json").write_text(given.model_copy(update={"output_dir": str(place)}).model_dump_json())
    engine = shlex.join([sys.executable, "-m", "workers.engine", str(tmp_path / "spec.json")])
    script = f"""
        mount -t tmpfs -o size={size} tmpfs {place} || exit 99
        head -c $(( $(stat -f -c '%a * %S' {place}) - {leave_bytes} )) /dev/zero > {place}/other
        {engine} 2> {place}/engine.log; code=$?
        cp -r {place} {out}; exit $code
    """
    return subprocess.run([*MOUNTS, "sh", "-c", script], check=False, timeout=120).returncode


@pytest.mark.slow
@pytest.mark.skipif(not can_mount(), reason="mounting a small disk needs user namespaces")
@pytest.mark.parametrize("leave_bytes", [8_192, 32_768, 600_000])
def test_on_a_disk_that_is_really_full(tmp_path: Path, small: Path, data: DatasetRef, leave_bytes: int) -> None:
    """Not even the events fit; the events do, the checkpoint does not; the first checkpoint fits, the second does not."""
    given = spec(tmp_path / "run", model=small, data=data, max_steps=60, save_steps=20, save_total_limit=5)
    code = on_a_small_disk(tmp_path, given, size="4m", leave_bytes=leave_bytes)
    after = tmp_path / "after"
    found = events(after)
    assert [event.seq for event in found] == list(range(1, len(found) + 1))
    if code == 1:
        assert (found[-1].type, found[-1].code) == ("failed", "disk_full")
        assert "Free space" in found[-1].remedy
    else:
        assert code == errno.ENOSPC
    left = [path.name for path in after.glob("checkpoints/*")]
    assert not [name for name in left if name.startswith(".")]
    for name in left:
        checkpoint.verify(after / "checkpoints" / name)
    assert (after / "other").stat().st_size > 0

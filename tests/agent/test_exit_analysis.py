"""Why an engine died, from what it left behind."""

import signal

import pytest

from workers.agent.exit_analysis import exit_text, explain, oom_kills


@pytest.mark.parametrize(
    ("code", "lines", "killed", "cause"),
    [
        (-signal.SIGKILL, [], 1, "oom"),
        (-signal.SIGKILL, [], 0, "platform"),
        (-signal.SIGSEGV, ["Fatal Python error"], 0, "platform"),
        (1, ["torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB"], 0, "oom"),
        (1, ["OSError: [Errno 28] No space left on device"], 0, "disk_full"),
        (1, ["ModuleNotFoundError: No module named 'torch'"], 0, "config"),
        (1, [], 0, "platform"),
        (0, [], 0, "platform"),
    ],
)
def test_the_cause_is_named(code: int, lines: list[str], killed: int, cause: str) -> None:
    failure = explain(code, lines=lines, oom_kills_before=3, oom_kills_after=3 + killed)
    assert failure.code == cause
    assert failure.remedy


def test_the_message_says_signal_and_last_words() -> None:
    failure = explain(-signal.SIGSEGV, lines=["one", "two"], oom_kills_before=0, oom_kills_after=0)
    assert "SIGSEGV" in failure.message
    assert "two" in failure.message


def test_exits_are_named() -> None:
    assert [exit_text(code) for code in (0, 3, -15)] == ["exit 0", "exit 3", "SIGTERM"]


def test_the_kernel_s_count_is_a_number() -> None:
    assert oom_kills() >= 0

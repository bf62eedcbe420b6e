"""Effects are told beside each test's verdict, from other processes too, and stand together at the end of what pytest prints."""

from collections.abc import Callable, Sequence

import pytest
import torch
from _pytest.terminal import TerminalReporter

from tests.learning.laboratory import Tell, in_words, interval

# Tests run beside one another, one a core.
torch.set_num_threads(1)
EFFECT = "effect"


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Tell:
    """Keeps what was measured for the end, and answers the interval of its mean."""

    def told(what: str, values: Sequence[float]) -> tuple[float, float]:
        record_property(EFFECT, in_words(what, values))
        return interval(values)

    return told


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    reports = [report for verdict in ("passed", "failed") for report in terminalreporter.getreports(verdict)
               if isinstance(report, pytest.TestReport) and report.when == "call"]
    told = [(report.duration, says) for report in reports for name, says in report.user_properties if name == EFFECT]
    if told:
        terminalreporter.section("effects, with the 90 % bootstrap interval of the mean over seeds")
        for seconds, says in told:
            terminalreporter.write_line(f"{says}, {seconds:.0f} s")

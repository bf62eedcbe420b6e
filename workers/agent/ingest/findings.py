"""What reading a file found: the first faults by place, warnings by code, exact duplicates, as one report."""

import hashlib
from array import array
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from runs.datasets.shapes.mapping import Fault
from workers.agent.ingest.items import FAULTS_SHOWN
from workers.agent.jobs import JobRefused


@dataclass
class Warned:
    message: str
    count: int = 0
    lines: list[int] = field(default_factory=list)


class Findings:
    """Memory: 16 bytes a row for the duplicates, the rest is bounded."""

    def __init__(self) -> None:
        self.rows_read = 0
        self.rows_kept = 0
        self.faults: list[Fault] = []
        self._warned: dict[str, Warned] = {}
        self._hashes = array("Q")
        self._lines = array("Q")

    @property
    def full(self) -> bool:
        """Enough faults to show; reading on would not help the person."""
        return len(self.faults) >= FAULTS_SHOWN

    def warn(self, code: str, message: str, line: int) -> None:
        warned = self._warned.setdefault(code, Warned(message))
        warned.count += 1
        if len(warned.lines) < FAULTS_SHOWN and line:
            warned.lines.append(line)

    def kept(self, line: int, row: bytes) -> None:
        self.rows_kept += 1
        self._hashes.append(int.from_bytes(hashlib.blake2b(row, digest_size=8).digest(), "little"))
        self._lines.append(line)

    def report(self) -> dict[str, Any]:
        """The version's report. Call once, at the end."""
        self._count_duplicates()
        warnings = [
            {"code": code, "message": warned.message, "count": warned.count, "rows": warned.lines}
            for code, warned in self._warned.items()
        ]
        faults = [fault.model_dump() for fault in self.faults[:FAULTS_SHOWN]]
        return {"rows_read": self.rows_read, "rows_kept": self.rows_kept, "faults": faults, "warnings": warnings}

    def refuse_if_faulty(self) -> None:
        """Raises JobRefused with the faults, and when there was not one row."""
        if self.faults:
            raise refusal(self.faults)
        if not self.rows_kept:
            raise JobRefused("no_rows", "The file gives no rows.", "Send a file with rows, or map other columns.")

    def _count_duplicates(self) -> None:
        hashes, lines = np.frombuffer(self._hashes, dtype=np.uint64), np.frombuffer(self._lines, dtype=np.uint64)
        first = np.zeros(len(hashes), dtype=bool)
        first[np.unique(hashes, return_index=True)[1]] = True
        repeated = lines[~first]
        if len(repeated):
            shown = [int(line) for line in repeated[:FAULTS_SHOWN]]
            self._warned["duplicate"] = Warned("Rows equal an earlier row exactly; they were kept.", len(repeated), shown)


def refusal(faults: list[Fault]) -> JobRefused:
    """The error that names the first fault in words and carries up to twenty."""
    first, more = faults[0], len(faults) - 1
    place = f"Line {first.line}: " if first.line else ""
    many = len(faults) >= FAULTS_SHOWN
    follow = "1 further fault follows." if more == 1 else f"{more}{' or more' * many} further faults follow."
    rest = f" {follow}" if more else ""
    return JobRefused(
        "file_refused",
        f"{place}{first.message}{rest}",
        "Nothing was kept. Mend the file and send it again.",
        [fault.model_dump() for fault in faults[:FAULTS_SHOWN]],
    )

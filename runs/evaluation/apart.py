"""What tells a suite from others that a page would give the same heading."""

from collections.abc import Sequence
from typing import Any

from runs.evaluation.comparing import ANSWERING

Report = dict[str, Any]


def apart(report: Report, others: Sequence[Report]) -> str:
    """What the report has that one of `others` has not, as "verifier exact_match, split test"; empty without others.

    Where neither data nor settings differ, the reward does, which is known by the suite's key alone.
    """
    facts, theirs = _facts(report), [_facts(other) for other in others]
    names = [name for name in facts if any(facts[name] != one.get(name) for one in theirs)]
    if others and not names:
        return f"another reward ({report['suite_key'][:6]})"
    return ", ".join(f"{name} {facts[name]}" for name in names)


def _facts(report: Report) -> dict[str, str]:
    """Data and settings by the names that people see; how a model answers does not change what is asked."""
    data = report["data"]
    measure = {name: str(value) for name, value in report["settings"].items() if name not in (*ANSWERING, "suite")}
    return {"data": data["name"], "split": data["split"], "rows": data["content_hash"][:6]} | measure

"""Two evaluations of one suite, item by item."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context
from typing import Any

from runs.evaluation.items import Item, items_of
from runs.evaluation.models import Evaluation
from runs.problems import FieldError, Invalid
from workers.contract.products import Interval
from workers.statistics import LEVEL, Difference, holm, mean_interval, paired

ANSWERING = ("num_generations", "max_completion_length", "temperature", "top_p", "top_k", "score", "judge_max_tokens")
"""Settings that change what is measured without changing the suite."""


def shared_metrics(evaluations: Sequence[Evaluation]) -> list[str]:
    """The metrics that all have, the primary first."""
    first = evaluations[0].report
    names = [name for name in first["metrics"] if all(name in one.report["metrics"] for one in evaluations)]
    return sorted(names, key=lambda name: (name != first["primary"], name))


def compare(first: Evaluation, others: Sequence[Evaluation], *, metric: str = "") -> tuple[str, list[dict[str, Any]]]:
    """The metric compared and one comparison for each of `others`. Raises Invalid for what cannot be compared."""
    for other in others:
        _check(first, other)
    known = shared_metrics([first, *others])
    metric = metric or first.report["primary"]
    if metric not in known:
        message = f"These evaluations have no metric {metric} in common. Choose one of {', '.join(known)}."
        raise Invalid(message, [FieldError("metric", message)])
    found = [_matched(first, other, metric) for other in others]
    adjusted = holm([one["found"].p_value for one in found])
    return metric, [_told(first, other, metric, one, p) for other, one, p in zip(others, found, adjusted, strict=True)]


def _check(first: Evaluation, other: Evaluation) -> None:
    if other.suite_key == first.suite_key:
        return
    message = (f"{other.model_name} on {other.suite} and {first.model_name} on {first.suite} did not answer the same: data, "
               "split or what counts as right differ. Evaluate both in one way.")
    raise Invalid(message, [FieldError("others", message)])


def values_by_key(items: Sequence[Item], metric: str) -> dict[str, float]:
    return {item["key"]: item["values"][metric] for item in items if metric in item["values"]}


def _matched(first: Evaluation, other: Evaluation, metric: str) -> dict[str, Any]:
    before, after = values_by_key(items_of(first), metric), values_by_key(items_of(other), metric)
    keys = [key for key in before if key in after]
    one, two = [before[key] for key in keys], [after[key] for key in keys]
    return {"found": paired(one, two), "first": mean_interval(one), "second": mean_interval(two),
            "unmatched": len(before.keys() ^ after.keys())}


def _told(first: Evaluation, other: Evaluation, metric: str, one: dict[str, Any], p: float | None) -> dict[str, Any]:
    found: Difference = one["found"]
    verdict = _verdict(found, p)
    return {
        "id": other.id, "model_id": other.model_id, "model_name": other.model_name, "first_model_name": first.model_name,
        "metric": metric, "verdict": verdict, "sentence": _sentence((first, other), metric, found, verdict, p),
        "first": one["first"], "second": one["second"], "difference": found.difference, "p_value": found.p_value,
        "adjusted_p": p, "test": found.test, "gained": found.gained, "lost": found.lost, "items": found.difference.n,
        "unmatched": one["unmatched"], "detectable": found.detectable,
        "more_items": found.more_items if verdict == "undecided" else None, "settings": differing(first, other),
    }


def _verdict(found: Difference, p: float | None) -> str:
    if p is None or found.gained == found.lost == 0:
        return "same" if p is not None else "undecided"
    if p >= 1 - LEVEL:
        return "undecided"
    return "better" if (found.difference.value or 0) > 0 else "worse"


def _sentence(both: tuple[Evaluation, Evaluation], metric: str, found: Difference, verdict: str, p: float | None) -> str:
    """What a person reads first."""
    first, other = both
    one, two, n = first.model_name or "the first model", other.model_name or "the second model", found.difference.n
    if verdict == "same":
        return f"{two} and {one} are equal on every one of {n:,} items of {first.suite}."
    if n == 0 or p is None:
        return f"{two} and {one} have no item in common on {first.suite}."
    figures = f"{_signed(found.difference)}, {_chance(p)}, n = {n:,}"
    if verdict == "undecided":
        more = f" About {found.more_items:,} more items would decide a difference of this size." if found.more_items else ""
        return f"Undecided between {two} and {one} on {first.suite}: {metric} {figures}.{more}"
    # What is better depends on the metric: a higher accuracy is, a longer answer is only longer.
    return f"{two} is {'above' if verdict == 'better' else 'below'} {one} on {first.suite}: {metric} {figures}."


def _chance(p: float) -> str:
    """To two figures, half away from zero, as the page writes it beside."""
    return "p < 0.0001" if p < 1e-4 else f"p = {Context(prec=2, rounding=ROUND_HALF_UP).create_decimal(repr(p)).normalize():f}"


def _signed(found: Interval) -> str:
    return f"{found.value or 0:+.3f} [{found.low or 0:.3f}, {found.high or 0:.3f}]".replace("-", "−")


def differing(first: Evaluation, other: Evaluation) -> list[str]:
    """Settings of answering that are not the same, as "temperature: 0 and 1"."""
    one, two = first.report["settings"], other.report["settings"]
    return [f"{name}: {one.get(name)} and {two.get(name)}" for name in ANSWERING if one.get(name) != two.get(name)]

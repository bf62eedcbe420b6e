"""What a row of pairs says of its two sides beside their text, for the losses that read it."""

from workers.contract.records import Record
from workers.engine.faults import DataFault


def reward_gap(record: Record, row: int) -> tuple[dict[str, float], dict[str, float]]:
    """`margin` of both sides: the row's own, or score_chosen − score_rejected. Raises DataFault where there is neither."""
    gap = record.margin
    scores = [record.extra.get(name) for name in ("score_chosen", "score_rejected")]
    if gap is None and all(isinstance(score, int | float) for score in scores):
        gap = float(scores[0]) - float(scores[1])  # type: ignore[arg-type]
    if gap is None:
        raise DataFault(f"Row {row + 1} does not say how much better its chosen answer is.",
                        "Give every row a margin, or score_chosen and score_rejected; or choose another loss.")
    return {"margin": gap}, {"margin": gap}


def safety(record: Record, row: int) -> tuple[dict[str, float], dict[str, float]]:
    """`safe` of either side, 1 or 0, from the columns chosen_safe and rejected_safe. Raises DataFault where one misses."""
    labels = [record.extra.get(name) for name in ("chosen_safe", "rejected_safe")]
    if any(not isinstance(label, bool | int | float) for label in labels):
        raise DataFault(f"Row {row + 1} does not say which of its answers are safe.",
                        "Give every row the columns chosen_safe and rejected_safe, true or false.")
    return {"safe": float(bool(labels[0]))}, {"safe": float(bool(labels[1]))}

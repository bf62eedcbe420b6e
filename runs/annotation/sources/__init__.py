"""Where pairs come from: one file for each kind of source, found by its name.

A file has `candidates(project, source, rng) -> Iterator[Pair | str]`, which checks the source (raising Problem with the
field at fault), then gives pairs in random order, or the reason why something it looked at is none; `EMPTY` is what to do
about a source that gives no pair at all.
"""

from importlib import import_module
from random import Random

from runs.accounts.models import Project
from runs.annotation.schemas import DatasetSource, RolloutsSource, SamplesSource
from runs.annotation.sources.pair import Drawn, Pair, draw_from
from runs.problems import FieldError, Invalid

__all__ = ["Drawn", "Pair", "draw"]

LEFT_OUT_WORDS = {
    "equal": "with equal sides", "no_pair": "with fewer than two answers", "repeated": "that repeat another pair",
}  # fmt: skip


def draw(project: Project, source: DatasetSource | SamplesSource | RolloutsSource, *, limit: int, seed: int) -> Drawn:
    """Up to `limit` pairs. Raises Problem when the source is not there, cannot give pairs, or gives none."""
    reader = import_module(f"{__name__}.{source.kind}")
    drawn = draw_from(reader.candidates(project, source, Random(seed)), limit)  # noqa: S311 - a repeatable draw, no secret
    if not drawn.pairs:
        counted = [f"{count:,} {LEFT_OUT_WORDS[reason]}" for reason, count in sorted(drawn.left_out.items())]
        why = f": {', '.join(counted)}" if counted else ""
        message = f"The source gives no pair to compare{why}. {reader.EMPTY}"
        raise Invalid(message, [FieldError("source", message)])
    return drawn

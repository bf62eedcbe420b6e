"""Several completions of one prompt with ranks (1 is best) or scores (higher is better), under customary names."""

from runs.datasets.shapes.kinds import read_kind
from runs.datasets.shapes.mapping import Mapping
from runs.datasets.shapes.sample import Sample
from workers.contract.records import RecordKind

KINDS = frozenset({RecordKind.RANKING})
PROMPTS = ("prompt", "question", "query", "instruction", "problem")
COMPLETIONS = ("completions", "responses", "answers", "outputs", "candidates", "generations")
RANKS = ("ranks", "ranking", "rank", "order")
SCORES = ("scores", "ratings", "rewards", "score", "rating")
read = read_kind


def detect(sample: Sample) -> list[Mapping]:
    prompt, completions = sample.first_of(PROMPTS), sample.first_of(COMPLETIONS)
    ranks, scores = sample.first_of(RANKS), sample.first_of(SCORES)
    by = ranks or scores
    if not prompt or not completions or not by or not sample.every(by, _is_numbers):
        return []
    columns = {"prompt": prompt, "completions": completions, "ranks" if ranks else "scores": by}
    label = f"`{completions}` ranked by `{by}`" + ("" if ranks else ", higher is better")
    return [Mapping(kind=RecordKind.RANKING, shape="ranking", columns=columns, label=label, confidence=0.88)]


def _is_numbers(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, int | float) for each in value)

"""verl: `prompt` as messages, `reward_model.ground_truth` as the answer; source, ability and extra_info stay beside it."""

from runs.datasets.shapes.kinds import read_kind
from runs.datasets.shapes.mapping import Mapping
from runs.datasets.shapes.sample import Sample
from workers.contract.records import RecordKind

KINDS = frozenset({RecordKind.PROMPT_ANSWER})
COLUMNS = {"prompt": "prompt", "answer": "reward_model.ground_truth"}
read = read_kind


def _has_truth(value: object) -> bool:
    return isinstance(value, dict) and "ground_truth" in value


def detect(sample: Sample) -> list[Mapping]:
    if not sample.has("prompt") or not sample.every("reward_model", _has_truth):
        return []
    label = "verl rows; the answer is `reward_model.ground_truth`"
    return [Mapping(kind=RecordKind.PROMPT_ANSWER, shape="verl", columns=COLUMNS, label=label, confidence=0.98)]

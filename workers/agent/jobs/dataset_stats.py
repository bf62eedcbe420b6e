"""Token counts of a version under a model's tokenizer: histogram, quantiles, how much each context length would cut."""

from typing import Any

from runs.datasets import storage
from runs.datasets.models import DatasetVersion
from runs.library.selectors import model_ref
from workers.agent.engine_call import TOKENIZING_BYTES, call_engine
from workers.agent.jobs import JobContext


def run(job: JobContext) -> dict[str, Any]:
    """`{splits: {name: SplitStats}}`; the engine counts, because it owns how a row becomes tokens."""
    version = DatasetVersion.objects.select_related("dataset", "project").get(id=job.payload["version_id"])
    model = model_ref(job.payload["model_id"], project=version.project)
    place = str(storage.version_dir(version.dataset_id, version.id))
    splits = {}
    for split in version.splits:
        request = {"model_path": model.path, "kind": version.kind, "data_path": place, "split": split["name"]}
        doing = f"Counting tokens of {split['name']}"
        splits[split["name"]] = call_engine(job, "lengths", request=request, doing=doing, limit_bytes=TOKENIZING_BYTES)
    return {"splits": splits}

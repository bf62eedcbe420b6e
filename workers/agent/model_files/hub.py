"""Models of the Hugging Face Hub: weights as safetensors, config and tokenizer are fetched, nothing else."""

from pathlib import Path

from django.conf import settings
from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import (
    GatedRepoError,
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from runs.library.models import LibraryModel
from workers.agent.hub_errors import UNREACHABLE
from workers.agent.jobs import JobContext, JobRefused

WANTED = (".safetensors", ".safetensors.index.json", ".json", ".jinja", ".txt", ".model")


def fetch(job: JobContext, model: LibraryModel) -> Path:
    """The directory the files were put in. Raises JobRefused when the Hub has no such model or cannot be reached."""
    place = Path(settings.HOME) / "models" / model.id
    revision = model.hub_revision or None
    try:
        job.progress(None, f"Asking the Hub for {model.hub_name}")
        names = HfApi().list_repo_files(model.hub_name, revision=revision)
        wanted = [name for name in names if "/" not in name and name.endswith(WANTED)]
        for number, name in enumerate(wanted):
            job.progress(number / len(wanted), f"Fetching {name}")
            hf_hub_download(model.hub_name, name, revision=revision, local_dir=place)
    except (RepositoryNotFoundError, GatedRepoError, RevisionNotFoundError, HFValidationError) as error:
        remedy = "Check name and revision; for a private or gated model, set HF_TOKEN for the worker."
        raise JobRefused("hub_not_found", f"The Hub has no model {model.hub_name} that this worker may read.", remedy) from error
    except UNREACHABLE as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise JobRefused(
            "hub_unreachable",
            f"The worker cannot reach the Hugging Face Hub for {model.hub_name} ({reason}).",
            "Connect the worker to the network and unset HF_HUB_OFFLINE, or copy the model to its disk and register the path.",
        ) from error
    return place

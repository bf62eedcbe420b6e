"""A model's own directory, LODESTAR_HOME/models/<id>: what a run made stays when the run's files go."""

import os
import shutil
from pathlib import Path

from django.conf import settings

from runs.problems import Conflict


def own_directory(model_id: str) -> Path:
    return Path(settings.HOME) / "models" / model_id


def keep(model_id: str, made: Path) -> Path:
    """The model's own directory with the files of `made`: the same files under a second name where the disk allows it.

    It appears whole, by one rename. Engines write files once, so that neither name sees the other's changes. Raises
    Conflict when `made` is not there or goes meanwhile.
    """
    place = own_directory(model_id)
    partial = place.with_name(f".{model_id}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copytree(made, partial, copy_function=_link)
        partial.rename(place)
    except (FileNotFoundError, shutil.Error) as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise Conflict("model_gone", f"The files at {made} are gone. Take a newer checkpoint of the run.") from error
    except OSError:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return place


def forget(model_id: str) -> None:
    """Of a model that was not registered after all."""
    shutil.rmtree(own_directory(model_id), ignore_errors=True)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:  # another file system, or one without links
        shutil.copy2(source, target)

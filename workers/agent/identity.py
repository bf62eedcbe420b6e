"""Who this worker is and what it offers."""

import os
import socket
from pathlib import Path
from typing import Any

import psutil
from django.conf import settings

from runs.launches.models import new_worker_id
from workers.agent.system_metrics import list_gpus
from workers.contract.catalogue import catalogue_hash, load_catalogue


def agent_directory() -> Path:
    path = Path(settings.HOME) / "agent"
    path.mkdir(parents=True, exist_ok=True)
    return path


def worker_id() -> str:
    """The same each time this host starts a worker on this state directory."""
    path = agent_directory() / f"worker-id-{socket.gethostname()}"
    if not path.exists():
        path.write_text(new_worker_id(), encoding="ascii")
    return path.read_text(encoding="ascii").strip()


def slots() -> int:
    """How many runs without GPUs at a time: as set, else one for every four cores."""
    return settings.SLOTS or max(1, (os.cpu_count() or 1) // 4)


def job_slots() -> int:
    """How many jobs at a time: as set, else one a core and at least two."""
    return settings.JOB_SLOTS or max(2, os.cpu_count() or 1)


def facts() -> dict[str, Any]:
    """What this host has, for its row."""
    return {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "slots": slots(),
        "gpus": list_gpus(),
        "queues": ["lodestar"],
        "catalogue_hash": known_catalogue(),
        **use(),
    }


def use() -> dict[str, Any]:
    """How busy this host is now. Bytes and per cent."""
    memory = psutil.virtual_memory()
    return {
        "cpu": {"cores": os.cpu_count(), "percent": psutil.cpu_percent()},
        "memory": {"total_bytes": memory.total, "available_bytes": memory.available},
    }


def known_catalogue() -> str:
    """The hash of the catalogue this worker's engine offers; empty before `make catalogue` has ever run."""
    try:
        return catalogue_hash(load_catalogue())
    except FileNotFoundError:
        return ""

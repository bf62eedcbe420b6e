"""What a worker offers: as set, else by its cores."""

from typing import Any

from workers.agent import identity


def test_places_are_as_set(settings: Any) -> None:
    settings.SLOTS, settings.JOB_SLOTS = 3, 7
    assert (identity.slots(), identity.job_slots()) == (3, 7)


def test_places_follow_the_cores_when_not_set(settings: Any, monkeypatch: Any) -> None:
    settings.SLOTS = settings.JOB_SLOTS = 0
    monkeypatch.setattr("os.cpu_count", lambda: 16)
    assert (identity.slots(), identity.job_slots()) == (4, 16)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert (identity.slots(), identity.job_slots()) == (1, 2)

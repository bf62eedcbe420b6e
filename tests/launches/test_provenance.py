"""Where a run says that it came from."""

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from runs.launches import provenance


@pytest.fixture(autouse=True)
def asked_anew() -> Iterator[None]:
    provenance.commit.cache_clear()
    yield
    provenance.commit.cache_clear()


def test_the_commit_is_the_checkouts_own(settings: Any) -> None:
    told = subprocess.run(["git", "rev-parse", "HEAD"], cwd=settings.ROOT, capture_output=True, text=True, check=False)
    assert provenance.commit() == told.stdout.strip()


def test_an_image_says_its_commit_itself(settings: Any) -> None:
    settings.COMMIT = "abc123"
    assert provenance.commit() == "abc123"


def test_a_machine_without_git_launches_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert provenance.commit() == ""

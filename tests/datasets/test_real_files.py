"""Public data sets as they are, where this checkout has them beside it: taken, recognised, mapped, read."""

import gzip
import json
from typing import Any

import pytest

from tests.datasets.desk import SHARED_DATA, Desk

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not SHARED_DATA.is_dir(), reason="no ../shared/data beside this checkout")]


def candidate(upload: dict[str, Any], kind: str) -> Any:
    return next(found for found in upload["inspection"]["candidates"] if found["kind"] == kind)


def sent(desk: Desk, name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The upload, and its rows as the file has them."""
    content = (SHARED_DATA / name).read_bytes()
    upload = desk.send(content)
    assert upload["state"] == "inspected", upload["error"]
    assert (upload["inspection"]["format"], upload["inspection"]["compression"]) == ("jsonl", "gzip")
    return upload, [json.loads(line) for line in gzip.decompress(content).splitlines()]


def test_gsm8k_is_read_as_problems_with_their_results(desk: Desk) -> None:
    upload, rows = sent(desk, "gsm8k/train.jsonl.gz")
    version = desk.ingest(upload, mode="fraction", test_fraction=0.1, seed=0)
    assert (version["state"], version["kind"], version["rows"]) == ("ready", "prompt_answer", 7473)
    assert {split["name"] for split in version["splits"]} == {"train", "test"}
    first = desk.rows(version, offset=0, limit=1)[0]
    row = next(row for row in rows if row["question"] == first["prompt"])
    assert first["answer"] == row["answer"].rsplit("#### ", 1)[1].replace(",", "")
    assert first["extra"]["solution"] == row["answer"]


def test_gsm8k_is_read_as_worked_solutions_too(desk: Desk) -> None:
    upload, rows = sent(desk, "gsm8k/train.jsonl.gz")
    version = desk.ingest(upload, candidate(upload, "demonstration"))
    assert (version["kind"], version["rows"]) == ("demonstration", 7473)
    assert desk.rows(version, offset=7472, limit=1)[0]["completion"] == rows[-1]["answer"]


def test_model_solutions_are_read_as_four_judged_answers_a_problem(desk: Desk) -> None:
    upload, rows = sent(desk, "gsm8k/model-solutions-660.jsonl.gz")
    version = desk.ingest(upload)
    assert (version["kind"], version["rows"]) == ("unpaired", 4 * len(rows))
    right = sum(row[name]["is_correct"] for row in rows for name in row if isinstance(row[name], dict))
    kept = [record for offset in range(0, 4 * len(rows), 200) for record in desk.rows(version, offset=offset, limit=200)]
    assert sum(record["label"] for record in kept) == right


def test_model_solutions_are_read_as_pairs(desk: Desk) -> None:
    upload, rows = sent(desk, "gsm8k/model-solutions-660.jsonl.gz")
    version = desk.ingest(upload, candidate(upload, "preference"))
    verdicts = [[value["is_correct"] for value in row.values() if isinstance(value, dict)] for row in rows]
    assert version["rows"] == sum(min(sum(row), len(row) - sum(row)) for row in verdicts)
    [warning] = [found for found in version["report"]["warnings"] if found["code"] == "no_pair"]
    assert warning["count"] == sum(len(set(row)) == 1 for row in verdicts)


def test_hh_rlhf_is_read_as_pairs_of_answers_to_one_dialogue(desk: Desk) -> None:
    upload, rows = sent(desk, "hh-rlhf/harmless-base-1200.jsonl.gz")
    assert upload["inspection"]["detected"]["shape"] == "hh_rlhf"
    version = desk.ingest(upload)
    assert (version["kind"], version["rows"], version["error"]) == ("preference", len(rows), None)
    first = desk.rows(version, limit=1)[0]
    assert first["prompt"][0]["role"] == "user"
    assert first["chosen"][-1]["role"] == first["rejected"][-1]["role"] == "assistant"
    assert rows[0]["chosen"].endswith(first["chosen"][-1]["content"])


def test_the_chosen_answers_of_hh_rlhf_are_split_as_its_pairs_are(desk: Desk) -> None:
    """Else a model taught by them has seen held-out prompts."""
    upload, _ = sent(desk, "hh-rlhf/harmless-base-1200.jsonl.gz")
    splits = {"mode": "fraction", "test_fraction": 0.15, "seed": 0}
    pairs, shown = (desk.ingest(upload, candidate(upload, kind), **splits) for kind in ("preference", "demonstration"))
    asked, told = ([desk.rows(version, split="test", offset=at, limit=1)[0]["prompt"] for at in range(5)]
                   for version in (pairs, shown))
    assert asked == told

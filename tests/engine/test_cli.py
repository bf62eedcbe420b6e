"""The command line, as another process sees it: it needs no Django, and its first word comes before torch."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.builders import answered, dataset, engine, events, forked, spec, sums
from workers.contract.catalogue import CATALOGUE_PATH, Catalogue
from workers.contract.run_spec import RunKind

WITHOUT_DJANGO = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"django", "ninja", "channels", "celery", "runs", "lodestar"}:
            raise ImportError(f"{name} must not be imported by the engine")
sys.meta_path.insert(0, Blocker())
from workers.engine.__main__ import main
sys.exit(main(sys.argv[1:]))
"""
TORCH_FREE = """
import sys
import workers.engine.__main__
sys.exit(any(name in sys.modules for name in ("torch", "transformers", "numpy")))
"""


@pytest.mark.slow
def test_a_run_needs_no_django(tmp_path: Path, small: Path) -> None:
    given = spec(tmp_path / "run", model=small, data=dataset(tmp_path / "data", sums(5)), max_steps=1)
    (tmp_path / "spec.json").write_text(given.model_dump_json())
    done = subprocess.run([sys.executable, "-c", WITHOUT_DJANGO, str(tmp_path / "spec.json")], stdin=subprocess.DEVNULL,
                          check=False)
    assert done.returncode == 0
    found = events(tmp_path / "run")
    assert (found[0].type, found[0].state, found[-1].type) == ("status", "starting", "done")


@pytest.mark.slow
def test_the_command_line_is_read_before_torch_is_imported() -> None:
    assert subprocess.run([sys.executable, "-c", TORCH_FREE], check=False).returncode == 0


@pytest.mark.slow
def test_the_checked_in_catalogue_is_what_the_engine_prints() -> None:
    assert answered("catalogue") == CATALOGUE_PATH.read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_failure_ends_in_an_event_and_the_exit_code_one(tmp_path: Path, small: Path) -> None:
    given = spec(tmp_path / "run", model=tmp_path / "nowhere", data=dataset(tmp_path / "data", sums(5)))
    (tmp_path / "spec.json").write_text(given.model_dump_json())
    assert forked(str(tmp_path / "spec.json")).wait() == 1
    *_, failed = events(tmp_path / "run")
    assert (failed.type, failed.code) == ("failed", "model")
    assert failed.remedy


@pytest.mark.slow
def test_a_supervised_engine_leaves_with_three_when_its_supervisor_dies(tmp_path: Path, small: Path) -> None:
    given = spec(tmp_path / "run", model=small, data=dataset(tmp_path / "data", sums(5)), max_steps=100_000)
    (tmp_path / "spec.json").write_text(given.model_dump_json())
    assert engine("train", str(tmp_path / "spec.json"), "--supervised", stdin="").returncode == 3
    assert events(tmp_path / "run")[-1].code == "preempted"


@pytest.mark.slow
def test_preflight_prints_a_report(tmp_path: Path, small: Path) -> None:
    given = spec(tmp_path / "run", model=small, data=dataset(tmp_path / "data", sums(5)))
    (tmp_path / "spec.json").write_text(given.model_dump_json())
    assert json.loads(answered("preflight", str(tmp_path / "spec.json")))["ready"] is True


@pytest.mark.slow
def test_demo_material_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    for name in ("a", "b"):
        answered("make-tiny", str(tmp_path / name), "--seed", "3")
        answered("make-world", "arithmetic", str(tmp_path / name / "world"))
    written = [{path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*") if path.is_file()}
               for name in ("a", "b")]
    assert written[0] == written[1]
    assert Path("world/demonstrations.jsonl") in written[0]


@pytest.mark.slow
def test_render_and_lengths_answer_requests(small: Path, tmp_path: Path) -> None:
    record = {"prompt": "1+1=", "completion": "2"}
    request = {"model_path": str(small), "kind": "demonstration", "records": [record], "max_length": 4}
    (row,) = json.loads(answered("render", stdin=json.dumps(request)))["rows"]
    assert (row["tokens"], row["cut_at"]) == (9 + 1, 4)
    assert [(part["text"], part["trained"]) for part in row["segments"]][-1] == ("2<|end|>", True)
    dataset(tmp_path, [{"prompt": "1+1=", "completion": "2" * size} for size in (1, 2, 3)])
    asked = {"model_path": str(small), "kind": "demonstration", "data_path": str(tmp_path), "split": "train"}
    found = json.loads(answered("lengths", stdin=json.dumps(asked)))
    assert (found["rows"], found["tokens_total"], found["quantiles"]["max"]) == (3, 10 + 11 + 12, 12)


TRAINING = {"learning_rate": (0, "auto"), "max_steps": (-1, "from the epochs"), "prefix_hidden_size": (0, "auto"),
            "bottleneck_size": (0, "auto"), "merge_adapter": (None, "where possible")}
CRITIC = {"critic_learning_rate": (0, "auto")}
LEFT_TO_ENGINE = {
    "trpo": {name: said for name, said in TRAINING.items() if name != "learning_rate"} | CRITIC,
    "mixer": TRAINING | {"curriculum_length": (0, "longest answer")},
    "generate-samples": {"prompts": (0, "all")},
    "rlaif-label": {"prompts": (0, "all")},
}


def test_every_method_has_a_whole_card() -> None:
    catalogue = Catalogue.model_validate_json(CATALOGUE_PATH.read_text(encoding="utf-8"))
    assert {"sft-instruct", "sft-dialogue", "grpo"} <= {card.slug for card in catalogue.methods}
    for card in catalogue.methods:
        assert card.papers or card.kind is not RunKind.TRAIN
        assert card.metrics
        assert card.presets
        assert card.formula
        assert card.kind is not RunKind.TRAIN or {"default", "demo"} <= {preset.name for preset in card.presets}, card.slug
        for name, field in card.config_schema["properties"].items():
            assert {"default", "title", "description", "x-group", "x-order", "x-section"} <= set(field), f"{card.slug}.{name}"
            for other, wanted in field.get("x-when", {}).items():
                known = card.config_schema["properties"].get(other, {})
                assert set(wanted) <= set(known.get("enum", wanted)), f"{card.slug}.{name} waits for what {other} never is"
        left_to_engine = {name: field["x-auto"] for name, field in card.config_schema["properties"].items() if "x-auto" in field}
        trains = card.kind is RunKind.TRAIN
        assert {name: (auto["value"], auto["word"]) for name, auto in left_to_engine.items()} == LEFT_TO_ENGINE.get(
            card.slug, TRAINING | (CRITIC if "critic_learning_rate" in left_to_engine else {}) if trains else {})
        for preset in card.presets:
            assert set(preset.config) <= set(card.config_schema["properties"])

"""What preflight says a run will take beside what it takes: the demo's presets and long rows, on the tiny model.

    python tests/benchmarks/preflight_time.py

Prints seconds of a step and of the whole run, said and real, and how long the check took.
"""

import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.engine.builders import curve, dataset, spec, train  # noqa: E402 - needs the path above
from workers.contract.records import RecordKind  # noqa: E402
from workers.contract.run_spec import DatasetRef, Resources, RewardPipeline, RewardTerm, RunSpec  # noqa: E402
from workers.engine import worlds  # noqa: E402
from workers.engine.method import method_of  # noqa: E402
from workers.engine.modeling.tiny_model import make_tiny  # noqa: E402
from workers.engine.preflight import report  # noqa: E402


def demo(method: str) -> dict[str, Any]:
    preset = next(one for one in method_of(method).CARD.presets if one.name == "demo")
    return dict(preset.config)


def prose(count: int) -> list[dict[str, Any]]:
    """Rows as long as grade-school word problems with their solutions: some 240 and 290 characters."""
    draw = random.Random(0)
    return [{"prompt": "why " * draw.randint(30, 90), "completion": "so " * draw.randint(50, 140)} for _ in range(count)]


def cases(home: Path) -> dict[str, RunSpec]:
    make_tiny(home / "model")
    worlds.write("arithmetic", home / "world")
    shown, asked = RecordKind.DEMONSTRATION, RecordKind.PROMPT_ANSWER
    kinds = {"demonstrations": shown, "demonstrations_test": shown, "prompts_train": asked, "prompts_test": asked}
    sums = {name: DatasetRef(path=str(home / "world"), split=name, kind=kind) for name, kind in kinds.items()}
    long, long_eval = dataset(home / "long", prose(2000)), dataset(home / "long", prose(200), split="eval")

    def made(name: str, data: DatasetRef, held_out: DatasetRef, method: str, config: dict[str, Any]) -> RunSpec:
        found = spec(home / name, model=home / "model", data=data, held_out=held_out, method=method, **config)
        return found.model_copy(update={"resources": Resources()})

    reward = RewardPipeline(terms=[RewardTerm(kind="exact_match", name="exact")])
    return {
        "sft demo": made("sft", sums["demonstrations"], sums["demonstrations_test"], "sft-instruct",
                         demo("sft-instruct") | {"max_steps": 60, "eval_steps": 20, "save_steps": 20}),
        "sft long": made("long-run", long, long_eval, "sft-instruct",
                         {"max_steps": 6, "max_length": 1024, "eval_steps": 6, "eval_limit": 64}),
        "grpo demo": made("grpo", sums["prompts_train"], sums["prompts_test"], "grpo",
                          demo("grpo") | {"max_steps": 6}).model_copy(update={"reward": reward}),
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        for name, given in cases(Path(home)).items():
            began = time.monotonic()
            said = report(given)
            checked, began = time.monotonic() - began, time.monotonic()
            assert said.ready, said.findings
            found = train(given)
            took, steps = time.monotonic() - began, curve(found, "step_time")
            print(f"{name}: a step {said.step_seconds:.3f} s said, {sum(steps.values()) / len(steps):.3f} s real; "
                  f"in all {said.total_seconds:.1f} s said, {took:.1f} s real; checked in {checked:.1f} s")
            print(f"    {said.findings[-1].message}")


if __name__ == "__main__":
    main()

"""Curves of 20 steps, stored as text: a change that should not alter results shows the same numbers.

To store them anew after a change that should alter them: `python -m tests.engine.test_golden`, and say why in the commit.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.engine import online_builders, supervised_builders
from tests.engine.builders import curve, dataset, small_model, spec, sum_pairs, sums, train
from workers.contract.records import RecordKind
from workers.contract.run_spec import ModelRef
from workers.engine.worlds import arithmetic

GOLDEN = Path(__file__).with_name("golden")
RUNS: dict[str, dict[str, Any]] = {
    "sft-instruct": {"method": "sft-instruct"},
    "sft-instruct-packed": {"method": "sft-instruct", "packing": True, "per_device_train_batch_size": 2},
    "sft-instruct-lora": {"method": "sft-instruct", "use_peft": True, "learning_rate": 1e-2},
    "sft-instruct-dora": {"method": "sft-instruct", "use_peft": True, "adapter": "dora", "learning_rate": 1e-2},
    "sft-instruct-adalora": {"method": "sft-instruct", "use_peft": True, "adapter": "adalora", "learning_rate": 1e-2},
    "sft-instruct-prefix": {"method": "sft-instruct", "use_peft": True, "adapter": "prefix", "learning_rate": 1e-2},
    "sft-instruct-bottleneck": {"method": "sft-instruct", "use_peft": True, "adapter": "bottleneck", "learning_rate": 1e-2},
    "sft-dialogue": {"method": "sft-dialogue", "train_on": "last_assistant"},
    "rm-bt": {"method": "rm-bt", "center_rewards_coefficient": 0.01},
    "rm-pl": {"method": "rm-pl"},
    "rm-orm": {"method": "rm-orm", "loss_on": "every_token"},
    "rm-prm": {"method": "rm-prm"},
    "rm-regression": {"method": "rm-regression"},
    "rm-ensemble": {"method": "rm-ensemble"},
    "rm-implicit": {"method": "rm-implicit"},
    "dpo": {"method": "dpo", "label_smoothing": 0.1},
    "dpo-lora-ipo": {"method": "dpo", "use_peft": True, "loss_type": "ipo", "learning_rate": 1e-2},
    "kto": {"method": "kto", "undesirable_weight": 1.2},
    "dpo-bco-moving": {"method": "dpo", "loss_type": "bco_pair", "bco_running_mean": True, "rpo_alpha": 0.5,
                       "sync_ref_model": True, "ref_model_sync_steps": 5, "token_weighting": "ld"},
    "ipo": {"method": "ipo", "f_divergence_type": "js_divergence"},
    "rpo": {"method": "rpo"},
    "bfpo": {"method": "bfpo"},
    "cpo": {"method": "cpo"},
    "simpo": {"method": "simpo", "use_weighting": True},
    "orpo": {"method": "orpo"},
    "oreo": {"method": "oreo"},
    "step-dpo": {"method": "step-dpo"},
    "spin": {"method": "spin", "iteration_steps": 5, "max_completion_length": 4},
    "multi-sample": {"method": "multi-sample", "loss_type": "mipo"},
    "sft-cot": {"method": "sft-cot", "answer_weight": 2.0},
    "sft-domain": {"method": "sft-domain"},
    "sft-preference": {"method": "sft-preference"},
    "rag-ft": {"method": "rag-ft"},
    "kd-cot": {"method": "kd-cot", "alpha": 0.6},
    "kd-logit": {"method": "kd-logit"},
    "kd-gkd": {"method": "kd-gkd"},
    "kd-minillm": {"method": "kd-minillm", "gamma": 0.5},
    "kd-seq": {"method": "kd-seq", "temperature": 0.5},
    "rft": {"method": "rft"},
    "grpo": {"method": "grpo", "beta": 0.05, "num_iterations": 2},
    "grpo-behind": {"method": "grpo", "rollouts_behind": 1, "advantage": "best_of_group", "kl_estimator": "full", "beta": 0.05},
    "grpo-process": {"method": "grpo-process", "step_separator": "", "center_by_steps": True},
    "dr-grpo": {"method": "dr-grpo"},
    "dapo": {"method": "dapo", "entropy_coef": 0.01, "top_entropy_quantile": 0.5},
    "gspo": {"method": "gspo"},
    "gmpo": {"method": "gmpo"},
    "cispo": {"method": "cispo"},
    "rloo": {"method": "rloo"},
    "reinforce": {"method": "reinforce"},
    "reinforce-critic": {"method": "reinforce", "advantage": "state_value", "gamma": 0.9},
    "reinforce-opo": {"method": "reinforce", "advantage": "length_weighted"},
    "remax": {"method": "remax"},
    "scst": {"method": "scst"},
    "reinforce-plus-plus": {"method": "reinforce-plus-plus"},
    "mrt": {"method": "mrt", "alpha": 0.5},
    "mixer": {"method": "mixer", "xent_steps": 5, "stage_steps": 5, "curriculum_length": 3, "stage_tokens": 1},
    "mixer-annealed": {"method": "mixer", "form": "loss", "xent_steps": 5, "anneal_steps": 10},
    "a2c-a3c": {"method": "a2c-a3c"},
    "a2c-a3c-traces": {"method": "a2c-a3c", "critic_update": "traces", "n_steps": 1, "lam": 0.9},
    "ppo": {"method": "ppo", "kl_target": 0.01, "kl_horizon": 100},
    "seqgan": {"method": "seqgan", "continuations": 2, "discriminator_first": 2},
    "trpo": {"method": "trpo", "value_iterations": 2, "prompts_per_step": 2, "cg_iterations": 3, "fisher_tokens": 16},
}
MORE: dict[str, dict[str, Any]] = {"rpo": {"margin": 2.0}, "bfpo": {"extra": {"chosen_safe": True, "rejected_safe": False}}}
TAUGHT = supervised_builders.METHODS
DRAWN = ("grpo", "grpo-process", "dr-grpo", "dapo", "gspo", "gmpo", "cispo", "rloo", "reinforce", "remax", "scst",
         "reinforce-plus-plus", "mrt", "mixer", "a2c-a3c", "ppo", "trpo", "seqgan")
"""Methods whose loss says little, as it is near 0 on answers of their own: of them the gradient's norm is stored."""
SHOWN = {"kd-minillm": "kd/reverse_kl", "trpo": "trpo/step_norm", "seqgan": "discriminator/loss"}
"""The curve that is stored where the loss is a difference that comes near 0."""
PAIRED = ("rm-bt", "dpo", "kto", "ipo", "rpo", "bfpo", "cpo", "simpo", "orpo", "multi-sample", "oreo")


def marked(count: int) -> list[dict[str, Any]]:
    return [{"prompt": row["prompt"], "completion": row["rejected" if at % 2 else "chosen"], "label": at % 2 == 0}
            for at, row in enumerate(sum_pairs(count))]


def seen(count: int) -> list[dict[str, Any]]:
    return [row | {"extra": {"propensity": 1 / (1 + at % 3)}} for at, row in enumerate(marked(count))]


def steps(count: int) -> list[dict[str, Any]]:
    return [{"prompt": row["prompt"], "completions": ["The sum is", row["rejected" if at % 2 else "chosen"]],
             "labels": [0.75, at % 2 == 0]} for at, row in enumerate(sum_pairs(count))]


def rankings(count: int) -> list[dict[str, Any]]:
    return [{"prompt": row["prompt"], "completions": [row["rejected"], row["chosen"], "0"], "ranks": [2, 1, 2]}
            for row in sum_pairs(count)]


def corrected(count: int) -> list[dict[str, Any]]:
    rows = arithmetic.make(arithmetic.Knobs(train=count, test=1, demonstrations=1))["steps_train"]
    return [row | {"extra": {"correction": row.pop("correction")}} for row in rows]


JUDGED = {
    "step-dpo": (RecordKind.STEPWISE, corrected),
    "rm-pl": (RecordKind.RANKING, rankings), "rm-orm": (RecordKind.UNPAIRED, marked), "rm-prm": (RecordKind.STEPWISE, steps),
    "rm-regression": (RecordKind.UNPAIRED, marked), "rm-ensemble": (RecordKind.PREFERENCE, sum_pairs),
    "rm-implicit": (RecordKind.UNPAIRED, seen)}


def losses(folder: Path, model: Path, name: str) -> list[float]:
    if RUNS[name]["method"] in TAUGHT:
        taught = supervised_builders.given(folder, model, save_steps=0, **({"max_steps": 20} | RUNS[name]))
        del taught.datasets["eval"]
        return list(curve(train(taught), SHOWN.get(name, "loss")).values())
    if RUNS[name]["method"] in DRAWN:
        drawn = online_builders.given(folder, model, **({"max_steps": 20, "rollout_steps": 0, "save_steps": 0} | RUNS[name]))
        drawn = drawn.model_copy(update={"reward": None}) if drawn.method == "seqgan" else drawn
        return list(curve(train(drawn), SHOWN.get(drawn.method, "grad_norm")).values())
    paired = RUNS[name]["method"] in PAIRED
    rows = [row | MORE.get(name, {}) for row in sum_pairs(64)]
    data = (dataset(folder / "data", rows, kind=RecordKind.PREFERENCE) if paired else
            dataset(folder / "data", sums(64)))
    if name in JUDGED:
        kind, make = JUDGED[name]
        data = dataset(folder / "judged", make(64), kind=kind)
    given = spec(folder / "run", model=model, data=data, save_steps=0,
                 **({"max_steps": 20, "per_device_train_batch_size": 8} | RUNS[name]))
    given.models |= {"reward": ModelRef(path=str(model))} if RUNS[name]["method"].startswith("rm-") else {}
    return list(curve(train(given)).values())


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNS)
def test_the_curve_is_the_stored_one(tmp_path: Path, small: Path, name: str) -> None:
    stored = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    assert losses(tmp_path, small, name) == pytest.approx(stored, rel=2e-4)


def store() -> None:
    GOLDEN.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        model = small_model(Path(scratch) / "model")
        for name in RUNS:
            found = [float(f"{loss:.6g}") for loss in losses(Path(scratch) / name, model, name)]
            (GOLDEN / f"{name}.json").write_text(json.dumps(found) + "\n", encoding="utf-8")


if __name__ == "__main__":
    store()

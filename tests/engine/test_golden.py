"""Curves of 20 steps, stored as text: a change that should not alter results shows the same numbers.

Every preset of every method that trains has one, and so have the compositions of `COMBINED`, which no preset makes. Runs are
made from the cards: a new preset without a curve fails, and so does a curve without a preset. A preset runs as it is but for
what must be small (`SET`, `AT_MOST`); presets that are then the same run share it. The loop is turned as `run` turns it, without
its reports, checkpoints and files.

Processors and numbers of threads differ in the last bits, and now and then a bit decides a draw or a step that grows without
bound. So a curve is compared as far as it came out alike when it was stored: from weights moved by `NOISE`, several times, and by
an older processor's instructions (`OLDER`).

To store them anew after a change that should alter them: `python -m tests.engine.test_golden [METHOD ...]`, and say why in the
commit.
"""

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.engine.builders import small_model
from tests.engine.catalogue_specs import cards, smallest
from tests.engine.turns import held_models, turns
from workers.contract.run_spec import ModelKind, ModelRef, RewardPipeline, RewardTerm, RunSpec
from workers.engine.method import config_of, method_of
from workers.engine.modeling import loading
from workers.engine.modeling.reward_heads import declaration
from workers.engine.training.training_state import write_model

GOLDEN = Path(__file__).with_name("golden")
STEPS = 20
SHAPE = {"width": 16, "layers": 1, "inner": 32, "heads": 2, "context_length": 256}
SET: dict[str, Any] = {
    "max_steps": STEPS, "learning_rate": 1e-3, "save_steps": 0, "eval_steps": 0, "eval_limit": 1, "eval_max_new_tokens": 1,
    "rollout_steps": 0, "report_limit": 1}
"""Adapters begin at nothing and a rate of 1e-4 moves nothing in 20 steps; the rest is what a run without held-out rows, shown
answers and checkpoints does not ask."""
OWN: dict[str, dict[str, Any]] = {"oreo": {"step_separator": "1"}, "mixer": {"curriculum_length": 3}}
"""Sums have no lines, so that a digit ends a step; answers of three tokens are all of the curriculum."""
AT_MOST: dict[str, float] = {
    "max_length": 64, "max_completion_length": 3, "prompts_per_step": 2, "num_generations": 3, "updates_per_rollout": 2,
    "num_iterations": 2, "max_generation_batches": 2, "iteration_steps": 5, "ref_model_sync_steps": 5, "xent_steps": 5,
    "stage_steps": 5, "stage_tokens": 1, "anneal_steps": 10, "value_iterations": 2, "cg_iterations": 3, "fisher_tokens": 12,
    "continuations": 2, "discriminator_first": 2}
REWARD = {"terms": [{"name": "plain", "kind": "regex_match", "params": {"pattern": "[ -Z]"}},
                    {"name": "short", "kind": "length", "weight": 0.1, "params": {"mode": "penalty", "limit": 2}}]}
ACCEPTED = 0.8
"""About half of the answers have a plain character, however long."""
BATCH, OWN_BATCH = 4, 16
"""Rows of a step of a data set; answers computed at once where the step is cut otherwise."""
COMBINED: dict[str, tuple[str, dict[str, Any]]] = {
    "packed-dora": ("sft-instruct", {"packing": True, "use_peft": True, "adapter": "dora"}),
    "adalora": ("sft-instruct", {"use_peft": True, "adapter": "adalora"}),
    "prefix": ("sft-instruct", {"use_peft": True, "adapter": "prefix"}),
    "bottleneck": ("sft-instruct", {"use_peft": True, "adapter": "bottleneck"}),
    "last-turn": ("sft-dialogue", {"train_on": "last_assistant"}),
    "answer-weight": ("sft-cot", {"answer_weight": 2.0}),
    "bco-moving": ("dpo", {"loss_type": "bco_pair", "bco_running_mean": True, "rpo_alpha": 0.5, "sync_ref_model": True,
                           "token_weighting": "ld"}),
    "lora-ipo": ("dpo", {"use_peft": True, "loss_type": "ipo"}),
    "js-ipo": ("ipo", {"f_divergence_type": "js_divergence"}),
    "weighted-simpo": ("simpo", {"use_weighting": True}),
    "undesirable": ("kto", {"undesirable_weight": 1.2}),
    "reused": ("grpo", {"beta": 0.05, "num_iterations": 2}),
    "behind-full-kl": ("grpo", {"rollouts_behind": 1, "advantage": "best_of_group", "kl_estimator": "full", "beta": 0.05}),
    "steps-centred": ("grpo-process", {"step_separator": "", "center_by_steps": True}),
    "entropy-tokens": ("dapo", {"entropy_coef": 0.01, "top_entropy_quantile": 0.5}),
    "sharp-risk": ("mrt", {"alpha": 0.5}),
    "one-step-traces": ("a2c-a3c", {"critic_update": "traces", "n_steps": 1, "lam": 0.9}),
    "adaptive-kl": ("ppo", {"kl_target": 0.01, "kl_horizon": 10}),
}
TELL = "tell"
NOISE, SHAKEN = 1e-6, 4
"""How far weights are moved to see what hangs on last bits, and how often."""
OLDER = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}
CLOSE = {"rel": 2e-4, "abs": 2e-6}
CARDS = cards()
CURVES = ("loss", "grad_norm", "critic/grad_norm", "trpo/step_norm", "discriminator/loss")
"""A loss of answers of one's own is a difference near 0 and says little; the gradient's norm says more."""


def runs(slug: str) -> dict[str, dict[str, Any]]:
    """What of the method is run: the settings of each preset, then those of `COMBINED`."""
    combined = {f"+{name}": changes for name, (method, changes) in COMBINED.items() if method == slug}
    return {preset.name: preset.config for preset in CARDS[slug].presets} | combined


def small_config(slug: str, given: dict[str, Any]) -> dict[str, Any]:
    """The settings of the method, every one of them, made small where they must be."""
    config: dict[str, Any] = config_of(method_of(slug), given).model_dump()
    bounds = AT_MOST | {"per_device_train_batch_size": OWN_BATCH if "prompts_per_step" in config else BATCH}
    for name, bound in bounds.items():
        if name in config:
            config[name] = min(config[name], bound)
    config |= {name: value for name, value in (SET | OWN.get(slug, {})).items() if name in config}
    if config["use_peft"] and "max_completion_length" not in config:
        config["learning_rate"] *= 10  # own answers would soon be all alike
    if "accept_at" in config:
        config["accept_at"] = ACCEPTED
        config["temperature"] = config["temperature"] or 1.0  # greedy, a fresh model only repeats the prompt's last mark
    return config


def spec_of(folder: Path, slug: str, config: dict[str, Any]) -> RunSpec:
    """The method's run; `folder` holds the models `model`, `other` and `process`, and takes the data."""
    made = smallest(folder / slug, CARDS[slug], model=folder / "model", other=folder / "other")
    if made.reward is not None:
        made.reward = RewardPipeline.model_validate(REWARD)
    if config.get("steps_from") == "term":
        ref = ModelRef(path=str(folder / "process"), kind=ModelKind.REWARD)
        made.reward = RewardPipeline(terms=[RewardTerm(name="steps", kind="process_reward_model", model=ref)])
    for data in made.datasets.values():
        path = Path(data.path) / f"{data.split}.jsonl"
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        judged = [_judged(row, at, marks=config.get("labels") == "marks") for at, row in enumerate(rows)]
        path.write_text("".join(json.dumps(row) + "\n" for row in judged), encoding="utf-8")
    made.config = small_config(slug, config)
    return made


def _judged(row: dict[str, Any], at: int, *, marks: bool) -> dict[str, Any]:
    """The row with a judge's odds that its chosen answer is the better one; steps marked −1 and 1 where `marks` are read."""
    said = {"labels": [1 if chance > 0.5 else -1 for chance in row["labels"]]} if marks else {}
    return row | said | {"extra": row.get("extra", {}) | {"chosen_chance": 0.6 + 0.1 * (at % 4)}}


def make_models(folder: Path) -> Path:
    """The three models of `spec_of`, in `folder`. Not within `held_models`, which would go on with what was there before the end
    token was made likelier."""
    for seed, name in enumerate(("model", "other")):
        small_model(folder / name, seed, **SHAPE)
        _let_answers_end(folder / name)
    torch.manual_seed(4)
    judge = loading.load_scalar(str(folder / "model"))
    judge.score.weight.data *= 20
    judge.config.update(declaration("process", step_separator="\n"))
    write_model(judge, loading.load_tokenizer(str(folder / "model")), folder / "process")
    return folder


def _let_answers_end(place: Path) -> None:
    """Makes the end token likelier by about e³ behind an answer's first token, so that some of three tokens are the last; else
    every answer would be cut. Behind a prompt's last token it stays as likely as any."""
    module, tokenizer = loading.load_causal(str(place)), loading.load_tokenizer(str(place))
    last = tokenizer.convert_tokens_to_ids(["<|assistant|>", "="])
    with torch.no_grad():
        states = module.model(torch.arange(7, 263)[:, None]).last_hidden_state[:, 0]
        basis, _ = torch.linalg.qr(module.model(torch.tensor(last)[:, None]).last_hidden_state[:, 0].T)
        mean = states.mean(0)
        behind_answers = mean - basis @ (basis.T @ mean)
        module.lm_head.weight[tokenizer.eos_token_id] += 3 * behind_answers / (behind_answers @ mean)
    write_model(module, tokenizer, place)


def curves(spec: RunSpec) -> dict[str, list[float | None]]:
    """What each turn of the run's loop tells."""
    told: dict[str, list[float | None]] = {name: [] for name in CURVES}
    for values in turns(spec, STEPS):
        for name, curve in told.items():
            curve.append(values.get(name))
    return {name: curve for name, curve in told.items() if any(value is not None for value in curve)}


def found(folder: Path, slug: str) -> dict[str, dict[str, list[float | None]]]:
    """The curves of every run of the method; equal runs are made once."""
    made: dict[str, dict[str, list[float | None]]] = {}
    by_name = {}
    for name, changes in runs(slug).items():
        spec = spec_of(folder, slug, changes)
        key = json.dumps(spec.config, sort_keys=True)
        if key not in made:
            made[key] = curves(spec)
        by_name[name] = made[key]
    return by_name


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = make_models(tmp_path_factory.mktemp("golden"))
    with held_models():
        yield folder


def stored(slug: str) -> dict[str, Any]:
    """Of each run its curves, and `steps`, as far as which they are compared."""
    told: dict[str, Any] = json.loads((GOLDEN / f"{slug}.json").read_text(encoding="utf-8"))
    return told


def alike(values: list[float | None], others: list[float | None], close: dict[str, float]) -> int:
    """Turns before the first that differs."""
    pairs = zip(numbers(values), numbers(others), strict=True)
    return next((at for at, (one, other) in enumerate(pairs) if one != pytest.approx(other, **close, nan_ok=True)), STEPS)


def numbers(values: list[float | None]) -> list[float]:
    """A turn that tells nothing as NaN."""
    return [math.nan if value is None else value for value in values]


def test_every_preset_has_a_stored_curve_and_every_stored_curve_a_preset() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(CARDS)
    assert {slug: set(stored(slug)) for slug in CARDS} == {slug: set(runs(slug)) for slug in CARDS}


@pytest.mark.slow
@pytest.mark.parametrize("slug", CARDS)
def test_the_curves_of_a_method_are_the_stored_ones(models: Path, slug: str) -> None:
    now, then = found(models, slug), stored(slug)
    moved = {}
    for name, curves_of in then.items():
        steps = curves_of.pop("steps")
        assert now[name].keys() == curves_of.keys(), name
        for curve, values in curves_of.items():
            if alike(now[name][curve], values, CLOSE) < steps:
                moved[f"{name}: {curve}"] = (now[name][curve], values)
    assert not moved


def firm(one: dict[str, list[float | None]], shaken: list[dict[str, list[float | None]]]) -> int:
    """Turns in which no curve moved by more than half of what a comparison lets pass."""
    half = {name: bound / 2 for name, bound in CLOSE.items()}
    return min(alike(values, other[curve], half) for other in shaken for curve, values in one.items())


def by_older_instructions(slugs: list[str]) -> dict[str, Any]:
    """Each method's curves as a process told not to use what this processor has beyond AVX2 makes them."""
    asked = subprocess.run([sys.executable, "-m", "tests.engine.test_golden", TELL, *slugs], env=os.environ | OLDER, check=True,
                           stdout=subprocess.PIPE)
    told: dict[str, Any] = json.loads(asked.stdout.splitlines()[-1])
    return told


def tell(slugs: list[str]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = make_models(Path(scratch))
        with held_models():
            told = {slug: found(folder, slug) for slug in slugs}
        print(json.dumps(told))  # noqa: T201 - the answer to `by_older_instructions`


def store(slugs: list[str]) -> None:
    """One line a curve, five digits a number."""
    GOLDEN.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = make_models(Path(scratch))
        older = by_older_instructions(slugs)
        for slug in slugs:
            with held_models():
                plain = found(folder, slug)
            shaken = [older[slug]]
            for seed in range(SHAKEN):
                with held_models((NOISE, seed)):
                    shaken.append(found(folder, slug))
            lines = []
            for name, curves_of in plain.items():
                rounded = {curve: [None if value is None else float(f"{value:.5g}") for value in values]
                           for curve, values in curves_of.items()}
                told = {"steps": firm(curves_of, [other[name] for other in shaken])} | rounded
                said = ",\n  ".join(f"{json.dumps(curve)}: {json.dumps(values)}" for curve, values in told.items())
                lines.append(f" {json.dumps(name)}: {{\n  {said}}}")
            (GOLDEN / f"{slug}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    torch.set_num_threads(1)
    if sys.argv[1:2] == [TELL]:
        tell(sys.argv[2:])
    else:
        store(sys.argv[1:] or list(CARDS))

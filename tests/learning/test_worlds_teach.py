"""What the worlds are for: exact credit beats sparse credit on the lock, and a proxy outruns the gold where nothing holds it."""

from typing import Any

import numpy as np
import pytest

from tests.engine.builders import curve
from tests.learning.laboratory import QUIET, Tell, ends, fresh, rows, run, warm
from workers.engine.worlds import chain

pytestmark = [pytest.mark.learn, pytest.mark.timeout(1800)]

CHAIN: dict[str, Any] = {"steps": 3, "modulus": 5, "misconceived": 0.25, "train": 3000, "test": 20}
LOCK: dict[str, Any] = {"slots": 4, "length": 12, "keys": 8, "right": 0.5, "decoy": 0.4, "train": 2000, "test": 60}
GOODHART: dict[str, Any] = {"train": 2000, "test": 100, "pairs": 1500}
GOLD = {"name": "gold", "kind": "world"}
ONLINE: dict[str, Any] = {
    "prompts_per_step": 24, "num_generations": 8, "per_device_train_batch_size": 512, "lr_scheduler_type": "constant",
    "warmup_ratio": 0.0, "rollout_steps": 0, **QUIET}
ARMS: dict[str, dict[str, Any]] = {
    "sparse": {"advantage": "group_centred"},
    "exact": {"credit": "step_rewards", "advantage": "immediate"},
}
SEEDS = (0, 1, 2)


@pytest.mark.parametrize("method", ["grpo", "grpo-process"])
def test_workings_come_out_right_more_often(method: str, tell: Tell) -> None:
    """What the warmed-up model can do is known from the demonstrations' faults; process supervision reads the lines' credit."""
    start = warm("chain", CHAIN, 800)
    steps: dict[str, Any] = {"steps_from": "term"} if method == "grpo-process" else {}
    begun, gained = [], []
    for seed in SEEDS:
        _, events = run(method, start, {"train": rows("chain", CHAIN, "problems")}, reward={"terms": [GOLD]}, seed=seed,
                        **ONLINE, **steps, max_completion_length=22, max_steps=60, learning_rate=2e-4)
        first, last = ends(events, "reward")
        begun.append(curve(events, "reward")[1])
        gained.append(last - first)
    tell(f"{method} on chain: success of {known_success():.3f} by the demonstrations' faults, seen at first", begun)
    low, _ = tell(f"{method} on chain: success gained", gained)
    assert np.mean(begun) == pytest.approx(known_success(), abs=0.1)
    assert low > 0.1


def known_success() -> float:
    knobs = chain.Knobs(**CHAIN)
    asked = [chain.read_prompt(row["prompt"]) for row in chain.make(knobs)["problems_train"]]
    return float(np.mean([chain.values(knobs, each)[0][each[0]] for each in asked]))


def test_exact_credit_beats_sparse_credit_on_the_lock(tell: Tell) -> None:
    """Same warm-up, prompts, sampling seeds and learning rate; both sum an answer's tokens and divide by the batch.

    The rate is the one that suits sparse credit, which unlearns at three times as much. Speed is the mean success over the steps.
    """
    start = warm("lock", LOCK, 600, batch=48)
    speed: dict[str, list[float]] = {}
    for name, arm in ARMS.items():
        for seed in SEEDS:
            _, events = run("grpo", start, {"train": rows("lock", LOCK, "problems")}, reward={"terms": [GOLD]}, seed=seed,
                            **ONLINE, **arm, max_completion_length=14, max_steps=40, learning_rate=3e-4,
                            reduction="seq_mean_token_sum")
            speed.setdefault(name, []).append(float(np.mean(list(curve(events, "reward").values()))))
        tell(f"lock: mean success over 40 steps, {name} credit", speed[name])
    low, _ = tell("lock: exact less sparse", [one - other for one, other in zip(speed["exact"], speed["sparse"], strict=True)])
    assert low > 0


def test_the_proxy_outruns_the_gold_without_kl_and_less_with_it(tell: Tell) -> None:
    """A reward model of biased judges' pairs is climbed; the gold is only looked at, at weight 0."""
    start = warm("goodhart", GOODHART, 200)
    proxy, _ = run("rm-bt", fresh(), {"train": rows("goodhart", GOODHART, "pairs")}, max_steps=150,
                   learning_rate=2e-3, per_device_train_batch_size=32, max_length=64, **QUIET)
    climbed = {"name": "proxy", "kind": "reward_model", "model": {"path": str(proxy), "kind": "reward"}}
    reward = {"terms": [climbed, GOLD | {"weight": 0.0}]}
    gained: dict[tuple[str, float], list[float]] = {}
    for beta in (0.0, 0.1):
        for seed in SEEDS:
            _, events = run("grpo", start, {"train": rows("goodhart", GOODHART, "prompts")}, reward=reward, seed=seed,
                            **(ONLINE | {"prompts_per_step": 12}), max_completion_length=24, max_steps=40,
                            learning_rate=1e-3, beta=beta)
            for name in ("proxy", "gold"):
                first, last = ends(events, f"rewards/{name}/mean", 3)
                gained.setdefault((name, beta), []).append(last - first)
    found = {arm: tell(f"goodhart: {arm[0]} gained, β = {arm[1]:g}", values) for arm, values in gained.items()}
    assert found["proxy", 0.0][0] > 0
    assert found["gold", 0.0][1] < 0
    saved = [held - free for held, free in zip(gained["gold", 0.1], gained["gold", 0.0], strict=True)]
    low, _ = tell("goodhart: gold with KL less without", saved)
    assert low > 0

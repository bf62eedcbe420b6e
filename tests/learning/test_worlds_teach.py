"""What the worlds are for: exact credit beats sparse credit on the lock, and a proxy outruns the gold where nothing holds it."""

from typing import Any

import numpy as np
import pytest

from tests.engine.builders import curve
from tests.learning.laboratory import QUIET, fresh, last, rows, run, tell, warm

pytestmark = [pytest.mark.learn, pytest.mark.timeout(1800)]

LOCK: dict[str, Any] = {"slots": 4, "length": 12, "keys": 8, "right": 0.6, "decoy": 0.3, "train": 2000, "test": 60}
GOODHART: dict[str, Any] = {"train": 2000, "test": 100, "pairs": 1500}
GOLD = {"name": "gold", "kind": "world"}
ONLINE: dict[str, Any] = {
    "prompts_per_step": 24, "num_generations": 8, "max_completion_length": 14, "per_device_train_batch_size": 512,
    "lr_scheduler_type": "constant", "warmup_ratio": 0.0, "rollout_steps": 0, **QUIET}
ARMS: dict[str, dict[str, Any]] = {
    "sparse": {"advantage": "group_centred"},
    "exact": {"credit": "step_rewards", "advantage": "immediate"},
}
SEEDS = (0, 1, 2)


def test_exact_credit_beats_sparse_credit_on_the_lock() -> None:
    """Same warm-up, prompts and sampling seeds; both sum an answer's tokens and divide by the batch, so that only credit differs.

    Sparse at 3e-4 (at 1e-3 it unlearns), exact at 5e-4. Learning speed is the mean success over forty steps.
    """
    start = warm("lock", LOCK, 600, batch=48)
    speed: dict[str, list[float]] = {}
    for name, arm in ARMS.items():
        rate = 3e-4 if name == "sparse" else 5e-4
        for seed in SEEDS:
            _, events = run("grpo", start, {"train": rows("lock", LOCK, "problems")}, reward={"terms": [GOLD]}, seed=seed,
                            **ONLINE, **arm, max_steps=40, learning_rate=rate, reduction="seq_mean_token_sum")
            speed.setdefault(name, []).append(float(np.mean(list(curve(events, "reward").values()))))
        tell(f"mean success over 40 steps, {name} credit", speed[name])
    low, _ = tell("exact less sparse", [one - other for one, other in zip(speed["exact"], speed["sparse"], strict=True)])
    assert low > 0


def test_the_proxy_outruns_the_gold_without_kl_and_less_with_it() -> None:
    """A reward model of biased judges' pairs is climbed; the gold is only looked at, at weight 0."""
    start = warm("goodhart", GOODHART, 200)
    proxy, _ = run("rm-bt", fresh(), {"train": rows("goodhart", GOODHART, "pairs")}, max_steps=150,
                   learning_rate=2e-3, per_device_train_batch_size=32, max_length=64, **QUIET)
    climbed = {"name": "proxy", "kind": "reward_model", "model": {"path": str(proxy), "kind": "reward"}}
    reward = {"terms": [climbed, GOLD | {"weight": 0.0}]}
    ends: dict[float, list[float]] = {}
    for beta in (0.0, 0.1):
        for seed in SEEDS:
            _, events = run("grpo", start, {"train": rows("goodhart", GOODHART, "prompts")}, reward=reward, seed=seed,
                            **(ONLINE | {"max_completion_length": 24, "prompts_per_step": 12}), max_steps=40, learning_rate=1e-3,
                            beta=beta)
            proxies, golds = (list(curve(events, f"rewards/{name}/mean").values()) for name in ("proxy", "gold"))
            assert np.mean(proxies[-5:]) > proxies[0]
            ends.setdefault(beta, []).append(last(events, "rewards/gold/mean") - max(golds))
        tell(f"gold at the end less its best, β = {beta:g}", ends[beta])
    _, high = tell("without KL less with it", [one - other for one, other in zip(ends[0.0], ends[0.1], strict=True)])
    assert high < 0

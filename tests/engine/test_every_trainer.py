"""What every method that trains owes: equal specs give equal bits, kill -9 loses none, the micro-batches' cut changes nothing.

Specs are made from the cards, so that a new method is asked as soon as it is there. `make test` asks one method of each
kind of trainer, `make learn` all of them.
"""

import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.engine.builders import events, of_type, small_model, train
from tests.engine.catalogue_specs import cards, smallest
from workers.contract.events import EventBase, ProgressEvent
from workers.contract.run_spec import RunSpec
from workers.engine.events import EventLog

KINDS_OF_TRAINER = ("sft-instruct", "kd-gkd", "dpo", "kto", "rm-bt", "grpo", "ppo", "reinforce")
CLOCK = {"step_time"}
CARDS = cards()
EVERY = [pytest.param(slug, marks=() if slug in KINDS_OF_TRAINER else pytest.mark.learn) for slug in CARDS]


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_model(tmp_path_factory.mktemp("other"), seed=1)


def curves(found: list[Any]) -> dict[int, dict[str, float]]:
    """Every number by its step, but those of the clock."""
    told: dict[int, dict[str, float]] = {}
    for event in of_type(found, "metrics"):
        told.setdefault(event.step, {}).update({name: value for name, value in event.values.items() if name not in CLOCK})
    return told


def killed(given: RunSpec, step: int) -> None:
    """Runs the spec in a fork that kills itself as the log takes that step, before its checkpoint is written."""
    pid = os.fork()
    if pid == 0:
        whole = EventLog.write

        def write(log: EventLog, event: EventBase) -> None:
            whole(log, event)
            if isinstance(event, ProgressEvent) and event.step == step:
                os.kill(os.getpid(), signal.SIGKILL)

        EventLog.write = write  # type: ignore[method-assign,assignment]
        try:
            train(given)
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


def same_bits(one: Path, other: Path) -> None:
    """Last checkpoints and final models hold the same tensors."""
    for place in ("checkpoints/step-00000003", "final"):
        files = sorted((one / place).rglob("*.safetensors"))
        assert files
        for path in files:
            assert path.read_bytes() == (other / path.relative_to(one)).read_bytes(), path.relative_to(one)


@pytest.mark.slow
@pytest.mark.parametrize("slug", EVERY)
def test_killed_anywhere_and_resumed_it_equals_the_straight_run_to_the_bit(
    tmp_path: Path, small: Path, other: Path, slug: str
) -> None:
    card, step = CARDS[slug], 1 + sorted(CARDS).index(slug) % 3
    straight = train(smallest(tmp_path, card, model=small, other=other, name="straight"))
    cut = smallest(tmp_path, card, model=small, other=other, name="cut")
    killed(cut, step)
    begun = curves(events(tmp_path / "cut"))
    assert {at: values for at, values in begun.items() if at > 0} == {
        at: values for at, values in curves(straight).items() if 0 < at <= step}
    places = sorted((tmp_path / "cut" / "checkpoints").glob("step-*"))
    assert len(places) == step - 1
    on = train(cut.model_copy(update={"resume_from": str(places[-1]) if places else None}))
    assert curves(on) == curves(straight)
    same_bits(tmp_path / "straight", tmp_path / "cut")
    # The events alone give every curve: all numbers of the run are on the card, and the last ones are its summary.
    drawn = {name for values in curves(straight).values() for name in values} | CLOCK
    known = [re.compile(re.escape(info.name).replace(r"\{term\}", "[a-z0-9_]+") + "$") for info in card.metrics]
    assert not [name for name in drawn if not any(each.match(name) for each in known)]
    last: dict[str, float] = {}
    for values in curves(straight).values():
        last |= values
    summary = {name: value for name, value in straight[-1].summary.items() if name not in CLOCK}
    assert summary.items() <= last.items()


@pytest.mark.slow
@pytest.mark.parametrize("slug", EVERY)
def test_any_cut_into_micro_batches_gives_the_same_curve(tmp_path: Path, small: Path, other: Path, slug: str) -> None:
    """The whole step at once, and one sample, pair or group at a time."""
    card = CARDS[slug]
    accumulates = "gradient_accumulation_steps" in card.config_schema["properties"]
    cuts: list[dict[str, Any]] = [
        {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 1} if accumulates else {},
        {"per_device_train_batch_size": 1, "gradient_accumulation_steps": 4 if accumulates else 1}]
    whole, pieces = (curves(train(smallest(tmp_path, card, model=small, other=other, name=f"cut-{index}", save_steps=0, **cut)))
                     for index, cut in enumerate(cuts))
    assert whole.keys() == pieces.keys()
    for step, values in whole.items():
        for name in values.keys() & {"loss", "grad_norm", "loss/policy_avg", "loss/value_avg", "critic/grad_norm"}:
            assert pieces[step][name] == pytest.approx(values[name], rel=2e-5, abs=1e-5), (step, name)

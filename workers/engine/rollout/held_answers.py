"""Answers one step behind: a step trains on what the policy of the step before wrote, while the next is being written.

In one process on one machine the writing waits its turn, so that nothing is won yet in time; what is here is what makes it
sound: the answers wait in checkpoints too, and their distance to the policy is weighed off (`off_policy`). The first step
draws twice, with the policy as it starts.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from workers.contract.records import Record
from workers.engine.sample import Sample


class HeldAnswers:
    """The answers that the next step will train on; a `composition.Stateful`."""

    def __init__(self) -> None:
        self._held: list[Sample] = []

    def swap(self, draw: Callable[[], list[Sample]]) -> list[Sample]:
        """Holds what is drawn now and gives what was held."""
        ready = self._held or draw()
        self._held = draw()
        return ready

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        held = self._held
        if not held:
            return {}, {"answers": []}
        tensors = {"ids": torch.cat([sample.ids for sample in held]), "mask": torch.cat([sample.mask for sample in held]),
                   "lengths": torch.tensor([len(sample) for sample in held])}
        tensors |= {f"channel.{name}": torch.cat([sample.channels[name] for sample in held]) for name in held[0].channels}
        return tensors, {"answers": [_said(sample) for sample in held]}

    def restore(self, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
        if not values["answers"]:
            self._held = []
            return
        lengths = tensors["lengths"].tolist()
        rows = {name: tensor.split(lengths) for name, tensor in tensors.items() if name != "lengths"}
        self._held = [_sample(index, said, rows) for index, said in enumerate(values["answers"])]


def _said(sample: Sample) -> dict[str, Any]:
    return {"prompt_length": sample.prompt_length, "row": sample.row, "group": sample.group, "scalars": sample.scalars,
            "reward": sample.reward, "terms": sample.terms, "text": sample.text, "truncated": sample.truncated,
            "record": None if sample.record is None else sample.record.model_dump(mode="json")}


def _sample(index: int, said: dict[str, Any], rows: dict[str, Sequence[Tensor]]) -> Sample:
    channels = {name.removeprefix("channel."): parts[index].clone() for name, parts in rows.items()
                if name.startswith("channel.")}
    record = None if said["record"] is None else Record.model_validate(said["record"])
    return Sample(ids=rows["ids"][index].clone(), mask=rows["mask"][index].clone(), channels=channels,
                  **(said | {"record": record}))

"""What people want of a run, told to its engine: the `desired` column and the ordered control messages (D5)."""

import orjson

from runs.launches.models import Run
from runs.launches.services import Fenced, take_controls
from runs.leases import Desired
from workers.agent.engine_process import EngineProcess
from workers.contract.control import Pause, Resume, SetField, Stop


class Wishes:
    """`deliver` reads the row and tells the engine what is new; `cancelled` is True once a cancel was asked for."""

    def __init__(self, run_id: str, attempt: int, engine: EngineProcess) -> None:
        self._run_id = run_id
        self._attempt = attempt
        self._engine = engine
        self._told: str = Desired.RUN
        self.cancelled = False

    def deliver(self) -> None:
        """Raises Fenced."""
        attempt, desired = Run.objects.values_list("attempt", "desired").get(id=self._run_id)
        if attempt != self._attempt:
            raise Fenced(f"Attempt {attempt} holds {self._run_id} now.")
        for body in take_controls(self._run_id, self._attempt):
            self._engine.tell(orjson.dumps(body))
        if desired != self._told:
            self._tell(desired)
            self._told = desired

    def _tell(self, desired: str) -> None:
        if desired == Desired.PAUSE:
            self._engine.tell(Pause())
        elif desired == Desired.RUN:
            self._engine.tell(Resume())
        elif desired == Desired.CANCEL:
            self.cancelled = True
            self._engine.tell(Stop(checkpoint=False))

    def restore_live(self, run: Run, frozen: dict[str, float | None]) -> None:
        """Tells a new attempt the values that were changed while earlier ones ran."""
        for field, value in run.live.items():
            if value is not None and value != frozen.get(field):
                self._engine.tell(SetField(field=field, value=value, by="lodestar"))

"""The engine's process: started in its own group, told things through a pipe, and never left behind."""

import ctypes
import shlex
import signal
import subprocess
import sys
from pathlib import Path

from django.conf import settings
from pydantic import BaseModel

from workers.agent.processes import ProcessMark, child_environment, end_group, mark_of, signal_group
from workers.contract.chat import SOCKET_VARIABLE

LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1
SECRETS = ("LODESTAR_SECRET_KEY", "LODESTAR_DATABASE_URL", "LODESTAR_REDIS_URL")
"""What the engine has no business to know."""


def engine_command() -> list[str]:
    """LODESTAR_ENGINE_COMMAND, with which a site wraps the engine (numactl, a container), else this Python's own."""
    return shlex.split(settings.ENGINE_COMMAND) or [sys.executable, "-m", "workers.engine"]


def die_with_parent() -> None:
    """In the child, between fork and exec: the kernel kills it when the thread that started it is gone."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class EngineProcess:
    """Writes what the engine prints to `directory`/engine.log. `chat_fd` is its end of the line for chats."""

    def __init__(self, spec_path: Path, *, run_id: str, attempt: int, devices: list[int], chat_fd: int) -> None:
        directory = spec_path.parent
        environment = {key: value for key, value in child_environment().items() if key not in SECRETS}
        environment |= {"LODESTAR_RUN_ID": run_id, "LODESTAR_ATTEMPT": str(attempt)}
        environment |= {SOCKET_VARIABLE: str(chat_fd)}
        environment |= {"CUDA_VISIBLE_DEVICES": ",".join(map(str, devices)), "PYTHONUNBUFFERED": "1"}
        with (directory / "engine.log").open("ab") as log:
            self._popen = subprocess.Popen(
                [*engine_command(), str(spec_path), "--supervised"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=directory,
                env=environment,
                start_new_session=True,
                pass_fds=(chat_fd,),
                preexec_fn=die_with_parent,  # noqa: PLW1509 # only calls prctl, which a fork beside threads may
            )
        self.mark: ProcessMark = mark_of(self._popen.pid)

    def tell(self, message: BaseModel | bytes) -> None:
        """One control line. An engine that is gone by now is not an error; its end is found by `exit_code`."""
        line = message if isinstance(message, bytes) else message.model_dump_json().encode()
        try:
            assert self._popen.stdin is not None
            self._popen.stdin.write(line + b"\n")
            self._popen.stdin.flush()
        except BrokenPipeError:
            return

    def exit_code(self) -> int | None:
        """None while it runs; negative for a signal."""
        return self._popen.poll()

    def ask_to_leave(self) -> None:
        """SIGTERM: checkpoint and leave."""
        if self.exit_code() is None:
            signal_group(self.mark.pid, signal.SIGTERM)

    def end(self, *, grace_seconds: float = 0.0) -> None:
        """Ends the engine and whatever it started; returns when nothing of it runs."""
        end_group(self.mark, grace_seconds=grace_seconds)
        self._popen.wait()

"""Supervisor (the package) as a child of ours: it starts the programs, starts again what dies, and stops them in turn."""

import os
import signal
import subprocess
import sys
import xmlrpc.client
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from lodestar.up.leftovers import MARK
from lodestar.up.programs import control_socket, write_configuration

STOP_SECONDS = 50


class Supervisor:
    """`mark` goes into the environment of everything it starts, so that nothing of it can hide."""

    def __init__(self, folder: Path, *, mark: str, environment: dict[str, str]) -> None:
        configuration = write_configuration(folder)
        python = [sys.executable, "-m"]
        command = [*python, "lodestar.tether", *python, "supervisor.supervisord", "-c", str(configuration)]
        self.process = subprocess.Popen(
            command,
            env={**os.environ, **environment, MARK: mark},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(folder.parent / "logs" / "up.err.log").open("w"),
            start_new_session=True,
        )

    def states(self) -> dict[str, str]:
        """Each program's state in supervisor's words (RUNNING, BACKOFF, FATAL …); empty while it does not answer."""
        transport = SupervisorTransport(None, None, serverurl=f"unix://{control_socket()}")
        proxy: Any = xmlrpc.client.ServerProxy("http://localhost", transport=transport)
        try:
            return {info["name"]: info["statename"] for info in proxy.supervisor.getAllProcessInfo()}
        except (OSError, xmlrpc.client.Error):
            return {}

    def gone(self) -> bool:
        return self.process.poll() is not None

    def stop(self) -> None:
        """Stops the programs in turn and waits; each has its own time before it is killed."""
        if not self.gone():
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

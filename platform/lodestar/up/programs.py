"""What runs, as supervisor's configuration: started in order, started again when it dies, stopped in turn."""

import shlex
import sys
from configparser import RawConfigParser
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from django.conf import settings

from lodestar.redis_address import embedded_socket
from lodestar.up.redis_server import redis_command


class Program(NamedTuple):
    """`stop_seconds`: how long it may take to leave before it is killed; a worker lets runs write checkpoints."""

    name: str
    command: list[str]
    stop_seconds: int


def programs() -> list[Program]:
    """In the order they start; they stop the other way round. A shared Redis is somebody else's to run."""
    ours = [sys.executable, "-m", "lodestar"]
    listed = [Program("web", [*ours, "web"], 10), Program("worker", [*ours, "worker"], 30)]
    return listed if settings.ENVIRONMENT.redis_url else [Program("redis", redis_command(), 5), *listed]


def control_socket() -> Path:
    """Where supervisor listens; beside the Redis socket, whose path is known to be short enough."""
    return embedded_socket(settings.HOME).with_name("up.sock")


def write_configuration(folder: Path) -> Path:
    """Writes supervisor's file into `folder`; returns its path."""
    parser = RawConfigParser()
    socket = control_socket()
    socket.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    logs = settings.HOME / "logs"
    logs.mkdir(exist_ok=True)
    parser["unix_http_server"] = {"file": str(socket), "chmod": "0700"}
    parser["supervisord"] = {
        "nodaemon": "true",
        "silent": "true",
        "logfile": str(logs / "up.log"),
        "pidfile": str(folder / "supervisord.pid"),
        "childlogdir": str(logs),
    }
    parser["rpcinterface:supervisor"] = {
        "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
    }
    for place, program in enumerate(programs()):
        parser[f"program:{program.name}"] = _section(program, place, logs)
    text = StringIO()
    parser.write(text)
    path = folder / "supervisord.conf"
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


def _section(program: Program, place: int, logs: Path) -> dict[str, str]:
    command = shlex.join([sys.executable, "-m", "lodestar.tether", *program.command])
    return {
        "command": command.replace("%", "%%"),
        "directory": str(settings.ROOT).replace("%", "%%"),
        "priority": str(place),
        "autorestart": "true",
        "startsecs": "1",
        "startretries": "5",
        "stopsignal": "TERM",
        "stopwaitsecs": str(program.stop_seconds),
        "redirect_stderr": "true",
        "stdout_logfile": str(logs / f"{program.name}.log").replace("%", "%%"),
        "stdout_logfile_maxbytes": "20MB",
        "stdout_logfile_backups": "3",
    }

"""The parts of `lodestar up`, each by itself."""

import socket
import sqlite3
import stat
from configparser import RawConfigParser
from pathlib import Path

import pytest

from lodestar.up import checks, programs
from lodestar.up.backups import RestoreRefused, back_up, put_back
from lodestar.up.database import integrity_faults
from lodestar.up.redis_server import redis_command
from lodestar.up.state_lock import Held, state_lock


@pytest.fixture
def home(tmp_path: Path, settings) -> Path:
    state = tmp_path / "state"
    state.mkdir()
    settings.HOME = state
    return state


def test_one_server_at_a_time_holds_a_state_directory(tmp_path):
    with state_lock(tmp_path, "http://x"), pytest.raises(Held, match="http://x process"), state_lock(tmp_path):
        pass


def test_a_server_that_did_not_end_well_is_known_to_the_next(tmp_path):
    with state_lock(tmp_path) as unclean:
        assert not unclean
    with state_lock(tmp_path) as unclean:
        assert not unclean
        (tmp_path / "kept").touch()
    (tmp_path / "running").touch()  # as a killed server leaves it
    with state_lock(tmp_path) as unclean:
        assert unclean


def test_a_taken_port_is_named_with_the_variable_that_moves_it(settings):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings.PORT = taken.getsockname()[1]
        finding = checks.port()
    assert finding.level == "fault"
    assert str(settings.PORT) in finding.message
    assert "LODESTAR_PORT" in finding.message


def test_the_doctor_asks_the_engine_about_peoples_own_python(settings):
    settings.ENVIRONMENT = settings.ENVIRONMENT.model_copy(update={"reward_code": "off"})
    finding = checks.reward_code()
    assert finding.level == "note"
    assert "LODESTAR_REWARD_CODE=off" in finding.message


def test_a_damaged_database_is_seen(tmp_path):
    path = tmp_path / "db.sqlite3"
    with sqlite3.connect(path) as opened:
        opened.execute("CREATE TABLE t (x TEXT)")
        opened.executemany("INSERT INTO t VALUES (?)", [("y" * 500,)] * 200)
    opened.close()
    assert integrity_faults(str(path)) == []
    torn = bytearray(path.read_bytes())
    torn[8192:12288] = b"\xff" * 4096
    path.write_bytes(torn)
    assert integrity_faults(str(path)) != []


def test_redis_opens_to_its_owner_alone_and_listens_on_no_port(home):
    command = redis_command()
    assert command[command.index("--port") + 1] == "0"
    assert command[command.index("--unixsocketperm") + 1] == "700"
    assert stat.S_IMODE(Path(command[command.index("--unixsocket") + 1]).parent.stat().st_mode) == 0o700


def test_redis_starts_before_what_needs_it_and_each_program_is_started_again(home):
    parser = RawConfigParser()
    parser.read(programs.write_configuration(home))
    found = {name.split(":")[1]: parser[name] for name in parser.sections() if name.startswith("program:")}
    assert sorted(found, key=lambda name: int(found[name]["priority"])) == ["redis", "web", "worker"]
    assert {section["autorestart"] for section in found.values()} == {"true"}


def test_a_shared_redis_is_not_started_here(home, settings):
    settings.ENVIRONMENT = settings.ENVIRONMENT.model_copy(update={"redis_url": "redis://elsewhere:6379/0"})
    assert [program.name for program in programs.programs()] == ["web", "worker"]


def test_a_backup_comes_back_into_an_empty_directory_only(home, tmp_path, settings):
    with sqlite3.connect(home / "db.sqlite3") as opened:
        opened.execute("CREATE TABLE t (x TEXT)")
        opened.execute("INSERT INTO t VALUES ('kept')")
    opened.close()
    (home / "models" / "mdl_x").mkdir(parents=True)
    (home / "models" / "mdl_x" / "weights").write_text("w")
    back_up(tmp_path / "backup")
    with pytest.raises(RestoreRefused, match="holds data already"):
        put_back(tmp_path / "backup")
    settings.HOME = tmp_path / "new"
    settings.HOME.mkdir()
    put_back(tmp_path / "backup")
    with sqlite3.connect(settings.HOME / "db.sqlite3") as opened:
        assert opened.execute("SELECT x FROM t").fetchall() == [("kept",)]
    opened.close()
    assert (settings.HOME / "models" / "mdl_x" / "weights").read_text() == "w"

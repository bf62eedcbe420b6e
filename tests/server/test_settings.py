"""Settings come from the environment, are checked before anything starts, and stand in the documents."""

import os
import pickle
import re
import stat
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import pytest
from django.core.cache.backends.redis import RedisCache
from redis import Redis

from lodestar import settings
from lodestar.environment import ROOT, Environment, make_home
from lodestar.logs import without_secrets
from lodestar.redis_address import embedded_socket
from runs.accounts import limits

VARIABLE = re.compile(r"LODESTAR_[A-Z][A-Z_]*[A-Z]")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "99999", "less than or equal to 65535"),
        ("PORT", "web", "valid integer"),
        ("DATABASE_URL", "mysql://x/y", "no Postgres address"),
        ("REDIS_URL", "localhost:6379", "no Redis address"),
        ("SECRET_KEY", "short", "at least 32"),
        ("TRUSTED_ORIGINS", "lodestar.example.org", "no origin"),
        ("PUBLIC_URL", "lodestar.example.org", "no address"),
        ("LEASE_SECONDS", "1", "greater than or equal to 3"),
    ],
)
def test_a_value_that_cannot_be_used_stops_the_start_and_is_named(tmp_path, name, value, said):
    environment = os.environ | {"LODESTAR_HOME": str(tmp_path), f"LODESTAR_{name}": value}
    ended = subprocess.run(
        [sys.executable, "-m", "lodestar", "migrate"], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert f"LODESTAR_{name}" in ended.stderr
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("place", ["/proc/lodestar", "a file", "a file/below"])
def test_a_state_directory_that_cannot_be_written_stops_the_start_in_one_line(tmp_path, place):
    (tmp_path / "a file").touch()
    with pytest.raises(SystemExit) as ended:
        make_home(tmp_path / place)
    assert re.fullmatch(r"LODESTAR_HOME: \S.* cannot be written to \(.+\)\. Set it to a directory .*\.", str(ended.value))


def test_a_state_directory_of_somebody_else_is_told_so(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(SystemExit, match="Permission denied"):
        make_home(tmp_path)


def test_an_empty_variable_counts_as_not_set(monkeypatch):
    monkeypatch.setenv("LODESTAR_PORT", "")
    assert Environment().port == 8000


def test_lists_are_separated_by_commas(monkeypatch):
    monkeypatch.setenv("LODESTAR_ALLOWED_HOSTS", "a.example.org, b.example.org")
    assert Environment().allowed_hosts == ["a.example.org", "b.example.org"]


def test_every_setting_stands_in_the_operations_page():
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `LODESTAR_(\w+)` \|[^|]*\| (.*) \|$", page, re.MULTILINE))
    assert rows == {name.upper(): field.description for name, field in Environment.model_fields.items()}


def test_every_variable_the_code_names_is_in_the_operations_page_and_the_other_way_round():
    sources = ["platform", "runs", "workers", "docker", "frontend/package.json", "frontend/vite.config.ts", ".ci", "Makefile"]
    files = subprocess.check_output(["git", "ls-files", "-z", *sources, "docs/*.py"], cwd=ROOT, text=True).split("\0")
    named = {name for file in files if file for name in VARIABLE.findall((ROOT / file).read_text(encoding="utf-8"))}
    told = set(VARIABLE.findall((ROOT / "docs" / "operations.md").read_text(encoding="utf-8")))
    assert named | {f"LODESTAR_{name.upper()}" for name in Environment.model_fields} == told


@pytest.mark.slow
def test_the_key_that_signs_sessions_is_made_once_and_only_its_owner_reads_it(tmp_path):
    environment = {**os.environ, "LODESTAR_HOME": str(tmp_path)}
    command = [sys.executable, "-c", "from django.conf import settings; print(settings.SECRET_KEY)"]
    keys = {subprocess.check_output(command, env=environment, cwd=ROOT, text=True) for _ in range(2)}
    assert len(keys) == 1
    assert len(keys.pop()) > 50
    assert stat.S_IMODE((tmp_path / "secret-key").stat().st_mode) == 0o600


def test_a_long_state_directory_gets_a_short_socket_of_its_own():
    long, other = Path("/srv") / ("x" * 120), Path("/srv") / ("y" * 120)
    assert embedded_socket(Path("/srv/lodestar")) == Path("/srv/lodestar/redis/redis.sock")
    assert len(str(embedded_socket(long))) < 100
    assert embedded_socket(long) != embedded_socket(other)


def test_secrets_do_not_reach_the_log():
    token = "lds_" + "a" * 52
    event = without_secrets(
        None, "", {"event": f"used {token}", "password": "x", "headers": {"Authorization": token}, "url": "redis://u:p@h/0"}
    )
    assert token not in str(event)
    assert event["password"] == "[removed]"
    assert event["url"] == "redis://[removed]@h/0"


class Gift:
    """Runs code when it is unpickled."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self):
        return (Path.touch, (self.place,))


def test_what_stands_in_redis_runs_no_code(tmp_path, redis_server):
    """Whoever may write to a shared Redis must not thereby own the web server."""
    [options] = [cache["OPTIONS"] for cache in settings.CACHES.values()]
    kept = RedisCache(redis_server.url, {"OPTIONS": options})
    key = kept.make_and_validate_key("gift")
    Redis.from_url(redis_server.url).set(key, pickle.dumps(Gift(tmp_path / "opened")))
    with pytest.raises(UnicodeDecodeError):
        kept.get("gift")
    assert not (tmp_path / "opened").exists()
    kept.set("count", 1)
    assert kept.incr("count") == 2
    kept.set("words", {"a": [1, None]})
    assert kept.get("words") == {"a": [1, None]}


def test_a_limit_that_somebody_else_wrote_over_does_not_stop_the_server(redis_server):
    kept = RedisCache(redis_server.url, {"OPTIONS": {"serializer": "lodestar.plain_cache.JsonSerializer"}})
    with patch.object(limits, "cache", kept):
        kept.set(limits.TOKEN_FAILURES._key("1.2.3.4"), {"no": "number"})
        limits.TOKEN_FAILURES.refuse_when_spent("1.2.3.4")


@pytest.mark.slow
def test_what_the_server_writes_is_read_by_its_owner_alone(tmp_path):
    """A directory that somebody made beforehand is open to all: the files in it are not."""
    home = tmp_path / "open"
    home.mkdir(mode=0o755)
    environment = os.environ | {"LODESTAR_HOME": str(home)}
    subprocess.run([sys.executable, "-m", "lodestar", "migrate"], env=environment, cwd=ROOT, check=True)
    assert (home / "db.sqlite3").exists()
    assert [path.name for path in home.rglob("*") if path.stat().st_mode & 0o077] == []

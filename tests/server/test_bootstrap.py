"""`make up` before there is anything: no Python fit for it, two at once, Ctrl-C in the middle, a half-made environment."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lodestar.environment import ROOT

STEP = """
import sys
from steps import alone, run
with alone():
    run(sys.argv[1], [sys.executable, "-c", sys.argv[2]], remedy="Mend it.")
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A directory with the set-up's scripts and nothing else, and one more that does what it is told."""
    scripts = tmp_path / "platform" / "bootstrap"
    shutil.copytree(ROOT / "platform" / "bootstrap", scripts, ignore=shutil.ignore_patterns("__pycache__"))
    (scripts / "step.py").write_text(STEP)
    return tmp_path


def start(checkout: Path, doing: str, code: str) -> "subprocess.Popen[str]":
    command = [sys.executable, str(checkout / "platform" / "bootstrap" / "step.py"), doing, code]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)


def wait_for(path: Path) -> None:
    end = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_second_set_up_waits_for_the_first(checkout: Path) -> None:
    begun, go = checkout / "begun", checkout / "go"
    waits = f"import time, pathlib as p; p.Path({str(begun)!r}).touch()\nwhile not p.Path({str(go)!r}).exists(): time.sleep(0.02)"
    first = start(checkout, "First", waits)
    wait_for(begun)
    second = start(checkout, "Second", f"assert __import__('pathlib').Path({str(go)!r}).exists()")
    assert second.stderr is not None
    assert second.stderr.readline() == "… Wait for another `make` that sets up this directory\n"
    go.touch()
    assert (first.wait(20), second.wait(20)) == (0, 0)
    assert "✓ Second" in second.stderr.read()


def test_a_long_step_says_how_much_it_has_fetched(checkout: Path) -> None:
    grows = checkout / "grows"
    grows.mkdir()
    code = f"import time; open({str(grows / 'wheel')!r}, 'wb').write(bytes(3_000_000)); time.sleep(1)"
    step = "import sys, steps; from pathlib import Path; steps.TELL_SECONDS = 0.2\n"
    step += f"steps.run('Fetch', [sys.executable, '-c', {code!r}], remedy='', growing=[Path({str(grows)!r})])"
    (checkout / "platform" / "bootstrap" / "fetch.py").write_text(step)
    done = subprocess.run([sys.executable, str(checkout / "platform" / "bootstrap" / "fetch.py")], stderr=subprocess.PIPE,
                          text=True, check=True)
    assert "  3 MB after " in done.stderr
    assert done.stderr.endswith(" s)\n")


def test_ctrl_c_ends_a_step_and_its_process_with_a_sentence(checkout: Path) -> None:
    begun = checkout / "begun"
    begins = f"open({str(begun)!r}, 'w').write(str(__import__('os').getpid())); __import__('time').sleep(60)"
    started = start(checkout, "Sleep", begins)
    wait_for(begun)
    os.killpg(started.pid, signal.SIGINT)
    _, said = started.communicate(timeout=20)
    assert started.returncode == 130
    assert said.endswith("✕ Interrupted. The same command goes on where it stopped.\n")
    assert "Traceback" not in said
    with pytest.raises(ProcessLookupError):
        os.kill(int(begun.read_text() or "0") or os.getpid(), 0)


def test_a_step_that_fails_shows_its_last_lines_and_the_remedy(checkout: Path) -> None:
    _, said = start(checkout, "Break", "print('the reason'); raise SystemExit(3)").communicate(timeout=20)
    assert said == "… Break\nthe reason\n✕ Break: failed.\n  Mend it.\n"


def test_without_a_fit_python_it_says_how_to_get_one(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    (tmp_path / "cat").symlink_to(shutil.which("cat") or "/bin/cat")
    script = [shutil.which("sh") or "/bin/sh", str(ROOT / "platform" / "bootstrap" / "find-python.sh")]
    found = subprocess.run(script, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (1, "")
    assert "No Python 3.11 or newer" in found.stderr
    assert "apt install python3 python3-venv" in found.stderr
    assert "make up PYTHON=" in found.stderr


@pytest.mark.slow
def test_an_environment_that_was_interrupted_is_made_anew_and_a_whole_one_is_kept(checkout: Path) -> None:
    make = [sys.executable, str(checkout / "platform" / "bootstrap" / "venv.py")]
    broken = checkout / ".venv" / "bin"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(checkout / ".venv")], check=True)
    (broken / "left").touch()
    subprocess.run(make, check=True, stderr=subprocess.DEVNULL)
    assert not (broken / "left").exists()
    subprocess.run([broken / "python", "-c", "import pip"], check=True)
    (checkout / ".venv" / "kept").touch()
    (checkout / ".venv" / "stamps" / "venv").unlink()
    subprocess.run(make, check=True)
    assert (checkout / ".venv" / "kept").exists()
    assert (checkout / ".venv" / "stamps" / "venv").exists()

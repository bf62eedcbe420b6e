"""The command line needs no Django, and says in a sentence what is wrong with what it was given."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.builders import curve, dataset, events, spec, sums
from workers.engine.__main__ import main

WITHOUT_DJANGO = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"django", "celery", "channels", "lodestar", "runs"}:
            raise ImportError(f"{name} is not there")

sys.meta_path.insert(0, Blocked())
from workers.engine.__main__ import main
for line in sys.stdin.read().splitlines():
    print("CODE", main(line.split()), flush=True)
"""


@pytest.mark.slow
def test_without_django_it_trains_resumes_checks_and_describes_itself(tmp_path: Path, small: Path) -> None:
    given = spec(tmp_path / "run", model=small, data=dataset(tmp_path / "data", sums(8)))
    (tmp_path / "given.json").write_text(given.model_dump_json())
    lines = ["catalogue", f"preflight {tmp_path / 'given.json'}", str(tmp_path / "given.json")]
    done = subprocess.run([sys.executable, "-c", WITHOUT_DJANGO], input="\n".join(lines), capture_output=True, text=True,
                          check=False, timeout=240)
    catalogue, *_, preflight, code, _, last = _answers(done.stdout)
    assert (code, last) == ("CODE 0", "CODE 0"), done.stderr
    assert "sft-instruct" in catalogue
    assert json.loads(preflight)["ready"]
    straight = curve(events(tmp_path / "run"))
    # The run left its spec beside what it wrote; without its newest checkpoint being whole, it goes on from the one before.
    newest = tmp_path / "run" / "checkpoints" / "step-00000006"
    (newest / "state.json").unlink()
    shutil.rmtree(tmp_path / "run" / "final")
    assert main(["resume", str(tmp_path / "run")]) == 0
    found = events(tmp_path / "run")
    assert [event.seq for event in found] == list(range(1, len(found) + 1))
    assert curve(found) == straight
    assert (tmp_path / "run" / "final" / "model.safetensors").exists()


def _answers(text: str) -> list[str]:
    """What each command printed, each followed by its code."""
    parts, said = list[str](), list[str]()
    for line in text.splitlines():
        if line.startswith("CODE"):
            parts += ["\n".join(said), line]
            said = []
        else:
            said.append(line)
    return parts


@pytest.mark.parametrize(("text", "said"), [
    (None, "cannot be read: No such file"), ("{", "is wrong: Invalid JSON"), ("{}", "is wrong at method: Field required"),
    ('{"method": "dpo", "models": {}, "output_dir": "x", "seed": -1}', "is wrong at seed"),
])
@pytest.mark.parametrize("command", ["train", "preflight", "resume"])
def test_a_spec_that_cannot_be_read_is_told_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, text: str | None, said: str
) -> None:
    path = tmp_path / "spec.json"
    if text is not None:
        path.write_text(text)
    assert main([command, str(tmp_path if command == "resume" else path)]) == 1
    told = capsys.readouterr().err
    assert said in told
    assert "Traceback" not in told
    assert len(told.strip().splitlines()) <= 2

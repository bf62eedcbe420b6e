"""The user's own function: TRL's shape, OpenAI's, and every way in which it can go wrong or try to get out."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from workers.contract.records import Message
from workers.contract.run_spec import RewardPipeline, RewardTerm
from workers.engine.faults import Fault, UserCodeFault
from workers.engine.rewarding.reward_pipeline import Pipeline
from workers.engine.sandbox import child
from workers.engine.sandbox.child import Bounds, Child, SandboxMissing, missing

MISSING = missing()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(MISSING), reason=MISSING)]


def pipeline(source: str, **params: object) -> Pipeline:
    return Pipeline(RewardPipeline(terms=[RewardTerm(name="mine", kind="python", params={"source": source} | params)]))


def scores(source: str, completions: list[str], prompts: list[Any] | None = None, columns: dict[str, Any] | None = None,
           **params: object) -> list[float]:
    made = pipeline(source, **params)
    try:
        return made.score(prompts=prompts or ["2+2="] * len(completions), completions=completions,
                          completion_ids=[[1, 2]] * len(completions), columns=columns or {}).total.tolist()
    finally:
        made.close()


def body(text: str, seconds: float = 20) -> str:
    """What a function of these lines is faulted for; the fault must be the user's own, and no process may be left."""
    before = set(psutil.Process().children(recursive=True))
    source = "def reward(prompts, completions, **columns):\n" + "".join(f"    {line}\n" for line in text.splitlines())
    with pytest.raises(UserCodeFault) as caught:
        scores(source, ["4", "5"], timeout_seconds=seconds)
    assert set(psutil.Process().children(recursive=True)) <= before
    assert caught.value.field == "reward.terms.0"
    return caught.value.message


def test_trls_own_example_and_columns_by_name() -> None:
    source = ("def accuracy(completions, answer, **kwargs):\n"
              "    return [1.0 if c == a else 0.0 for c, a in zip(completions, answer)]")
    assert scores(source, ["4", "5"], columns={"answer": ["4", "4"], "level": ["x", "y"]}) == [1, 0]


def test_a_column_may_be_called_self() -> None:
    source = "def reward(completions, **columns):\n    return columns['self']"
    assert scores(source, ["a", "b"], columns={"self": [1, 2], "cls": [3, 4]}) == [1, 2]


def test_conversations_come_as_messages_and_text_as_text() -> None:
    talk = [Message(role="user", content="Hi")]
    source = "def reward(prompts, completions):\n    return [len(p[0]['content']) + 10 * len(c[0]['content']) " \
             "for p, c in zip(prompts, completions)]"
    assert scores(source, ["abc"], prompts=[talk]) == [32]
    assert scores("def reward(prompts, completions, completion_ids):\n    return [len(p) + len(c) + len(i) "
                  "for p, c, i in zip(prompts, completions, completion_ids)]", ["abc"], prompts=["hi"]) == [7]


def test_openais_shape_is_called_for_each_answer() -> None:
    source = "def grade(sample, item):\n    return float(sample['output_text'] == item['answer'])"
    assert scores(source, ["4", "5"], columns={"answer": ["4", "4"]}, shape="openai") == [1, 0]


def test_none_numpy_and_whole_numbers_are_numbers() -> None:
    assert scores("import numpy as np\ndef reward(completions):\n    return np.array([1, 2.5])", ["a", "b"],
                  libraries=["numpy"]) == [1, 2.5]
    found = scores("def reward(completions):\n    return [None, True, 3]", ["a", "b", "c"])
    assert math.isnan(found[0])
    assert found[1:] == [1, 3]


def test_state_is_kept_from_batch_to_batch() -> None:
    made = pipeline("seen = []\ndef reward(completions):\n"
                    "    seen.extend(completions)\n    return [len(seen)] * len(completions)")
    given: dict[str, Any] = {"prompts": [""], "completions": ["x"], "completion_ids": [[]], "columns": {}}
    assert [made.score(**given).total.item() for _ in range(3)] == [1, 2, 3]
    made.close()


def test_what_is_printed_goes_nowhere_however_much() -> None:
    source = "def reward(completions):\n    for _ in range(1024):\n        print('x' * 2**20)\n    return [1] * len(completions)"
    assert scores(source, ["a"]) == [1]


@pytest.mark.parametrize(("value", "policy", "expected"), [
    ("nan", "drop", None), ("inf", "zero", 0.0), ("-inf", "refuse", Fault)])
def test_a_value_that_is_no_number_follows_the_pipelines_rule(value: str, policy: Any, expected: object) -> None:
    term = RewardTerm(name="mine", kind="python", params={"source": f"def reward(completions):\n    return [float('{value}')]"})
    made = Pipeline(RewardPipeline(terms=[term], on_nan=policy))
    given: dict[str, Any] = {"prompts": [""], "completions": ["x"], "completion_ids": [[]], "columns": {}}
    if expected is Fault:
        with pytest.raises(Fault, match="'mine' answered -inf"):
            made.score(**given)
    else:
        found = made.score(**given).total.item()
        assert math.isnan(found) if expected is None else found == expected
    made.close()


@pytest.mark.parametrize(("text", "says"), [
    ("return ['good', 'bad']", "answered str ('good') for answer 0"),
    ("return 'good'", "answered str ('good') where a list"),
    ("return [1.0]", "answered 1 values for 2 answers"),
    ("return [1.0] * 3", "answered 3 values for 2 answers"),
    ("return None", "answered NoneType"),
    ("return [[1], [2]]", "answered list ([1]) for answer 0"),
    ("return [10 ** 400, 1]", "beyond all bounds"),
    ("return [1j, 1]", "answered complex"),
    ("raise ValueError('no such answer')", "ValueError: no such answer\n  line 2, in reward: raise ValueError"),
    ("x = 1\nreturn [1 / (x - 1)] * 2", "ZeroDivisionError"),
    ("raise SystemExit(3)", "SystemExit: 3"),
    ("import sympy", "No module named 'sympy'"),
    ("return reward(prompts, completions)", "RecursionError"),
    (r"raise ValueError('half \ud800 and \x00')", "ValueError: half ? and \ufffd"),
])
def test_what_goes_wrong_is_told_with_the_persons_own_lines(text: str, says: str) -> None:
    assert says in body(text)


@pytest.mark.parametrize(("source", "says"), [
    ("def reward(completions:\n    pass", "SyntaxError: '(' was never closed"),
    ("x = 1", "no function 'reward'; it has none"),
    ("def a(): pass\ndef b(): pass", "no function 'reward'; it has a, b"),
    ("1 / 0", "ZeroDivisionError"),
    ("while True: pass", "took longer than 1 seconds"),
    ("async def reward(completions): return [1]", "async"),
    ("def reward(completions, solution): return [1]", "needs 'solution', which the data has no column for"),
])
def test_source_that_cannot_be_used_is_told(source: str, says: str) -> None:
    with pytest.raises(UserCodeFault) as caught:
        scores(source, ["x"], timeout_seconds=1 if "took longer" in says else 20)
    assert says in caught.value.message


def c_call(call: str) -> str:
    """Lines that call a function of the C library and raise what it answers below or above 0."""
    return f"import ctypes\nif ctypes.CDLL(None, use_errno=True).{call}: raise OSError(ctypes.get_errno(), 'C')"


OUT = {
    "reads a file": "return [float(open('/etc/passwd').read() != '')] * 2",
    "reads its own source": "return [float(open('/proc/self/cmdline').read() != '')] * 2",
    "writes a file": "open('/mine', 'w')",
    "lists the root": "import os\nos.listdir('/')",
    "makes a directory": "import os\nos.mkdir('/x')",
    "opens a socket": "import socket\nsocket.socket()",
    "a unix socket": "import socket\nsocket.socketpair()",
    "asks a name server": "import socket\nsocket.getaddrinfo('localhost', 80)",
    "forks": "import os\nos.fork()",
    "starts a program": "import subprocess\nsubprocess.run(['/bin/sh'])",
    "becomes a program": "import os\nos.execv('/bin/sh', ['sh'])",
    "starts a thread": "import threading\nthreading.Thread(target=print).start()",
    "signals its group": "import os\nos.kill(0, 9)",
    "signals everybody": "import os\nos.kill(-1, 9)",
    "signals init": "import os\nos.kill(1, 9)",
    "raises its limits": "import resource\nresource.setrlimit(resource.RLIMIT_AS, (-1, -1))",
    "mounts": c_call("mount(b'none', b'/', b'tmpfs', 0, None)"),
    "traces": c_call("ptrace(16, 1, 0, 0)"),
    "another namespace": c_call("unshare(0x10000000)"),
    "shared memory": c_call("shmget(1, 4096, 0o1600)"),
    "a memory file": "import os\nos.memfd_create('x')",
    "a pipe": "import os\nos.pipe()",
    "copies a descriptor": "import os\nos.dup(0)",
    "another user": "import os\nos.setuid(0)",
    "out of the root": "import os\nos.chroot('/')",
    "a device": "import os\nos.open('/dev/mem', 0)",
    "priorities": "import os\nos.nice(-5)",
    "stays when its parent ends": c_call("prctl(1, 0, 0, 0, 0)"),
}


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in OUT.items()])
def test_nothing_gets_out(text: str) -> None:
    said = body(text)
    assert "PermissionError" in said or "Operation not permitted" in said or "[Errno 1] C" in said or any(
        words in said for words in ("No such file or directory", "can't start new thread", "gaierror", "not allowed to raise"))


@pytest.mark.parametrize(("text", "says"), [
    ("while True: pass", "took longer than 1 seconds"),
    ("import time\ntime.sleep(100)", "took longer than 1 seconds"),
    ("try:\n  while True: pass\nexcept BaseException:\n  while True: pass", "took longer"),
    ("x = bytearray(10 * 2**30)\nreturn [1, 1]", "MemoryError"),
    ("x = []\nwhile True: x.append('y' * 2**20 + str(len(x)))", "MemoryError"),
    ("return [9 ** 9 ** 9, 1]", "took longer"),
    ("import os\nos._exit(0)", "ended its own process"),
    ("import os\nos._exit(7)", "ended with code 7"),
    ("import ctypes\nctypes.string_at(0)", "died of signal 11"),
    ("import os\nwhile True: os.write(1, b'x' * 2**20)", "answered 2021161080 bytes"),
    ("import os\nos.write(1, b'\\0\\0\\0\\2{}')", "answered out of turn"),
    ("import os\nos.write(1, b'\\0\\0\\0\\2[]')", "cannot be read"),
    ("import os\nos.write(1, b'\\0\\0\\0\\4' + b'[' * 4)", "cannot be read"),
    ("import os\nos.close(1)", "ended with code 1"),
    ("import os\nos.read(0, 1)", "took longer"),
])
def test_what_never_ends_or_takes_too_much_is_ended(text: str, says: str) -> None:
    assert says in body(text, seconds=1 if "took longer" in says else 20)


def test_the_environment_is_empty_and_nothing_tells_of_the_host() -> None:
    source = ("import os, socket, sys\ndef reward(completions):\n"
              "    return [len(os.environ), os.getuid(), os.getpid(), os.uname().nodename == 'sandbox', len(sys.argv)]")
    os.environ["LODESTAR_TEST_SECRET"] = "x"
    assert scores(source, ["a"] * 5) == [0, 65534, 1, 1, 1]


def test_a_forged_answer_can_only_be_the_persons_own_numbers() -> None:
    said = body("import os, json, struct\nfor n in range(1, 9):\n    b = json.dumps({'values': [1e9, 'x'], 'id': n}).encode()\n"
                "    os.write(1, struct.pack('>I', len(b)) + b)\nreturn [1, 1]")
    assert "out of turn" in said or "something else than a list of numbers" in said


@pytest.mark.parametrize("forged", [{}, {"loaded": 5}, {"loaded": {}}, {"loaded": {"names": [], "needed": "ab", "any": False}},
                                    {"loaded": {"names": [1], "needed": [], "any": True}}])
def test_a_forged_answer_to_loading_is_no_failure_of_ours(forged: dict[str, Any]) -> None:
    source = (f"import os, json, struct\nb = json.dumps({{'id': 1, **json.loads({json.dumps(forged)!r})}}).encode()\n"
              "os.write(1, struct.pack('>I', len(b)) + b)\ndef reward(completions):\n    return [1.0]\n")
    with pytest.raises(UserCodeFault, match="something else than the function's parameters"):
        scores(source, ["x"])


def test_a_late_function_is_replaced_by_a_fresh_process() -> None:
    made = Child("import time\ndef reward(seconds):\n    time.sleep(seconds[0])\n    return [1]", "reward",
                 Bounds(timeout_seconds=1))
    with pytest.raises(UserCodeFault, match="took longer"):
        made.call({"seconds": [30]}, 1)
    assert made.call({"seconds": [0]}, 1) == [1.0]
    made.close()


def test_a_child_is_replaced_before_its_processor_time_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Child("calls = []\ndef reward(x):\n    calls.append(1)\n    return [len(calls)]", "reward", Bounds(timeout_seconds=1))
    assert made.call({"x": [1]}, 1) == [1.0]
    assert made.call({"x": [1]}, 1) == [2.0]
    monkeypatch.setattr(child, "CPU_SECONDS", 2)
    assert made.call({"x": [1]}, 1) == [1.0], "a fresh process has called it once"
    made.close()


def test_the_locked_process_ends_with_whoever_started_it() -> None:
    script = ("import os, sys; sys.path[:0] = sys.argv[1:]\n"
              "from workers.engine.sandbox.child import Child, Bounds\n"
              "made = Child('def reward(x):\\n    while True: pass', 'reward', Bounds(timeout_seconds=60))\n"
              "print(made._process.pid, flush=True)\nmade.call({'x': [1]}, 1)")
    roots = [str(Path(__file__).parents[3])]
    with subprocess.Popen([sys.executable, "-c", script, *roots], stdout=subprocess.PIPE, text=True) as host:
        assert host.stdout is not None
        outer = psutil.Process(int(host.stdout.readline()))
        while not (inner := outer.children()) or inner[0].cpu_times().user < 0.2:
            pass
        host.kill()
    _, alive = psutil.wait_procs([outer, *inner], timeout=30)
    assert not alive


def test_an_operator_can_switch_it_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LODESTAR_REWARD_CODE", "off")
    with pytest.raises(SandboxMissing, match="switched them off"):
        pipeline("def reward(completions): return [1]")


def test_a_host_without_namespaces_is_off_and_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = child.LOCKED.read_text(encoding="utf-8").replace('_must("a user namespace", LIBC.unshare(CLONE["NEWUSER"]))',
                                                               '_must("a user namespace", LIBC.unshare(-1))')
    (tmp_path / "locked.py").write_text(changed, encoding="utf-8")
    monkeypatch.setattr(child, "LOCKED", tmp_path / "locked.py")
    assert missing() == "Python rewards are off on this worker: the system does not give a user namespace (Invalid argument)."

"""An engine that follows a script instead of training: events, control and checkpoints as the contract has them.

Tests give it to the supervisor through LODESTAR_ENGINE_COMMAND, as a site would give a wrapper. The spec's config is
the script: steps, step_seconds, save_every, die_at (the first attempt kills itself there), fail_at with fail_code,
exit_at with exit_code and no last word.
"""

import hashlib
import json
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

spec = json.loads(Path(sys.argv[1]).read_text())
script, out = spec["config"], Path(spec["output_dir"])
state: dict[str, Any] = {"seq": 0, "left": False, "paused": False, "stop": None}


def write(kind: str, **fields: object) -> None:
    state["seq"] += 1
    with (out / "events.jsonl").open("a") as file:
        file.write(json.dumps({"type": kind, "seq": state["seq"], "time": time.time(), **fields}) + "\n")


def save(step: int, reason: str) -> None:
    place = out / "checkpoints" / f"step-{step:08d}"
    place.mkdir(parents=True)
    (place / "state.json").write_text(json.dumps({"step": step}))
    data = (place / "state.json").read_bytes()
    files = {"state.json": {"size_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}}
    manifest = json.dumps({"version": 1, "step": step, "files": files}).encode()
    (place / "manifest.json").write_bytes(manifest)
    digest = hashlib.sha256(manifest).hexdigest()
    write("checkpoint", step=step, path=str(place), manifest_hash=digest, size_bytes=len(data), reason=reason)


def obey(step: int, seconds: float) -> None:
    """What has come on standard input within `seconds`; waits on while paused."""
    until = time.monotonic() + seconds
    while (rest := until - time.monotonic()) > 0 or state["paused"]:
        if state["left"] or state["stop"]:
            return
        if select.select([sys.stdin], [], [], max(0.0, min(rest, 0.05)) if rest > 0 else 0.05)[0]:
            line = sys.stdin.readline()
            if not line:
                os._exit(3)
            apply(json.loads(line), step)


def apply(message: dict[str, Any], step: int) -> None:
    kind = message["type"]
    if kind in ("pause", "resume"):
        state["paused"] = kind == "pause"
        write("status", state="paused" if state["paused"] else "running", doing="")
    elif kind == "stop":
        state["stop"] = message
    elif kind == "checkpoint":
        save(step, "asked")
    elif kind == "set":
        write("change", step=step, field=message["field"], old=None, new=message["value"], by=message["by"])


def end(step: int) -> int:
    if state["left"]:
        save(step, "signal")
        write("failed", code="preempted", message="Asked to leave by SIGTERM.", step=step)
        return 3
    if state["stop"] and state["stop"]["checkpoint"]:
        save(step, "stop")
    write("done", reason="stopped" if state["stop"] else "finished", step=step)
    return 0


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: state.update(left=True))
    write("status", state="starting", doing="reading the script")
    resumed = spec["resume_from"]
    step = json.loads((Path(resumed) / "state.json").read_text())["step"] if resumed else 0
    write("status", state="running", doing="")
    while step < script["steps"] and not state["left"] and not state["stop"]:
        step += 1
        write("metrics", step=step, values={"reward": step / script["steps"]}, tokens=step)
        write("progress", step=step, total=script["steps"], tokens=step)
        if script.get("save_every") and step % script["save_every"] == 0:
            save(step, "interval")
        if script.get("die_at") == step and os.environ["LODESTAR_ATTEMPT"] == "1":
            os.kill(os.getpid(), signal.SIGKILL)
        if script.get("exit_at") == step:
            return int(script["exit_code"])
        if script.get("fail_at") == step:
            write("failed", code=script["fail_code"], message="The script says so.", remedy="Change the script.", step=step)
            return 1
        obey(step, script.get("step_seconds", 0.01))
    return end(step)


if __name__ == "__main__":
    sys.exit(main())

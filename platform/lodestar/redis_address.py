"""Where the embedded Redis listens: a unix socket in a directory only its owner may enter."""

import hashlib
import os
import tempfile
from pathlib import Path

LONGEST_SOCKET_PATH = 100  # the kernel takes 107 bytes; Redis appends a few while it starts


def embedded_socket(home: Path) -> Path:
    """`home`/redis/redis.sock, or a short path of the same owner when that one is too long for a unix socket."""
    path = home / "redis" / "redis.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    mark = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
    return runtime / f"lodestar-{os.getuid()}-{mark}" / "redis.sock"

"""`python -m lodestar.tether command …`: becomes that command, and is told to stop should its parent die.

Without it a killed supervisor would leave servers behind that hold the port. Linux only; elsewhere it just becomes
the command.
"""

import ctypes
import os
import shutil
import signal
import sys

PR_SET_PDEATHSIG = 1


def tether() -> None:
    """Asks the kernel for SIGTERM when the parent dies; leaves at once if it died before the asking."""
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(0)


if __name__ == "__main__":
    tether()
    program = shutil.which(sys.argv[1]) or sys.argv[1]
    os.execv(program, sys.argv[1:])  # noqa: S606 - no shell: the arguments are a list

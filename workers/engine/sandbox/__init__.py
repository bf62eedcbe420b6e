"""Sandbox: a person's own Python function, called in a process that can reach nothing.

`locked.py` is the program of that process. It runs by itself with the standard library only, imports what the function may
use, then locks itself in before it has seen a line of the person's code: user, mount, pid, network, IPC, host-name and
cgroup namespaces of its own, an empty read-only root, no capability, no way to gain one, limits on memory, processor time,
processes, files and output, and a filter that lets only those system calls through that computing needs. `child.py` is our
side: it starts the process, speaks with it in frames of JSON, ends it when it is late, and turns what goes wrong into
faults. Nothing that the process says is believed beyond what it is: a list of numbers of a stated length.

Where any part of the lock cannot be had the feature is off (`SandboxMissing` says which part and why).
"""

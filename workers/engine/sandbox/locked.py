"""The locked process: imports, locks itself in, then serves one person's function. Standard library only; run by path.

Frames are four bytes of length, big-endian, and that much JSON, on standard input and output. The first frame in says what
to import and how much memory to allow; each one after that is `{"load": …}` or `{"call": …}`. See `child.py`.

Two processes stand here. The outer one enters the namespaces, starts the inner one as the first process of the new pid
namespace and waits for it; when the outer one is killed the kernel kills the inner one, and with it all that it started.
"""

import ctypes
import importlib
import inspect
import io
import json
import linecache
import os
import resource
import signal
import struct
import sys
import traceback
import types
from collections.abc import Callable
from typing import Any

STANDARD = (
    "abc", "array", "ast", "base64", "binascii", "bisect", "calendar", "cmath", "codecs", "collections", "collections.abc",
    "colorsys", "contextlib", "copy", "csv", "dataclasses", "datetime", "_strptime", "decimal", "difflib", "enum", "fractions",
    "functools", "graphlib", "hashlib", "heapq", "html", "html.parser", "itertools", "json", "keyword", "locale", "math",
    "numbers", "operator", "os", "pprint", "random", "re", "secrets", "statistics", "string", "struct", "textwrap", "time",
    "token", "tokenize", "traceback", "types", "typing", "unicodedata", "urllib.parse", "uuid", "warnings", "weakref",
    "xml.etree.ElementTree", "zlib", "encodings.ascii", "encodings.latin_1", "encodings.utf_8", "encodings.utf_16",
    "encodings.cp1252", "encodings.idna", "encodings.unicode_escape", "stringprep", "socket", "subprocess", "threading",
)
"""At hand without asking. Some could reach out and are here so that trying gives the kernel's answer."""
FILE = "<your function>"
NOBODY = 65534
SHOWN = 4000
"""Characters of a message that are sent back."""

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE = {"NEWCGROUP": 0x02000000, "NEWUTS": 0x04000000, "NEWIPC": 0x08000000, "NEWUSER": 0x10000000, "NEWPID": 0x20000000,
         "NEWNET": 0x40000000, "NEWNS": 0x00020000}
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 32, 16384, 1 << 18
MNT_DETACH = 2
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 24, 38
SECCOMP_MODE_FILTER = 2
CAP_VERSION_3 = 0x20080522

PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
ALLOWED = {
    # read write fstat poll lseek mmap mprotect munmap brk rt_sigaction rt_sigprocmask rt_sigreturn pread64 select sched_yield
    # mremap madvise getpid exit uname gettimeofday times getuid getgid geteuid getegid getppid sigaltstack gettid futex
    # sched_getaffinity clock_gettime clock_getres clock_nanosleep nanosleep exit_group getrandom rseq close set_robust_list
    # restart_syscall membarrier
    "x86_64": (0, 1, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 23, 24, 25, 28, 39, 60, 63, 96, 100, 102, 104, 107, 108, 110, 131,
               186, 202, 204, 228, 229, 230, 35, 231, 318, 334, 3, 273, 219, 324),
    "aarch64": (63, 64, 80, 73, 62, 222, 226, 215, 214, 134, 135, 139, 67, 72, 124, 216, 233, 172, 93, 160, 169, 153, 174, 176,
                175, 177, 173, 132, 178, 98, 123, 113, 114, 115, 101, 94, 278, 293, 57, 99, 128, 283),
}
"""System calls that computing needs; any other answers EPERM. There is none among them that opens, sends, starts or signals."""


class Locking(Exception):
    """A part of the lock that could not be had."""


def main() -> None:
    os.umask(0o077)
    _die_with_parent()
    asked = _read()
    assert asked is not None
    try:
        sys.path[:0] = asked["paths"]
        for name in (*STANDARD, *asked["libraries"]):
            importlib.import_module(name)
        sys.path[:] = []
        inner = _enter()
    except (Locking, ImportError) as error:
        _write({"missing": str(error)})
        return
    if inner:
        _wait_for(inner)
    try:
        _lock(asked["memory_bytes"], asked["cpu_seconds"])
    except Locking as error:
        _write({"missing": str(error)})
        return
    _write({"ready": True})
    _serve()


def _die_with_parent() -> None:
    """The kernel kills us when whoever started us is gone; a change of credentials forgets it, so it is asked for again."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _enter() -> int:
    """Into new namespaces, as nobody. Answers the inner process's pid in the outer one, and 0 in the inner one."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        # Without this /proc/self belongs to root from here on, and the maps below could not be written.
        LIBC.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
    user, group = os.geteuid(), os.getegid()
    _must("a user namespace", LIBC.unshare(CLONE["NEWUSER"]))
    try:
        for name, text in (("setgroups", "deny"), ("uid_map", f"{NOBODY} {user} 1"), ("gid_map", f"{NOBODY} {group} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:  # noqa: PTH123 - pathlib is not loaded here
                file.write(text)
    except OSError as error:
        raise Locking(f"a user namespace's own ids ({error.strerror})") from error
    for name in ("NEWNS", "NEWPID", "NEWNET", "NEWIPC", "NEWUTS", "NEWCGROUP"):
        _must(f"a namespace of its own ({name})", LIBC.unshare(CLONE[name]))
    _die_with_parent()
    return os.fork()


def _wait_for(inner: int) -> None:
    """The outer process: says nothing more and ends as the inner one ends."""
    for number in (0, 1):
        os.close(number)
    _, status = os.waitpid(inner, 0)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(-code, signal.SIG_DFL) if -code not in (signal.SIGKILL, signal.SIGSTOP) else None
        os.kill(os.getpid(), -code)
    os._exit(code if code >= 0 else 1)


def _lock(memory_bytes: int, cpu_seconds: int) -> None:
    """Everything that is taken away from the inner process, in the order in which it still can be."""
    os.setsid()
    os.environ.clear()
    LIBC.sethostname(b"sandbox", 7)
    machine = os.uname().machine
    if machine not in ALLOWED:
        raise Locking(f"a filter of system calls for {machine}")
    held = _address_space()
    _empty_root(machine)
    os.closerange(3, 4096)
    for what, bound in ((resource.RLIMIT_AS, held + memory_bytes), (resource.RLIMIT_CPU, cpu_seconds),
                        (resource.RLIMIT_NPROC, 0), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_NOFILE, 16),
                        (resource.RLIMIT_CORE, 0), (resource.RLIMIT_MEMLOCK, 0), (resource.RLIMIT_MSGQUEUE, 0)):
        resource.setrlimit(what, (bound, bound))
    for number in range(64):
        LIBC.prctl(PR_CAPBSET_DROP, number, 0, 0, 0)
    header, nothing = struct.pack("Ii", CAP_VERSION_3, 0), bytes(24)
    _must("the loss of all capabilities", LIBC.capset(header, nothing))
    _die_with_parent()
    _must("no_new_privs", LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    _filter(machine)


def _empty_root(machine: str) -> None:
    """A root with nothing in it, which nothing can be written to; the old one is gone from this process's sight."""
    flags = MS_NOSUID | MS_NODEV | MS_NOEXEC
    _must("private mounts", LIBC.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
    _must("an empty root", LIBC.mount(b"none", b"/tmp", b"tmpfs", flags, b"size=4096,nr_inodes=2,mode=555"))
    os.chdir("/tmp")  # noqa: S108 - in this process's own mounts it is the empty one
    _must("an empty root (pivot_root)", LIBC.syscall(PIVOT_ROOT[machine], b".", b"."))
    _must("an empty root (umount)", LIBC.umount2(b".", MNT_DETACH))
    os.chdir("/")
    _must("a read-only root", LIBC.mount(b"none", b"/", None, MS_REMOUNT | MS_RDONLY | flags, None))


def _address_space() -> int:
    """Bytes of address space that the process has now: what imports took is not counted against the person."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - pathlib is not loaded here
        return int(file.read().split()[0]) * resource.getpagesize()


def _filter(machine: str) -> None:
    """Installs the filter: another architecture's calls kill, calls that are not allowed answer EPERM."""
    load, jump_equal, jump_least, answer = 0x20, 0x15, 0x35, 0x06
    allow, refuse, kill = 0x7FFF0000, 0x00050000 | 1, 0x80000000
    numbers = sorted(set(ALLOWED[machine]))
    program = [(load, 0, 0, 4), (jump_equal, 1, 0, AUDIT_ARCH[machine]), (answer, 0, 0, kill), (load, 0, 0, 0),
               (jump_least, 0, 1, 0x40000000), (answer, 0, 0, kill)]
    for at, number in enumerate(numbers):
        program.append((jump_equal, len(numbers) - at, 0, number))
    program += [(answer, 0, 0, refuse), (answer, 0, 0, allow)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    given = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program), ctypes.addressof(code)))
    _must("a filter of system calls", LIBC.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(given), 0, 0))


def _must(what: str, answered: int) -> None:
    if answered != 0:
        raise Locking(f"{what} ({os.strerror(ctypes.get_errno())})")


def _serve() -> None:
    function: Callable[..., Any] = _nothing_loaded
    while (asked := _read()) is not None:
        sys.stdout = sys.stderr = Dropped()
        answer: dict[str, Any]
        try:
            if "load" in asked:
                function = _loaded(asked["load"])
                answer = {"loaded": _parameters(function)}
            else:
                answer = {"values": _called(function, asked["call"])}
        except Wrong as wrong:
            answer = {"wrong": str(wrong)[:SHOWN]}
        except MemoryError:
            answer = {"raised": "MemoryError: the function asked for more memory than it may have", "lines": _own_lines()}
        except BaseException as error:  # noqa: BLE001 - whatever the person's code raises is told to the person
            answer = {"raised": _said(error), "lines": _own_lines()}
        answer["id"] = asked.get("id")
        _write(answer)


def _nothing_loaded(**given: Any) -> list[float | None]:
    raise Wrong("No function was loaded")


class Wrong(Exception):
    """The function, or what it answered, is not what was agreed."""


class Dropped(io.TextIOBase):
    """What the function prints goes nowhere, however much it is."""

    def write(self, text: str) -> int:
        return len(text)


def _loaded(asked: dict[str, str]) -> Callable[..., Any]:
    """Runs the source and answers the function of the name asked for, or the only one there is."""
    source, name = asked["source"], asked["name"]
    linecache.cache[FILE] = (len(source), None, source.splitlines(keepends=True), FILE)
    # Data classes look for the module of their annotations.
    sys.modules["reward"] = types.ModuleType("reward")
    space = vars(sys.modules["reward"])
    exec(compile(source, FILE, "exec", dont_inherit=True), space)  # noqa: S102 - that is what this process is for
    chosen: Callable[..., Any] | None = space.get(name)
    if callable(chosen):
        return chosen
    own = [thing for thing in space.values() if inspect.isfunction(thing) and thing.__module__ == "reward"]
    if len(own) == 1:
        return own[0]
    there = ", ".join(thing.__name__ for thing in own) or "none"
    raise Wrong(f"The source has no function {name!r}; it has {there}")


def _parameters(function: Callable[..., Any]) -> dict[str, Any]:
    """Names of the parameters, those without a default, and whether any other is taken."""
    found = inspect.signature(function).parameters.values()
    plain = [one for one in found if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    return {"names": [one.name for one in plain], "needed": [one.name for one in plain if one.default is one.empty],
            "any": any(one.kind is one.VAR_KEYWORD for one in found)}


def _called(function: Callable[..., Any], asked: dict[str, Any]) -> list[float | None]:
    """The values of one batch: None, or a float for each answer; `single` calls once for each row instead."""
    single = asked.get("single")
    given: Any = [function(*arguments) for arguments in single] if single else function(**asked["arguments"])
    if inspect.iscoroutine(given):
        given.close()
        raise Wrong("The function is async; write it as a plain function")
    if not isinstance(given, (list, tuple)) and not hasattr(given, "tolist"):
        raise Wrong(f"The function answered {_kind(given)} where a list of numbers was expected")
    return [_number(value, index) for index, value in enumerate(given)]


def _number(value: Any, index: int) -> float | None:
    if value is None:
        return None
    if isinstance(value, (str, bytes)) or not (hasattr(value, "__float__") or isinstance(value, int)):
        raise Wrong(f"The function answered {_kind(value)} for answer {index} where a number was expected")
    try:
        return float(value)
    except OverflowError:
        raise Wrong(f"The function answered a number beyond all bounds for answer {index}") from None


def _kind(value: object) -> str:
    shown = repr(value)
    return f"{type(value).__name__} ({shown if len(shown) <= 60 else shown[:60] + '…'})"


def _said(error: BaseException) -> str:
    text = "".join(traceback.format_exception_only(type(error), error)).strip()
    return text[:SHOWN].replace(f'File "{FILE}", ', "")


def _own_lines() -> list[list[Any]]:
    """The person's own lines of the traceback being handled, innermost last: [number, function, text]."""
    frames = [frame for frame in traceback.extract_tb(sys.exc_info()[2]) if frame.filename == FILE]
    return [[frame.lineno, frame.name, (frame.line or "")[:200]] for frame in frames[-8:]]


def _read() -> dict[str, Any] | None:
    """The next frame; None at the end of the input."""
    head = _exactly(4)
    if head is None:
        return None
    found: dict[str, Any] = json.loads(_exactly(struct.unpack(">I", head)[0]) or b"{}")
    return found


def _exactly(count: int) -> bytes | None:
    parts = []
    while count:
        part = os.read(0, min(count, 1 << 16))
        if not part:
            return None
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def _write(answer: dict[str, Any]) -> None:
    body = json.dumps(answer).encode()
    body = struct.pack(">I", len(body)) + body
    while body:
        body = body[os.write(1, body):]


if __name__ == "__main__":
    LIBC.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
    LIBC.mount.argtypes = [ctypes.c_char_p] * 3 + [ctypes.c_ulong, ctypes.c_char_p]
    main()

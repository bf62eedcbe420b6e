"""Outbound: the one door to addresses that people name. Standard library only; neither Django nor torch.

Only http and https; a name is resolved once, every address it has must be public unless the operator lists the host, and the
connection goes to the very address that was checked, with the name in Host and SNI. No redirect is followed, no proxy of
the environment used, nothing decompressed; one deadline and one size bound the whole answer.
"""

import http.client
import ipaddress
import json
import os
import socket
import ssl
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

HOSTS_VARIABLE = "LODESTAR_JUDGE_HOSTS"
KEYS_VARIABLE = "LODESTAR_JUDGE_KEYS"
LARGEST_ANSWER = 4 * 2**20
NAT64 = ipaddress.ip_network("64:ff9b::/96")
NEVER = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "3fff::/20", "fec0::/10")))
"""Not for the internet, though `is_global` says so in some releases of Python; a cloud's metadata is at 192.0.0.192."""


class Refused(Exception):
    """The address may not be asked, whatever it would answer. The message is a sentence for the person who named it."""


class Silent(Exception):
    """No answer: the connection failed, broke, or took too long."""


@dataclass(frozen=True)
class Target:
    """An address taken apart. `listed` says that the operator allows the host by name."""

    scheme: str
    host: str
    port: int
    path: str
    listed: bool

    @property
    def place(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    retry_after: float | None = None


def listed_hosts() -> frozenset[str]:
    """LODESTAR_JUDGE_HOSTS: hosts (host or host:port, separated by commas) that may be asked though they are private."""
    return frozenset(part.strip().lower() for part in os.environ.get(HOSTS_VARIABLE, "").split(",") if part.strip())


def target_of(url: str, hosts: Collection[str]) -> Target:
    """Raises Refused for anything but http(s)://host[:port][/path]."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise Refused(f"{url!r} is no address: {error}.") from error
    if parts.scheme not in ("http", "https"):
        raise Refused(f"{url!r} is no address that can be asked: only http:// and https:// are.")
    host = (parts.hostname or "").lower()
    if not host or parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise Refused(f"{url!r} must be https://host/path, without a user, a password or a query.")
    return Target(parts.scheme, host, port, parts.path or "/", bool({host, f"{host}:{port}"} & set(hosts)))


def key_of(name: str, target: Target) -> str:
    """The secret called `name`, if LODESTAR_JUDGE_KEYS (NAME@host[:port], separated by commas) gives it to this host.

    Raises Refused: a secret travels to no other host than its own, nor in plain text beyond the hosts that are listed.
    """
    given = {part.strip() for part in os.environ.get(KEYS_VARIABLE, "").split(",")}
    if not {f"{name}@{target.host}", f"{name}@{target.place}"} & given:
        raise Refused(f"The key {name!r} is not given to {target.host} on this worker ({KEYS_VARIABLE}).")
    if target.scheme != "https" and not target.listed:
        raise Refused(f"The key {name!r} would travel to {target.host} in plain text; use https://.")
    if not os.environ.get(name):
        raise Refused(f"The key {name!r} is not set on this worker.")
    return os.environ[name]


def addresses_of(target: Target) -> list[str]:
    """Where the name points, each address checked. Raises Refused, in one sentence for all that it may be."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, ValueError):  # ValueError: no name that IDNA can write
        found = []
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not addresses or not (target.listed or all(is_public(address) for address in addresses)):
        raise Refused(f"{target.host} cannot be asked from this worker: it has no address, or one that is not public.")
    return addresses


def is_public(address: str) -> bool:
    """False for private, local, reserved and multicast addresses, also where IPv6 wraps an IPv4 one."""
    ip = ipaddress.ip_address(address.split("%", 1)[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo or (None, None))[1]
        if inner is None and ip in NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast and not ip.is_reserved and not any(ip in network for network in NEVER)


def post_json(target: Target, body: Mapping[str, Any], *, headers: Mapping[str, str], timeout_seconds: float,
              largest: int = LARGEST_ANSWER) -> Answer:
    """Posts JSON and reads the whole answer within the time. Raises Refused or Silent; any status is an answer."""
    deadline = time.monotonic() + timeout_seconds
    connection = _connection(target, deadline)
    # A server that sends a byte now and then never runs into a socket's own time limit.
    watch = threading.Timer(max(0.0, deadline - time.monotonic()), _cut, args=(connection,))
    watch.daemon = True
    watch.start()
    try:
        connection.request("POST", target.path, body=json.dumps(body).encode(), headers={
            "Host": target.host if target.port in (80, 443) else target.place, "Content-Type": "application/json",
            "Accept": "application/json", "Accept-Encoding": "identity", **headers})
        response = connection.getresponse()
        read = response.read(largest + 1)
    except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
        late = time.monotonic() >= deadline
        raise Silent(f"did not answer within {timeout_seconds:g} seconds" if late else
                     f"broke the connection ({type(error).__name__})") from error
    finally:
        watch.cancel()
        connection.close()
    if len(read) > largest:
        raise Silent(f"answered more than {largest} bytes")
    if time.monotonic() >= deadline:
        raise Silent(f"did not answer within {timeout_seconds:g} seconds")
    return Answer(response.status, read, _seconds(response.getheader("Retry-After")))


def _connection(target: Target, deadline: float) -> http.client.HTTPConnection:
    """Connected to the first address that takes it. Host and SNI carry the name."""
    failed: OSError | None = None
    for address in addresses_of(target):
        left = deadline - time.monotonic()
        if left <= 0:
            break
        try:
            sock = socket.create_connection((address, target.port), timeout=left)
        except OSError as error:
            failed = error
            continue
        connection = http.client.HTTPConnection(target.host, target.port, timeout=left)
        try:
            connection.sock = sock if target.scheme == "http" else (
                ssl.create_default_context().wrap_socket(sock, server_hostname=target.host))
        except OSError as error:
            sock.close()
            failed = error
            continue
        return connection
    raise Silent(f"cannot be reached ({failed.strerror or type(failed).__name__})" if failed else "cannot be reached in time")


def _cut(connection: http.client.HTTPConnection) -> None:
    sock = connection.sock
    if sock is not None:
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return


def _seconds(said: str | None) -> float | None:
    try:
        return max(0.0, float(said)) if said else None
    except ValueError:
        return None

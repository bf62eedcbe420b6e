"""The engine's end of the socket on which chats come and their words go (see `contract.chat`)."""

import os
import socket
import threading
from collections.abc import Callable

from pydantic import ValidationError

from workers.contract.chat import CHAT_ASK, SOCKET_VARIABLE
from workers.contract.document import Document
from workers.engine.control import Inbox

PATIENCE_SECONDS = 5.0
"""How long a word may wait for a supervisor that reads nothing; training must not wait for a chat."""


def connect(inbox: Inbox, *, complain: Callable[[str], None]) -> None:
    """Chats from the socket that the environment names go to `inbox`, and what is answered to the socket.

    An engine started by hand has none: its chats come on standard input and their words go to standard output.
    """
    number = os.environ.pop(SOCKET_VARIABLE, "")
    if not number:
        inbox.answer = lambda word: print(word.model_dump_json(), flush=True)  # noqa: T201 - a command line's answer
        return
    os.set_inheritable(int(number), False)
    line = socket.socket(fileno=int(number))
    line.settimeout(PATIENCE_SECONDS)
    inbox.answer = lambda word: _tell(line, word)
    threading.Thread(target=_read, args=(line, inbox, complain), name="chats", daemon=True).start()


def _tell(line: socket.socket, word: Document) -> None:
    """A line that takes no more is closed: the supervisor notices, and nothing waits for it again."""
    try:
        line.sendall(word.model_dump_json().encode() + b"\n")
    except OSError:
        line.close()


def _read(line: socket.socket, inbox: Inbox, complain: Callable[[str], None]) -> None:
    rest = b""
    while True:
        try:
            data = line.recv(65536)
        except TimeoutError:
            continue
        except OSError:
            return
        if not data:
            return
        *lines, rest = (rest + data).split(b"\n")
        for one in lines:
            try:
                inbox.put(CHAT_ASK.validate_json(one))
            except ValidationError as error:
                complain(f"A chat was refused: {error.errors()[0]['msg']}.")

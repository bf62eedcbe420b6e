"""An endpoint of OpenAI's shape on this machine, which answers as a test says."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from workers.engine.rewarding import judges


class Served:
    """A server of OpenAI's shape on this machine: `answer` is asked for (status, body) of each request it keeps in `seen`."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.answer: Callable[[dict[str, Any]], tuple[int, bytes]] = lambda body: (200, said('{"score": 7}'))
        self.extra: dict[str, str] = {}
        self.raw: bytes | None = None
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                served.seen.append((self.path, dict(self.headers), body))
                if served.raw is not None:
                    self.wfile.write(served.raw)
                    return
                status, text = served.answer(body)
                self.send_response(status)
                for name, value in served.extra.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *given: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *given: None  # type: ignore[method-assign]  # who asks may hang up first
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


def said(text: str) -> bytes:
    return json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]}).encode()


@contextmanager
def serving(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """An endpoint that the operator allows; who asks it again does so without waiting."""
    made = Served()
    monkeypatch.setenv("LODESTAR_JUDGE_HOSTS", f"127.0.0.1:{made.port}")
    monkeypatch.setattr(judges.Manner, "__init__", _without_waiting(judges.Manner.__init__))
    yield made
    made.server.shutdown()
    made.server.server_close()


def _without_waiting(init: Callable[..., None]) -> Callable[..., None]:
    return lambda self, **given: init(self, **({"backoff_seconds": 0.0} | given))

"""The web process only streams: a body of half a gibibyte passes through without being held."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest
from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler

from runs.datasets.models import Upload
from tests.datasets.desk import Desk

PIECE = b"x" * 2**18
BODY_BYTES = 2**29
GROWTH_ALLOWED = 64 * 2**20


class Sender:
    """One PATCH as a server would hand it to the application, piece by piece, watching the process's memory."""

    def __init__(self, path: str, token: str) -> None:
        headers = {"host": "localhost", "authorization": token, "upload-offset": "0", "content-type": "application/octet-stream"}
        named = [(name.encode(), value.encode()) for name, value in headers.items()]
        self.scope = {
            "type": "http", "method": "PATCH", "path": path, "query_string": b"", "scheme": "http", "http_version": "1.1",
            "headers": [*named, (b"content-length", str(BODY_BYTES).encode())],
            "client": ("127.0.0.1", 1), "server": ("localhost", 80),
        }  # fmt: skip
        self.status = 0
        self._left = BODY_BYTES
        self._process = psutil.Process()
        self._start = self._process.memory_info().rss
        self.growth = 0

    async def receive(self) -> dict[str, Any]:
        self.growth = max(self.growth, self._process.memory_info().rss - self._start)
        if not self._left:
            await asyncio.Event().wait()  # as long as the client stays; the handler cancels this
        self._left -= len(PIECE)
        return {"type": "http.request", "body": PIECE, "more_body": self._left > 0}

    async def send(self, message: Mapping[str, Any]) -> None:
        self.status = message.get("status", self.status)
        self.growth = max(self.growth, self._process.memory_info().rss - self._start)


@pytest.fixture
def desk(transactional_db: None, tmp_path: Path, settings: Any) -> Desk:
    settings.HOME = settings.FILE_UPLOAD_TEMP_DIR = tmp_path
    return Desk()


@pytest.mark.slow
async def test_a_large_body_does_not_grow_the_web_process(desk: Desk) -> None:
    upload = await sync_to_async(desk.begin)(BODY_BYTES)
    token = (await sync_to_async(desk.headers_of)("editor"))["Authorization"]
    sender = Sender(f"/api/v1/uploads/{upload}", token)
    await ASGIHandler()(sender.scope, sender.receive, sender.send)
    assert sender.status == 200
    assert (await Upload.objects.aget(id=upload)).offset == BODY_BYTES
    assert sender.growth < GROWTH_ALLOWED

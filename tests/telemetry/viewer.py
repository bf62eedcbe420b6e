"""A browser's side of a socket, spoken to the real consumers.

channels' own WebsocketCommunicator does the same over asgiref's, but cannot be imported without daphne, a second server.
"""

import json
from typing import Any

from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from django.conf import settings
from django.test import Client

from runs.accounts.models import User
from runs.launches.models import Run
from runs.telemetry.routing import websocket_urlpatterns
from runs.telemetry.services import ingest
from workers.contract.events import Event

PATIENCE = 10.0
ship = sync_to_async(ingest, thread_sensitive=True)


class Viewer:
    """Signed in as `user` (None: nobody), on a page of `origin`."""

    def __init__(self, path: str, user: User | None, *, origin: str = "http://testserver") -> None:
        self._path = path
        self._user = user
        self._origin = origin
        self.socket: ApplicationCommunicator

    async def __aenter__(self) -> "Viewer":
        headers = [(b"host", b"testserver"), (b"origin", self._origin.encode())]
        if self._user:
            client = Client()
            await sync_to_async(client.force_login)(self._user)
            name = settings.SESSION_COOKIE_NAME
            headers.append((b"cookie", f"{name}={client.cookies[name].value}".encode()))
        application = AuthMiddlewareStack(URLRouter(websocket_urlpatterns))
        path, _, query = self._path.partition("?")
        scope = {"type": "websocket", "path": path, "query_string": query.encode(), "headers": headers, "subprotocols": []}
        self.socket = ApplicationCommunicator(application, scope)
        await self.socket.send_input({"type": "websocket.connect"})
        assert (await self.socket.receive_output(timeout=PATIENCE))["type"] == "websocket.accept"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.socket.send_input({"type": "websocket.disconnect", "code": 1001})
        await self.socket.wait(timeout=PATIENCE)

    async def hear(self) -> dict[str, Any]:
        """The next message."""
        said: dict[str, Any] = json.loads((await self.socket.receive_output(timeout=PATIENCE))["text"])
        return said

    async def hear_of(self, kind: str) -> dict[str, Any]:
        """The next message of one type; others are passed over."""
        while (message := await self.hear())["type"] != kind:
            pass
        return message

    async def cursors_until(self, last: int) -> list[int]:
        """Cursors of all events up to `last`, as they come."""
        seen: list[int] = []
        while not seen or seen[-1] < last:
            seen += [item["cursor"] for item in (await self.hear_of("events"))["items"]]
        return seen

    async def closed_with(self) -> int:
        """Waits for the server to close: its code."""
        while (output := await self.socket.receive_output(timeout=PATIENCE))["type"] != "websocket.close":
            pass
        code: int = output["code"]
        return code


def run_path(run: Run, after: int = 0, epoch: str | None = None) -> str:
    return f"/ws/runs/{run.id}?after={after}&epoch={run.epoch if epoch is None else epoch}"


async def ship_many(run: Run, events: list[Event], *, batch: int = 1) -> None:
    for start in range(0, len(events), batch):
        await ship(run.id, 1, events[start : start + batch])

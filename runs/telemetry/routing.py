"""Addresses of the sockets."""

from channels.generic.websocket import AsyncWebsocketConsumer
from django.urls import URLPattern, path, re_path

from runs.telemetry.consumers import ProjectConsumer, RunConsumer
from runs.telemetry.entry import UNKNOWN


class NoSuchSocket(AsyncWebsocketConsumer):  # type: ignore[misc]
    """An address that means nothing is answered as one that is not yours to see."""

    async def connect(self) -> None:
        await self.accept()
        await self.close(UNKNOWN)


websocket_urlpatterns: list[URLPattern] = [
    path("ws/runs/<str:run_id>", RunConsumer.as_asgi()),
    path("ws/projects/<str:project_id>", ProjectConsumer.as_asgi()),
    re_path(r"", NoSuchSocket.as_asgi()),
]

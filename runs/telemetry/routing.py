"""Addresses of the sockets."""

from django.urls import URLPattern, path

from runs.telemetry.consumers import ProjectConsumer, RunConsumer

websocket_urlpatterns: list[URLPattern] = [
    path("ws/runs/<str:run_id>", RunConsumer.as_asgi()),
    path("ws/projects/<str:project_id>", ProjectConsumer.as_asgi()),
]

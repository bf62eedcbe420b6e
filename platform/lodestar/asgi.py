"""The web server's entry: HTTP to Django, sockets to the telemetry room. `uvicorn lodestar.asgi:application`."""

import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lodestar.settings")
http = get_asgi_application()

from runs.telemetry.routing import websocket_urlpatterns  # noqa: E402 - needs the applications that the line above loads

application = ProtocolTypeRouter({"http": http, "websocket": AuthMiddlewareStack(URLRouter(websocket_urlpatterns))})

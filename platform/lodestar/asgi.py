"""The web server's entry: HTTP to Django, sockets to the telemetry room. `uvicorn lodestar.asgi:application`."""

import os
import tempfile

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lodestar.settings")
http = get_asgi_application()

from django.conf import settings  # noqa: E402 - named by the lines above

from lodestar.bodies import BodyLimit  # noqa: E402 - needs the settings
from lodestar.threads import KeptThreads  # noqa: E402 - needs the settings
from runs.telemetry.routing import websocket_urlpatterns  # noqa: E402 - needs the applications that Django has loaded

# Django keeps a body that is on its way in in the system's temporary directory, whatever its own setting says.
tempfile.tempdir = str(settings.FILE_UPLOAD_TEMP_DIR)
sockets = AuthMiddlewareStack(URLRouter(websocket_urlpatterns))
application = BodyLimit(ProtocolTypeRouter({"http": KeptThreads(http), "websocket": sockets}))

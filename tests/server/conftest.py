"""A real Redis for limits and sockets."""

from typing import Any

import pytest


@pytest.fixture(autouse=True)
def redis_at_hand(settings: Any, redis_server: Any) -> None:
    settings.REDIS_URL = redis_server.url
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": redis_server.url}}
    layer = {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [redis_server.url]}}
    settings.CHANNEL_LAYERS = {"default": layer}

"""Django's settings, made from the environment (see environment.py)."""

import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from redis.backoff import NoBackoff
from redis.retry import Retry

from lodestar.environment import ROOT, make_home, read_environment
from lodestar.logs import logging_config
from lodestar.redis_address import embedded_socket

ENVIRONMENT = read_environment()
HOME = ENVIRONMENT.home
os.umask(0o077)  # a state directory that somebody made readable for all must not lay open sessions, hashes and data
make_home(HOME)


def _secret_key() -> str:
    """LODESTAR_SECRET_KEY, else a key made once for this state directory and readable by its owner only."""
    if ENVIRONMENT.secret_key:
        return ENVIRONMENT.secret_key
    path = HOME / "secret-key"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii")
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(48))
    return path.read_text(encoding="ascii")


SECRET_KEY = _secret_key()
DEBUG = ENVIRONMENT.debug
PORT = ENVIRONMENT.port
PUBLIC_URL = ENVIRONMENT.public_url
ALLOWED_HOSTS = [*ENVIRONMENT.allowed_hosts, urlparse(PUBLIC_URL).hostname or "localhost"]
CSRF_TRUSTED_ORIGINS = [*ENVIRONMENT.trusted_origins, PUBLIC_URL]

ROOMS = [
    "accounts", "jobs", "datasets", "library", "algorithms", "rewards", "launches", "telemetry",
    "annotation", "trials", "evaluation", "playground", "recipes",
]  # fmt: skip
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "ninja",  # its Swagger files are served from here, not from somebody else's server
    "channels",
    "lodestar",
    *[f"runs.{room}" for room in ROOMS],
]
MIDDLEWARE = [
    "lodestar.requests.RequestMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "runs.accounts.idempotency.IdempotencyMiddleware",
]
ROOT_URLCONF = "lodestar.urls"
ASGI_APPLICATION = "lodestar.asgi.application"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
USE_TZ = True
TIME_ZONE = "UTC"
LOGGING_CONFIG = None
logging_config(ENVIRONMENT.log_level)

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name")},
    },
]

HTTPS = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_NAME = "lodestar_session"
SESSION_COOKIE_AGE = 14 * 86_400
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_NAME = "lodestar_csrf"
CSRF_COOKIE_HTTPONLY = True  # the browser's application reads the token from GET /session
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# WhiteNoise serves the built front end as it lies; nothing is collected or renamed.
FRONTEND = ROOT / "frontend" / "dist"
STATIC_URL = "/static/"
STATIC_ROOT = FRONTEND
WHITENOISE_USE_FINDERS = True
WHITENOISE_IMMUTABLE_FILE_TEST = r"^/static/assets/.+-[\w-]{8}\.\w+$"

# Request bodies wait here, on the state directory's disk: /tmp is memory on many hosts.
FILE_UPLOAD_TEMP_DIR = HOME / "uploads" / "incoming"
FILE_UPLOAD_TEMP_DIR.mkdir(parents=True, exist_ok=True)
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 2**20
UPLOAD_LIMIT_BYTES = ENVIRONMENT.upload_limit_bytes
# Directories below which editors may register models by path. Administrators may anywhere.
MODEL_ROOTS = [Path(root) for root in ENVIRONMENT.model_roots.split(":") if root] + [HOME / "models"]
LEASE_SECONDS = ENVIRONMENT.lease_seconds
SLOTS, SERVE_SLOTS, JOB_SLOTS = ENVIRONMENT.slots, ENVIRONMENT.serve_slots, ENVIRONMENT.job_slots
ENGINE_COMMAND = ENVIRONMENT.engine_command
COMMIT = ENVIRONMENT.commit


def _database(url: str, *, pool: bool) -> dict[str, object]:
    """Postgres by address, else SQLite in the state directory: WAL, and writers that queue instead of failing (D14)."""
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": HOME / "db.sqlite3",
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=20000;",
            },
        }
    parts = urlparse(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        # Each request has a thread of its own; without a pool each would open a connection of its own.
        "OPTIONS": {"pool": {"min_size": 1, "max_size": 20, "timeout": 10}} if pool else {},
    }


DATABASES = {"default": _database(ENVIRONMENT.database_url, pool=ENVIRONMENT.database_pool)}
REDIS_URL = ENVIRONMENT.redis_url or f"unix://{embedded_socket(HOME)}"
CHANNEL_LAYERS = {
    "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [REDIS_URL]}},
}
# Counters of limits live here. A Redis that is down is noticed at once: nobody waits for retries.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {
            "serializer": "lodestar.plain_cache.JsonSerializer",
            "socket_timeout": 2,
            "socket_connect_timeout": 2,
            "retry": Retry(NoBackoff(), 0),
        },
    },
}

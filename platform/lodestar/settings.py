"""Settings of the whole site, from the environment, each with a default (see docs/operations.md)."""

import os
import secrets
from pathlib import Path
from urllib.parse import unquote, urlparse

ROOT = Path(__file__).resolve().parents[2]
HOME = Path(os.environ.get("LODESTAR_HOME", ROOT / ".lodestar")).resolve()
HOME.mkdir(parents=True, exist_ok=True, mode=0o700)


def _secret_key() -> str:
    """LODESTAR_SECRET_KEY, else a key made once for this state directory and readable by its owner only."""
    if key := os.environ.get("LODESTAR_SECRET_KEY"):
        return key
    path = HOME / "secret-key"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii")
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(48))
    return path.read_text(encoding="ascii")


SECRET_KEY = _secret_key()
DEBUG = os.environ.get("LODESTAR_DEBUG", "") == "1"
LEASE_SECONDS = float(os.environ.get("LODESTAR_LEASE_SECONDS", "30"))
PORT = int(os.environ.get("LODESTAR_PORT", "8000"))
ALLOWED_HOSTS = os.environ.get("LODESTAR_ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]").split(",")
CSRF_TRUSTED_ORIGINS = [origin for origin in os.environ.get("LODESTAR_TRUSTED_ORIGINS", "").split(",") if origin]

ROOMS = ["accounts", "jobs", "datasets", "library", "algorithms", "launches", "telemetry"]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "channels",
    *[f"runs.{room}" for room in ROOMS],
]
AUTH_USER_MODEL = "accounts.User"
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "lodestar.urls"
ASGI_APPLICATION = "lodestar.asgi.application"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "static/"
# Request bodies wait here, on the state directory's disk: /tmp is memory on many hosts.
FILE_UPLOAD_TEMP_DIR = HOME / "uploads" / "incoming"
FILE_UPLOAD_TEMP_DIR.mkdir(parents=True, exist_ok=True)
UPLOAD_LIMIT_BYTES = int(os.environ.get("LODESTAR_UPLOAD_LIMIT_BYTES", str(50 * 2**30)))
# Directories, separated by ":", below which editors may register models by path. Administrators may anywhere.
MODEL_ROOTS = [Path(root) for root in os.environ.get("LODESTAR_MODEL_ROOTS", "").split(":") if root] + [HOME / "models"]


def _database() -> dict[str, object]:
    """LODESTAR_DATABASE_URL (postgres://user:password@host:port/name), else SQLite in the state directory (D14)."""
    url = os.environ.get("LODESTAR_DATABASE_URL")
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
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
    }


DATABASES = {"default": _database()}
REDIS_URL = os.environ.get("LODESTAR_REDIS_URL", f"unix://{HOME / 'redis' / 'redis.sock'}")
CHANNEL_LAYERS = {
    "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [REDIS_URL]}},
}

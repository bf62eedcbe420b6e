"""Everything a site can set: one environment variable each, with a default. docs/operations.md lists the same."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlparse

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

ROOT = Path(__file__).resolve().parents[2]
Words = Annotated[list[str], NoDecode]
SHORTEST_KEY = 32


class Environment(BaseSettings):
    """LODESTAR_<NAME> for each field; an empty variable counts as not set."""

    model_config = SettingsConfigDict(env_prefix="LODESTAR_", env_ignore_empty=True, extra="ignore")

    home: Path = Field(default=ROOT / ".lodestar", description="The one directory that holds all state.")
    host: str = Field(default="127.0.0.1", description="Address the web server listens on.")
    port: int = Field(default=8000, ge=1, le=65535, description="Port the web server listens on.")
    public_url: str = Field(default="", description="Address people use; http://127.0.0.1:PORT when empty. https:// turns on secure cookies and HSTS.")
    database_url: str = Field(default="", description="postgres://user:password@host:port/name; SQLite in the state directory when empty.")
    redis_url: str = Field(default="", description="redis://…, rediss://… or unix://…; `lodestar up` starts a private server when empty.")
    secret_key: str = Field(default="", description=f"Signs sessions; at least {SHORTEST_KEY} characters. Made once for the state directory when empty.")
    allowed_hosts: Words = Field(default=["127.0.0.1", "localhost", "[::1]"], description="Host names the server answers to, separated by commas.")
    trusted_origins: Words = Field(default=[], description="Origins that may send forms and open sockets, such as https://lodestar.example.org, separated by commas.")
    web_processes: int = Field(default=1, ge=1, le=64, description="Web server processes. More than one pays with Postgres on several cores.")
    slots: int = Field(default=0, ge=0, le=64, description="Runs without GPUs at once on this host; 0: one for every four cores, at least one.")
    serve_slots: int = Field(default=2, ge=0, le=64, description="Models without GPUs held ready for chats at once on this host, beside its runs.")
    job_slots: int = Field(default=0, ge=0, le=64, description="Short jobs at once on this host; 0: one a core, at least two.")
    engine_command: str = Field(default="", description="What starts the engine instead of this Python's `-m workers.engine`; spec and options follow it. Wraps it: `numactl -N 0 python -m workers.engine`.")
    commit: str = Field(default="", description="Commit that runs name as where they come from; the checkout's own when empty. Images carry it.")
    database_pool: bool = Field(default=False, description="Keep Postgres connections open between requests; `lodestar web` turns it on.")
    lease_seconds: int = Field(default=30, ge=3, le=600, description="How long a worker may be silent before its run passes to another.")
    upload_limit_bytes: int = Field(default=50 * 2**30, ge=1, description="Largest file somebody may upload.")
    model_roots: str = Field(default="", description="Directories, separated by :, below which editors may register models by path.")
    judge_hosts: Words = Field(default=[], description="Hosts (host or host:port, separated by commas) that LLM judges may be asked at though their addresses are private.")
    judge_keys: Words = Field(default=[], description="Keys that judges may use, each with its host: NAME@host or NAME@host:port, separated by commas; NAME is an environment variable of the workers.")
    reference_cache: str = Field(default="", description="Directory where workers keep what reference models said of stored answers, for later runs of the same model and data; nothing is kept when empty.")
    reward_code: Literal["sandbox", "off"] = Field(default="sandbox", description="`off` refuses people's own Python rewards on this worker; `sandbox` runs them locked in, or refuses where that cannot be had.")
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="DEBUG, INFO, WARNING or ERROR.")
    debug: bool = Field(default=False, description="1 shows tracebacks to the browser. Only on your own machine.")

    @field_validator("allowed_hosts", "trusted_origins", "judge_hosts", "judge_keys", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("secret_key")
    @classmethod
    def _long_enough(cls, value: str) -> str:
        if value and len(value) < SHORTEST_KEY:
            raise ValueError(f"has {len(value)} characters; give at least {SHORTEST_KEY} random ones, or leave it empty")
        return value

    @field_validator("database_url")
    @classmethod
    def _postgres(cls, value: str) -> str:
        parts = urlparse(value)
        if value and (parts.scheme not in ("postgres", "postgresql") or not parts.path.strip("/")):
            raise ValueError("is no Postgres address; write postgres://user:password@host:5432/name")
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: str) -> str:
        if value and urlparse(value).scheme not in ("redis", "rediss", "unix"):
            raise ValueError("is no Redis address; write redis://host:6379/0 or unix:///path/redis.sock")
        return value

    @field_validator("trusted_origins")
    @classmethod
    def _origins(cls, value: list[str]) -> list[str]:
        for origin in value:
            if urlparse(origin).scheme not in ("http", "https") or origin.endswith("/"):
                raise ValueError(f"{origin} is no origin; write https://lodestar.example.org")
        return value

    @field_validator("judge_keys")
    @classmethod
    def _bound(cls, value: list[str]) -> list[str]:
        for entry in value:
            name, _, host = entry.partition("@")
            if not name or not host or "/" in host:
                raise ValueError(f"{entry} names no key of a host; write OPENAI_API_KEY@api.openai.com")
        return value

    @model_validator(mode="after")
    def _public(self) -> "Environment":
        if not self.public_url:
            self.public_url = f"http://127.0.0.1:{self.port}"
        if urlparse(self.public_url).scheme not in ("http", "https"):
            raise ValueError("LODESTAR_PUBLIC_URL is no address; write https://lodestar.example.org")
        self.public_url = self.public_url.rstrip("/")
        self.home = self.home.expanduser().resolve()
        return self


def read_environment() -> Environment:
    """The variables as set. Ends the process with one line for each that cannot be used."""
    try:
        return Environment()
    except ValidationError as error:
        sys.exit("\n".join(_line(fault) for fault in error.errors()))


def make_home(home: Path) -> None:
    """Makes the state directory, readable by its owner only. Ends the process with one line when it cannot be written."""
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        why = "" if os.access(home, os.W_OK | os.X_OK) else "Permission denied"
    except OSError as error:
        why = error.strerror or str(error)
    if why:
        sys.exit(f"LODESTAR_HOME: {home} cannot be written to ({why}). Set it to a directory that you may write to.")


def _line(fault: Any) -> str:
    name = "".join(f"LODESTAR_{str(part).upper()}: " for part in fault["loc"][:1])
    return name + str(fault["msg"]).removeprefix("Value error, ") + "."

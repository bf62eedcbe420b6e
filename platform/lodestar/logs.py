"""Logs as JSON lines on standard error, Django's and libraries' included, with secrets taken out."""

import logging.config
import re
from typing import Any

import structlog

SECRET_NAMES = re.compile(r"(authorization|password|secret|cookie|csrf|^token$|api_key|ticket)", re.IGNORECASE)
SECRET_VALUES = re.compile(r"lds_[a-z2-7]{20,}|(?<=://)[^/@\s]*:[^/@\s]*(?=@)")
REMOVED = "[removed]"


def without_secrets(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Takes out values under telling names, and tokens and passwords of addresses wherever they stand in text."""
    return {name: _clean(name, value) for name, value in event.items()}


def _clean(name: str, value: Any) -> Any:
    if SECRET_NAMES.search(name):
        return REMOVED
    if isinstance(value, dict):
        return {inner: _clean(str(inner), kept) for inner, kept in value.items()}
    if isinstance(value, list | tuple):
        return [_clean("", kept) for kept in value]
    return SECRET_VALUES.sub(REMOVED, value) if isinstance(value, str) else value


SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]


def logging_config(level: str) -> None:
    """Sends structlog's and the standard library's records through one formatter."""
    final = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, without_secrets, structlog.processors.JSONRenderer()]
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "processors": final,
        "foreign_pre_chain": [*SHARED, structlog.stdlib.ExtraAdder(allow=[])],
    }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": formatter},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
            "root": {"handlers": ["stderr"], "level": level},
            # Its lines repeat what the request's own line says, with the query string that may hold a ticket.
            "loggers": {
                "django.request": {"level": "ERROR"}, "uvicorn.access": {"level": "WARNING"},
                "httpx": {"level": "WARNING"},
            },
        }
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )

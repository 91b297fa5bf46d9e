"""How the site logs: one JSON object a line to standard error, without secrets."""

from typing import Any

# One line for each wake-up, each second, says nothing.
_CHATTY = ("celery.worker.strategy", "celery.app.trace", "celery.beat", "spyne", "pikepdf")


def at(level: str) -> dict[str, Any]:
    """Django's LOGGING."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "gateway.logs.JsonFormatter"}},
        "filters": {"request": {"()": "gateway.logs.RequestFilter"}, "secrets": {"()": "gateway.logs.SecretsFilter"}},
        "handlers": {
            "out": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["request", "secrets"]},
        },
        "root": {"handlers": ["out"], "level": level},
        "loggers": {
            "django.request": {"level": "ERROR"},
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            **{name: {"level": "WARNING"} for name in _CHATTY},
        },
    }

"""Logs: one JSON object a line, with the request's id and caller, and never a secret."""

import logging
import re
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonEncoder
from pythonjsonlogger.json import JsonFormatter as BaseJsonFormatter

from gateway.caller import Caller

REDACTED = "[redacted]"

_NAMES = (
    r"client[-_]?hash[-_]?key|proxy-authorization|authorization|password|passwd|whsec|secret[-_]?key|webhook[-_]?secret"
    r"|client[-_]?secret|secret|access[-_]?token|refresh[-_]?token|user[-_]?token|token|api[-_]?key|cookie|sessionid"
)
_SECRET_NAME = re.compile(rf"(?:^|[^a-z])(?:x-)?(?:{_NAMES})$|^(?:{_NAMES})", re.IGNORECASE)
_SECRET_IN_TEXT = re.compile(
    # name = value, "name": "value", name: Scheme value
    rf"""(?P<name>(?:{_NAMES})["']?\s*[=:]\s*)(?P<quote>["']?)(?:(?:jwt|bearer|basic|aws)\s+)?[^\s"',;&}})\]]+"""
    # our own keys, webhook secrets and signed tokens, wherever they stand
    r"|\bhk_[\w-]{20,}|\bwhsec_[\w+/=-]{16,}|\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*"
    # user:password@host
    r"|(?P<user>://[^\s/:@]*:)[^\s/@]+(?=@)",
    re.IGNORECASE,
)
_STANDARD = frozenset(RESERVED_ATTRS) | {"message", "request_id", "client"}


@dataclass(slots=True)
class Trace:
    """What the lines of one request (or task) have in common."""

    request_id: str
    client: str = ""
    user: str = ""


current_trace: ContextVar[Trace | None] = ContextVar("current_trace", default=None)


def note_caller(caller: Caller) -> None:
    """From here on the request's lines name who called."""
    if (trace := current_trace.get()) is not None:
        trace.client = caller.client_name
        trace.user = caller.user_name


def redact(text: str) -> str:
    """``text`` without the secrets in it."""
    return _SECRET_IN_TEXT.sub(_without_secret, text)


class RequestFilter(logging.Filter):
    """Gives each record the id of its request and the client's name."""

    def filter(self, record: logging.LogRecord) -> bool:
        if (trace := current_trace.get()) is not None:
            record.request_id = trace.request_id
            record.client = trace.client
        return True


class SecretsFilter(logging.Filter):
    """Takes secrets out of the message and of everything logged beside it."""

    def filter(self, record: logging.LogRecord) -> bool:
        # The access log marks its lines so: it holds nothing a caller could have put a secret into.
        if getattr(record, "is_clean", False):
            return True
        if isinstance(record.msg, dict):
            record.msg = _clean("", record.msg)
        else:
            record.msg, record.args = redact(record.getMessage()), ()
        for name, value in list(record.__dict__.items()):
            if name not in _STANDARD:
                record.__dict__[name] = _clean(name, value)
        return True


class JsonFormatter(BaseJsonFormatter):
    """``{"time", "level", "logger", "message", "request_id", "client", …extras, "exc_info"}`` on one line."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("reserved_attrs", [*RESERVED_ATTRS, "is_clean", "request", "response"])
        super().__init__(*args, **kwargs)

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        log_data["time"] = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        log_data["level"] = record.levelname
        log_data["logger"] = record.name
        log_data["message"] = record.message
        super().add_fields(log_data, record, message_dict)

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        # A traceback's last line quotes what the exception was told.
        if "exc_info" in log_data:
            log_data["exc_info"] = redact(_OF_ROWS.sub("", str(log_data["exc_info"])))
        return log_data

    def jsonify_log_record(self, log_data: dict[str, Any]) -> str:
        # One encoder, made once; ASCII, so that no line separator of Unicode ends a line for some reader.
        return _ENCODER.encode(log_data)


# What PostgreSQL adds to an error: the row itself, with all that somebody wrote in it.
_OF_ROWS = re.compile(r"^DETAIL: .*\n?", re.MULTILINE)
_ENCODER = JsonEncoder(ensure_ascii=True, separators=(",", ":"))


def _without_secret(found: re.Match[str]) -> str:
    if name := found["name"]:
        return f"{name}{found['quote']}{REDACTED}"
    return f"{found['user'] or ''}{REDACTED}"


def _clean(name: str, value: Any) -> Any:
    if name and isinstance(value, str | bytes | list | tuple | dict) and _SECRET_NAME.search(name):
        return REDACTED
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {key: _clean(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean("", item) for item in value]
    return value

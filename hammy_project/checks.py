"""System checks: what an operator can get wrong in the environment, each with an id (docs/operators/settings.md)."""

import base64
import ipaddress
import os
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from sending.addresses import is_valid
from sending.signing import Unusable, is_configured, load
from sending.stores import stores

_AT_LEAST_ONE = (
    "HAMMY_BROWSERS_PER_MINUTE",
    "HAMMY_AMQP_BATCH",
    "HAMMY_AMQP_PREFETCH",
    "HAMMY_CLAIM_SIZE",
    "HAMMY_KEY_OVERLAP_HOURS",
    "HAMMY_LOGIN_HOURS",
    "HAMMY_LETTER_PAGES",
    "HAMMY_MAX_ATTACHMENT_BYTES",
    "HAMMY_MAX_LETTER_BYTES",
    "HAMMY_MAX_MAIL_BYTES",
    "HAMMY_MAX_REQUEST_BYTES",
    "HAMMY_MAX_SCHEDULE_BYTES",
    "HAMMY_MAX_UPLOAD_BYTES",
    "HAMMY_PRINT_BATCH_LETTERS",
    "HAMMY_RETRY_ATTEMPTS",
    "HAMMY_SIGNING_MAX_BYTES",
    "HAMMY_SMTP_MESSAGES_PER_CONNECTION",
    "HAMMY_TEMPLATE_OUTPUT",
    "HAMMY_TOKEN_MINUTES",
    "AXES_FAILURE_LIMIT",
    "LONG_WORKER_PROCESSES",
    "NOTIFIER_PROCESSES",
    "WEB_THREADS",
    "WEB_WORKERS",
    "WORKER_PROCESSES",
)
_ABOVE_ZERO = (
    "AXES_COOLOFF_TIME",
    "HAMMY_BODY_SECONDS",
    "HAMMY_JOB_HEARTBEAT_SECONDS",
    "HAMMY_LANE_CAP_SECONDS",
    "HAMMY_LANE_FIRST_SECONDS",
    "HAMMY_LEASE_SECONDS",
    "HAMMY_LETTER_SECONDS",
    "HAMMY_PRINT_BATCH_MINUTES",
    "HAMMY_RETRY_AGE_SECONDS",
    "HAMMY_RETRY_CAP_SECONDS",
    "HAMMY_RETRY_FIRST_SECONDS",
    "HAMMY_SCHEDULE_LATE_SECONDS",
    "HAMMY_SIGNING_SECONDS",
    "HAMMY_SMTP_COMMAND_TIMEOUT",
    "HAMMY_SMTP_CONNECT_TIMEOUT",
    "HAMMY_SMTP_FINAL_DOT_TIMEOUT",
    "HAMMY_TEMPLATE_SECONDS",
    "HAMMY_TRIGGER_LATE_SECONDS",
    "HAMMY_WAKE_SECONDS",
)
_NOT_NEGATIVE = (
    "CONSUMER_PROCESSES",
    "CONN_MAX_AGE",
    "HAMMY_AMQP_GATHER_SECONDS",
    "HAMMY_CALLER_CACHE_SECONDS",
    "HAMMY_JOB_GRACE_SECONDS",
    "HAMMY_MAX_SCHEDULES",
    "HAMMY_SUBSCRIPTIONS_PER_CLIENT",
    "SECURE_HSTS_SECONDS",
)
# What settings.py calls otherwise than the environment does.
_VARIABLES = {
    "AXES_FAILURE_LIMIT": "HAMMY_LOGIN_FAILURES",
    "AXES_COOLOFF_TIME": "HAMMY_LOGIN_COOLOFF_HOURS",
    "WEB_PORT": "PORT",
}
_DOMAIN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_LISTEN = re.compile(r"(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}")
_HIGHEST_PORT = 65535
# Twice as long as a call may take, nearly: one may begin a little after its target was taken up.
_SHORTEST_LEASE = 25


@checks.register(deploy=True)
def secrets(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterator[checks.CheckMessage]:
    """E001: every host of a site must know the same secret key. A single host may live with the one it keeps itself,
    so this is asked of deployments alone."""
    if not settings.IS_SECRET_KEY_GIVEN and not settings.IS_EMBEDDED_DATABASE:
        yield checks.Error(
            "SECRET_KEY is not set, though the database is a server's",
            hint="Give every host the same SECRET_KEY (or SECRET_KEY_FILE): it seals the clients' secrets.",
            id="hammy.E001",
        )


@checks.register
def addresses(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterator[checks.CheckMessage]:
    """E002, E010, E011, E018: who we say we are."""
    url = urlsplit(settings.HAMMY_PUBLIC_URL)
    if url.scheme not in {"http", "https"} or not url.hostname or url.query or url.fragment:
        yield checks.Error(
            f"HAMMY_PUBLIC_URL is no address: {settings.HAMMY_PUBLIC_URL}",
            hint="Such as https://letters.example.org: the address at which clients and people reach this site.",
            id="hammy.E002",
        )
    try:
        validate_email(settings.HAMMY_FROM_ADDRESS.replace("@localhost", "@localhost.localdomain"))
    except ValidationError:
        yield checks.Error(f"HAMMY_FROM_ADDRESS is no e-mail address: {settings.HAMMY_FROM_ADDRESS}", id="hammy.E010")
    if settings.HAMMY_BOUNCE_ADDRESS and not is_valid(settings.HAMMY_BOUNCE_ADDRESS):
        yield checks.Error(
            f"HAMMY_BOUNCE_ADDRESS is no e-mail address: {settings.HAMMY_BOUNCE_ADDRESS}", id="hammy.E018"
        )
    if not _DOMAIN.fullmatch(settings.HAMMY_MESSAGE_ID_DOMAIN):
        yield checks.Error(f"HAMMY_MESSAGE_ID_DOMAIN is no domain: {settings.HAMMY_MESSAGE_ID_DOMAIN}", id="hammy.E011")


@checks.register
def networks(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterator[checks.CheckMessage]:
    """E004, E005: networks and ports."""
    for name in ("HAMMY_METRICS_NETWORKS", "HAMMY_OUTBOUND_NETWORKS"):
        for text in getattr(settings, name):
            try:
                ipaddress.ip_network(text)
            except ValueError as error:
                yield checks.Error(
                    f"{name}: {error}", hint="Such as 10.0.0.0/8 or fd00::/8, separated by commas.", id="hammy.E004"
                )
    listen = settings.HAMMY_METRICS_LISTEN
    if listen and not _LISTEN.fullmatch(listen):
        yield checks.Error(f"HAMMY_METRICS_LISTEN is no host:port: {listen}", id="hammy.E005")
    for name, ports in (("HAMMY_OUTBOUND_PORTS", settings.HAMMY_OUTBOUND_PORTS), ("WEB_PORT", [settings.WEB_PORT])):
        if wrong := [port for port in ports if not 1 <= port <= _HIGHEST_PORT]:
            yield checks.Error(f"{_VARIABLES.get(name, name)}: no port: {wrong}", id="hammy.E005")


@checks.register
def folders(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterator[checks.CheckMessage]:
    """E006: where files are kept must be ours to write, or ours to make."""
    for name in ("VAR_DIR", "HAMMY_EXTERNAL_ROOT", "HAMMY_INCOMING", "HAMMY_SPOOL"):
        path = Path(getattr(settings, name))
        nearest = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
        if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
            yield checks.Error(
                f"{name}: {path} cannot be written", hint="Make it, and give it to the user we run as.", id="hammy.E006"
            )


@checks.register
def archives(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterator[checks.CheckMessage]:
    """E017: where letters are archived that do not say where."""
    if settings.HAMMY_ARCHIVE_TARGET not in stores():
        yield checks.Error(
            f"HAMMY_ARCHIVE_TARGET must be one of {', '.join(stores())}: {settings.HAMMY_ARCHIVE_TARGET}",
            id="hammy.E017",
        )


@checks.register
def numbers(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterator[checks.CheckMessage]:
    """E007–E009, E013, E019: times, sizes and counts, and those that must fit each other."""
    if settings.HAMMY_LEASE_SECONDS <= settings.HAMMY_SMTP_FINAL_DOT_TIMEOUT + settings.HAMMY_SMTP_COMMAND_TIMEOUT:
        yield checks.Error(
            "HAMMY_LEASE_SECONDS must be above HAMMY_SMTP_FINAL_DOT_TIMEOUT plus HAMMY_SMTP_COMMAND_TIMEOUT",
            hint="Else a worker that waits for a slow mail server is taken for dead.",
            id="hammy.E007",
        )
    for names, is_right, words in (
        (_AT_LEAST_ONE, lambda value: value >= 1, "at least 1"),
        (_ABOVE_ZERO, lambda value: value > 0, "above 0"),
        (_NOT_NEGATIVE, lambda value: value >= 0, "0 or more"),
    ):
        for name in names:
            value = _value(name)
            if not is_right(value):
                yield checks.Error(f"{_VARIABLES.get(name, name)} must be {words}: {value}", id="hammy.E008")
    for first, cap in (
        ("HAMMY_RETRY_FIRST_SECONDS", "HAMMY_RETRY_CAP_SECONDS"),
        ("HAMMY_LANE_FIRST_SECONDS", "HAMMY_LANE_CAP_SECONDS"),
    ):
        if getattr(settings, first) > getattr(settings, cap):
            yield checks.Error(f"{first} must not be above {cap}", id="hammy.E009")
    for name in (
        "HAMMY_RETENTION_DAYS",
        "HAMMY_CONTENT_DAYS",
        "HAMMY_JOB_RETENTION_DAYS",
        "HAMMY_DELIVERY_RETENTION_DAYS",
        "HAMMY_SCHEDULE_RETENTION_DAYS",
        "HAMMY_IMPORT_FILE_DAYS",
        "HAMMY_SUBSCRIPTION_RETENTION_DAYS",
    ):
        days = getattr(settings, name)
        if days != -1 and days < 1:
            yield checks.Error(f"{name} must be -1 (keep for ever) or at least 1: {days}", id="hammy.E013")
    if settings.HAMMY_SUPPRESS_DAYS < -1:
        yield checks.Error(
            f"HAMMY_SUPPRESS_DAYS must be -1 (for ever), 0 (never) or above: {settings.HAMMY_SUPPRESS_DAYS}",
            id="hammy.E019",
        )


@checks.register
def jobs(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterator[checks.CheckMessage]:
    """E014–E016: how long a worker may be silent, the site's own job classes, who gets the statistics."""
    if settings.HAMMY_JOB_LOST_SECONDS <= 2 * settings.HAMMY_JOB_HEARTBEAT_SECONDS:
        yield checks.Error(
            "HAMMY_JOB_LOST_SECONDS must be above twice HAMMY_JOB_HEARTBEAT_SECONDS",
            hint="Else a worker whose heartbeat is a little late is taken for dead.",
            id="hammy.E014",
        )
    for name in settings.HAMMY_JOB_CLASSES:
        try:
            import_module(name)
        except Exception as error:
            # Whatever a site's own module does when it is imported, no worker could start with it.
            yield checks.Error(f"HAMMY_JOB_CLASSES: {name} cannot be imported: {error}", id="hammy.E015")
    for address in settings.HAMMY_REPORT_RECIPIENTS:
        try:
            validate_email(address)
        except ValidationError:
            yield checks.Error(f"HAMMY_REPORT_RECIPIENTS: no e-mail address: {address}", id="hammy.E016")


@checks.register
def notifications(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterator[checks.CheckMessage]:
    """E050–E052: what signs the house's own callbacks, and how long a notifier or a target may be silent."""
    if not _is_webhook_secret(settings.HAMMY_WEBHOOK_SECRET):
        yield checks.Error(
            "HAMMY_WEBHOOK_SECRET must be whsec_ and 24 to 64 bytes in base64",
            hint="Make the second part: openssl rand -base64 32",
            id="hammy.E050",
        )
    if settings.HAMMY_DELIVERY_LEASE_SECONDS < _SHORTEST_LEASE:
        yield checks.Error(
            f"HAMMY_DELIVERY_LEASE_SECONDS must be at least {_SHORTEST_LEASE}: "
            f"{settings.HAMMY_DELIVERY_LEASE_SECONDS:g}",
            hint="Else a notifier that waits for a slow target is taken for dead, and the target called twice.",
            id="hammy.E051",
        )
    days = settings.HAMMY_DISABLE_TARGET_DAYS
    if days != -1 and days <= 0:
        yield checks.Error(f"HAMMY_DISABLE_TARGET_DAYS must be -1 (never) or above 0: {days:g}", id="hammy.E052")


def _is_webhook_secret(text: str) -> bool:
    """Whether it signs; an empty one is made of SECRET_KEY."""
    if not text:
        return True
    try:
        key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except ValueError:
        return False
    return text.startswith("whsec_") and 24 <= len(key) <= 64


@checks.register
def letters(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterator[checks.CheckMessage]:
    """E033, E034: how printed letters look, and what kinds there are."""
    fonts = settings.HAMMY_LETTER_FONTS
    if fonts and not Path(fonts).is_dir():
        yield checks.Error(f"HAMMY_LETTER_FONTS is no folder: {fonts}", id="hammy.E033")
    if not settings.HAMMY_LETTER_TYPES:
        yield checks.Error(
            "HAMMY_LETTER_TYPES is empty: no printed letter could be sent",
            hint="Such as NORMAL,PRIORITY,REGISTERED,REGISTERED_RETURN_RECEIPT.",
            id="hammy.E034",
        )


@checks.register
def signing(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterator[checks.CheckMessage]:
    """E030, E031, W030–W032: the key that signs, and the certificate that vouches for it."""
    if not is_configured():
        if settings.HAMMY_SIGNING_KEY:
            yield checks.Error("HAMMY_SIGNING_KEY is set without HAMMY_SIGNING_CERTIFICATE", id="hammy.E030")
        return
    try:
        identity = load()
    except Unusable as error:
        yield checks.Error(str(error), hint="See docs/operators.md, Signing.", id="hammy.E030")
        return
    for flaw in identity.flaws():
        yield checks.Error(f"HAMMY_SIGNING_CERTIFICATE: {flaw}", id="hammy.E031")
    # Only warned of, or a site could not be started again to send what needs no signature.
    if words := identity.is_out_of_time(datetime.now(UTC)):
        yield checks.Warning(f"HAMMY_SIGNING_CERTIFICATE: {words}: letters that must be signed wait", id="hammy.W030")
    if not identity.is_for(settings.HAMMY_FROM_ADDRESS):
        yield checks.Warning(
            f"HAMMY_FROM_ADDRESS is not in the signing certificate, which names {', '.join(identity.addresses)}",
            hint="Mail programs show a signature as wrong where it is not the sender's.",
            id="hammy.W031",
        )
    if not identity.is_for_mail():
        yield checks.Warning(
            "HAMMY_SIGNING_CERTIFICATE is not made for mail: extendedKeyUsage lacks emailProtection", id="hammy.W032"
        )


@checks.register
def pushes(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterator[checks.CheckMessage]:
    """E060, E061: whom push services may turn to, and which ones browsers may name."""
    contact = settings.HAMMY_PUSH_CONTACT
    if contact and not is_valid(contact.removeprefix("mailto:")) and not _is_https(contact):
        yield checks.Error(
            f"HAMMY_PUSH_CONTACT is neither a mail address nor an https address: {contact}",
            hint="Such as pushes@example.org: push services turn to it before they block somebody.",
            id="hammy.E060",
        )
    for host in settings.HAMMY_PUSH_HOSTS or [""]:
        if not _DOMAIN.fullmatch(host) or host != host.lower():
            yield checks.Error(
                f"HAMMY_PUSH_HOSTS: no host's name: {host!r}",
                hint="Such as push.services.mozilla.com, in lower case, without https:// and path.",
                id="hammy.E061",
            )


def _is_https(text: str) -> bool:
    url = urlsplit(text)
    return url.scheme == "https" and bool(url.hostname)


@checks.register
def queues(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterator[checks.CheckMessage]:
    """E040: where letters come by queue."""
    url = settings.HAMMY_AMQP_URL
    if url and urlsplit(url).scheme not in {"amqp", "amqps", "pyamqp"}:
        yield checks.Error(
            "HAMMY_AMQP_URL is no address of RabbitMQ",
            hint="Such as amqp://user:password@host:5672/vhost; empty where no letters come by queue.",
            id="hammy.E040",
        )
    names = [settings.HAMMY_AMQP_SEND_QUEUE, settings.HAMMY_AMQP_ERROR_QUEUE]
    if not all(names) or names[0] == names[1]:
        yield checks.Error(
            "HAMMY_AMQP_SEND_QUEUE and HAMMY_AMQP_ERROR_QUEUE must be two queues: what is refused would come back",
            id="hammy.E040",
        )
    if settings.HAMMY_AMQP_BATCH > 500 or settings.HAMMY_AMQP_BATCH > settings.HAMMY_AMQP_PREFETCH:
        yield checks.Error("HAMMY_AMQP_BATCH must not be above HAMMY_AMQP_PREFETCH, nor above 500", id="hammy.E040")


@checks.register
def habits(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterator[checks.CheckMessage]:
    """W001–W005: what runs, but not as a site on servers should."""
    if settings.HAMMY_TOKEN_MINUTES > 24 * 60:
        yield checks.Warning("HAMMY_TOKEN_MINUTES: a token that lives for days is a password", id="hammy.W005")
    if settings.IS_EMBEDDED_DATABASE:
        return
    if settings.IS_EMBEDDED_CACHE:
        yield checks.Warning(
            "CACHE_URL is not set: each host counts requests for itself",
            hint="A redis:// that all hosts share makes a client's limit hold for the site.",
            id="hammy.W001",
        )
    if settings.IS_EMBEDDED_BROKER:
        yield checks.Warning(
            "BROKER_URL is not set: wake-ups reach only the workers of their own host, others look once a second",
            id="hammy.W002",
        )
    if settings.DEBUG:
        yield checks.Warning("DEBUG is on: errors show settings and data to whoever causes them", id="hammy.W003")
    if not settings.IS_EMAIL_URL_GIVEN:
        yield checks.Warning("EMAIL_URL is not set: letters go to a mailbox on this machine", id="hammy.W004")


def _value(name: str) -> float:
    return float(settings.DATABASES["default"][name] or 0) if name == "CONN_MAX_AGE" else float(getattr(settings, name))

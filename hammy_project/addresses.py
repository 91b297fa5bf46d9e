"""What stands in the URLs of an operator's settings."""

from urllib.parse import SplitResult, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from sending.channels.base import SmtpServer
from sending.mailboxes import ImapServer

_PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}


_IMAP_PORTS = {"imap": 143, "imap+tls": 143, "imaps": 993}


def imap_server(text: str) -> ImapServer | None:
    """The mailbox of ``HAMMY_BOUNCE_IMAP_URL``: ``imaps://user:password@host/folder``, ``imap+tls://`` (STARTTLS) or
    ``imap://``; the folder is INBOX unless named. None where nothing is set."""
    if not text:
        return None
    url, host, port = _split("HAMMY_BOUNCE_IMAP_URL", text)
    if url.scheme not in _IMAP_PORTS or not host or not url.username:
        raise ImproperlyConfigured(
            "HAMMY_BOUNCE_IMAP_URL: must be imaps://, imap+tls:// or imap:// with user, password and host"
        )
    return ImapServer(
        host=host,
        port=port or _IMAP_PORTS[url.scheme],
        folder=unquote(url.path.strip("/")) or "INBOX",
        security={"imap": "", "imap+tls": "starttls", "imaps": "tls"}[url.scheme],
        user=unquote(url.username),
        password=unquote(url.password or ""),
    )


def smtp_servers(text: str) -> tuple[SmtpServer, ...]:
    """The mail servers of ``EMAIL_URL``: ``smtp://``, ``smtp+tls://`` (STARTTLS) or ``smtps://`` (TLS from
    the first byte), ``user:password@`` where the server wants a login, comma-separated, tried in order."""
    servers = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        url, host, port = _split("EMAIL_URL", part)
        if url.scheme not in _PORTS or not host:
            raise ImproperlyConfigured(
                "EMAIL_URL: must be smtp://, smtp+tls:// or smtps:// with a host, several separated by commas"
            )
        servers.append(
            SmtpServer(
                host=host,
                port=port or _PORTS[url.scheme],
                security={"smtp": "", "smtp+tls": "starttls", "smtps": "tls"}[url.scheme],
                user=unquote(url.username or ""),
                password=unquote(url.password or ""),
            )
        )
    return tuple(servers)


def _split(var: str, text: str) -> tuple[SplitResult, str | None, int | None]:
    """A URL with its host and port; ImproperlyConfigured with the variable's name for a port that is none."""
    try:
        url = urlsplit(text)
        return url, url.hostname, url.port
    except ValueError as error:
        raise ImproperlyConfigured(f"{var}: {error}") from error

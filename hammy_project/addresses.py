"""What stands in the URLs of an operator's settings."""

from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from sending.channels.base import SmtpServer

_PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}


def smtp_servers(text: str) -> tuple[SmtpServer, ...]:
    """The mail servers of ``EMAIL_URL``: ``smtp://``, ``smtp+tls://`` (STARTTLS) or ``smtps://`` (TLS from
    the first byte), ``user:password@`` where the server wants a login, comma-separated, tried in order."""
    servers = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        url = urlsplit(part)
        if url.scheme not in _PORTS or not url.hostname:
            raise ImproperlyConfigured(
                "EMAIL_URL: must be smtp://, smtp+tls:// or smtps:// with a host, several separated by commas"
            )
        servers.append(
            SmtpServer(
                host=url.hostname,
                port=url.port or _PORTS[url.scheme],
                security={"smtp": "", "smtp+tls": "starttls", "smtps": "tls"}[url.scheme],
                user=unquote(url.username or ""),
                password=unquote(url.password or ""),
            )
        )
    return tuple(servers)

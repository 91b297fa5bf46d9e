"""What `manage.py demo` needs: things to begin with, a visitor who writes a letter over REST, and a look into the
mailbox."""

import json
import os
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email import policy
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import requests
from django.contrib.auth import get_user_model

from gateway import clients
from gateway.caller import Caller
from gateway.models import ApiClient
from sending import editorial
from sending.models import Template
from sending.states import VersionStatus

USER_NAME = "demo"
CLIENT_NAME = "demo"
TEMPLATE_NAME = "DEMO_WELCOME"
_SECONDS = 10.0

_WORDS: dict[str, Any] = {
    "subject": "Welcome, {{ recipientName }}: contract {{ properties['contractNumber'] }}",
    "text": (
        "Dear {{ recipientName }},\n\nyour contract {{ properties['contractNumber'] }} is ready."
        "\n\nKind regards,\nHammy\n"
    ),
    "html": (
        "<!doctype html>\n<html><body style='font-family: sans-serif'>\n<p>Dear {{ recipientName }},</p>\n"
        "<p>your contract <strong>{{ properties['contractNumber'] }}</strong> is ready.</p>\n"
        "<p>Kind regards,<br>Hammy</p>\n</body></html>\n"
    ),
    "sample": {"recipientName": "Kovács Anna", "properties": {"contractNumber": "2026/1"}},
}


class DemonstrationError(Exception):
    """Why the letter did not arrive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What the demo logs in with; kept between runs, readable by its owner alone."""

    password: str
    client_hash_key: str


def prepare(file: Path) -> Access:
    """A superuser, a client and an enabled template, made where they are missing; ``file`` keeps the access."""
    kept = Access(**json.loads(file.read_text())) if file.exists() else None
    user, is_new = get_user_model().objects.get_or_create(
        username=USER_NAME, defaults={"is_staff": True, "is_superuser": True}
    )
    password = kept.password if kept else secrets.token_urlsafe(12)
    if is_new or not user.check_password(password):
        user.set_password(password)
        user.save(update_fields=["password"])
    if not ApiClient.objects.filter(name=CLIENT_NAME).exists():
        key = clients.create_client(name=CLIENT_NAME, rights=["send"])[1].client_hash_key
    else:
        key = kept.client_hash_key if kept else clients.rotate_client(name=CLIENT_NAME).client_hash_key
    access = Access(password=password, client_hash_key=key)
    _keep(file, access)
    _prepare_template()
    return access


def _prepare_template() -> None:
    template, _ = Template.objects.get_or_create(name=TEMPLATE_NAME, defaults={"description": "The letter of the demo"})
    if not template.versions.filter(status=VersionStatus.ENABLED).exists():
        version = editorial.create_version(caller=Caller.house(USER_NAME), template_id=template.pk, words=_WORDS)
        editorial.enable_version(version_id=version.pk)


def _keep(file: Path, access: Access) -> None:
    fresh = file.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
        json.dump(asdict(access), opened)
    fresh.replace(file)


def letter() -> dict[str, Any]:
    """A letter as a client writes it, under a request id of its own."""
    moment = datetime.now(UTC)
    return {
        "requestId": f"demo-{moment:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}",
        "messageType": TEMPLATE_NAME,
        "recipientName": "Kovács Anna",
        "recipientEmailAddress": "anna.kovacs@example.org",
        "properties": [{"key": "contractNumber", "value": f"{moment:%Y}/{secrets.randbelow(10**6)}"}],
    }


class Visitor:
    """A client of the REST face, as its own system would write it."""

    def __init__(self, address: str, access: Access) -> None:
        self.address = f"{address}/hammy/json"
        self._session = requests.Session()
        # A proxy of the environment knows nothing of this machine's own ports.
        self._session.trust_env = False
        self._session.headers["X-Client-Hash-Key"] = access.client_hash_key
        self._password = access.password

    def log_in(self) -> str:
        """The token that further calls carry."""
        body = {"userName": USER_NAME, "password": self._password}
        token = str(self._call("POST", "/auth/v1/login", json=body)["token"])
        self._session.headers["Authorization"] = f"JWT {token}"
        return token

    def send(self, body: dict[str, Any]) -> dict[str, Any]:
        """Send one letter; the answer."""
        return self._call("POST", "/send/v2/send", json=body)

    def message(self, message_id: int) -> dict[str, Any]:
        """The message's attributes."""
        attributes: dict[str, Any] = self._call("GET", f"/send/v2/messages/{message_id}")["data"]["attributes"]
        return attributes

    def events(self, message_id: int) -> list[dict[str, Any]]:
        """The attributes of its events, in order."""
        return [item["attributes"] for item in self._call("GET", f"/send/v2/messages/{message_id}/events")["data"]]

    def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        try:
            response = self._session.request(method, self.address + path, timeout=_SECONDS, **options)
        except requests.RequestException as error:
            raise DemonstrationError(f"{method} {path} failed: {error}") from error
        if not response.ok:
            raise DemonstrationError(f"{method} {path} answered {response.status_code}: {response.text[:1000]}")
        answer: dict[str, Any] = response.json()
        return answer


def is_alive(address: str) -> bool:
    """Whether the web server answers and finds its database and broker."""
    try:
        return requests.get(f"{address}/readyz", timeout=2, proxies={"no_proxy": "*"}).ok
    except requests.RequestException:
        return False


def find_mail(folder: Path, identity: str) -> Callable[[], Path | None]:
    """A search for the mail whose Message-ID begins with ``identity``, reading each file once."""
    seen: set[Path] = set()

    def search() -> Path | None:
        for path in sorted(set(folder.glob("*.eml")) - seen, reverse=True):
            seen.add(path)
            with path.open("rb") as file:
                headers = BytesParser(policy=policy.default).parse(file, headersonly=True)
            if str(headers["Message-ID"] or "").startswith(f"<{identity}@"):
                return path
        return None

    return search


def readable(path: Path) -> list[str]:
    """A mail's lines as its reader sees them: who, what, and the text."""
    with path.open("rb") as file:
        mail = BytesParser(policy=policy.default).parse(file)
    body = mail.get_body(("plain", "html"))
    headers = [f"{name}: {mail[name]}" for name in ("Date", "From", "To", "Subject", "Message-ID")]
    return [*headers, "", *(body.get_content().splitlines() if body is not None else [])]

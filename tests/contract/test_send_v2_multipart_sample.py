"""The multipart sample of the original Send V2 document, replayed byte by byte.

As printed but for its framing, which the document lost: two dashes before and after the boundary, empty lines after
the parts' headers, CRLF (contracts README). Placeholders are filled.
"""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from django.core.files.storage import default_storage
from django.test import Client

from sending import stores
from sending.models import Attachment, Blob, Message
from sending.send_v2 import attachments
from sending.stores.base import Document, Owner, Store
from tests.contract.test_send_v2_samples import GOLDEN, assert_as_printed
from tests.factories import headers_for, make_client, make_user
from tests.sending.send_v2_calls import JSON_API, keep_files_in

pytestmark = pytest.mark.django_db

# Everything that a reader of lines or of text would trip over, the boundary's beginning among it.
BINARY = bytes(range(256)) + b"\r\n--\r\n-----------------------------\r\n" + b"\r\n\n\r" * 3 + b"--"
PLACEHOLDERS = {"boundary": "9051914041544843365972754266", "attachmentPartNev": "csatolmány-1"}


class AnyFolder(Store):
    """Archives anything anywhere."""

    name, source_property, has_paths = "FS", "RELATIVE_FILE_PATH", True
    targets: list[tuple[str, str]] = []

    def check(self, ref: str, owner: Owner) -> None:
        raise AssertionError

    def open(self, ref: str, owner: Owner) -> BinaryIO:
        raise AssertionError

    def remove(self, ref: str, owner: Owner, *, digest: str) -> bool:
        raise AssertionError

    def check_target(self, path: str, file_name: str, owner: Owner) -> None:
        self.targets.append((path, file_name))

    def keep(self, document: Document, owner: Owner) -> str:
        raise AssertionError


@pytest.fixture
def targets(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str]]]:
    """A store FS, and where documents were to go."""
    AnyFolder.targets.clear()
    monkeypatch.setattr(stores, "classes_in", lambda *_: {"FS": AnyFolder})
    caches: list[Any] = [stores.stores, attachments._control_keys]
    for cached in caches:
        cached.cache_clear()
    yield AnyFolder.targets
    for cached in caches:
        cached.cache_clear()


def filled(sample: bytes, **values: str) -> bytes:
    for name, value in (PLACEHOLDERS | values).items():
        sample = sample.replace(b"{{%s}}" % name.encode(), value.encode())
    return sample.replace("[BINÁRIS TARTALOM]".encode(), BINARY)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_multipart_sample_is_answered_as_printed(
    settings: Any, tmp_path: Path, targets: list[tuple[str, str]], version: str
) -> None:
    settings.HAMMY_INCOMING = tmp_path / "incoming"
    keep_files_in(tmp_path / "files", settings)
    user = make_user()
    client, keys = make_client(users=[user])
    sample = filled(
        (GOLDEN / "multipart.request.http").read_bytes(),
        clientHashKey=keys.client_hash_key,
        userName=user.username,
        jwtToken=headers_for(keys, user)["Authorization"].removeprefix("JWT "),
    )
    head, _, body = sample.partition(b"\r\n\r\n")
    request_line, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    answer = Client().generic(
        "POST",
        request_line.split(" ")[1].replace("/v1/", f"/{version}/"),
        body,
        content_type=headers.pop("content-type"),
        headers=headers,
    )
    assert (answer.status_code, answer["Content-Type"]) == (200, JSON_API)
    assert_as_printed(answer.content, "json_api.response", "id")

    message = Message.objects.get()
    assert (message.client_id, message.user_name) == (client.pk, user.username)
    assert (message.recipient_name, message.recipient_email_address, message.subject) == (
        "Dr. Címzett Neve",
        "cimzett.neve@valahol.hu",
        "Teszt",
    )
    assert (message.content["from_address"], message.content["from_name"]) == ("felado@valahonnan.com", "Fel Adó")
    attachment = Attachment.objects.get()
    assert (attachment.file_name, attachment.internal_file_name, attachment.media_type) == (
        "image.png",
        "internal-image.png",
        "image/png",
    )
    assert attachment.blob_id == sha256(BINARY).hexdigest()
    assert default_storage.open(Blob.path(attachment.blob_id)).read() == BINARY
    (content,) = message.content["attachments"]
    assert (content["archiving_expected"], content["archive_target"], content["archive_path"]) == (True, "FS", "alma")
    assert set(targets) == {("alma", "internal-image.png")}
    assert list((tmp_path / "incoming").iterdir()) == []

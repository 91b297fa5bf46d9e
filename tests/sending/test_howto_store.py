"""The store of docs/howto/add-a-store.md keeps to what every store must, and serves letters at once."""

import re
import sys
import textwrap
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from django.conf import settings as django_settings

from gateway.caller import Caller
from sending import blobs, sources
from sending.letter import LetterAttachment
from sending.models import Attachment
from sending.send_v2 import attachments
from sending.stores import stores
from sending.stores.base import Store
from tests.sending import test_store_conformance as conformance
from tests.sending.archives import CONTENT, an_archiving, archiving_to, last_event, submit

pytestmark = pytest.mark.django_db

owner, stranger = conformance.owner, conformance.stranger
_TESTS = [test for name, test in vars(conformance).items() if name.startswith("test_")]
_SUITE = [test for test in _TESTS if "name" in test.__annotations__]


@pytest.fixture(autouse=True)
def shelf(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The document's module, in the registry as if it lay in its folder."""
    text = (django_settings.BASE_DIR / "docs" / "howto" / "add-a-store.md").read_text()
    (code,) = re.findall(r"^ *```python\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    module = ModuleType("sending.stores.shelf")
    sys.modules[module.__name__] = module
    exec(compile(textwrap.dedent(code), module.__name__, "exec"), vars(module))
    known = {**stores(), "SHELF": vars(module)["ShelfStore"]()}
    for place in (conformance, sources, attachments, sys.modules["sending.archiving"], sys.modules["sending.removing"]):
        monkeypatch.setattr(place, "stores", lambda: known)
    yield known["SHELF"]
    del sys.modules[module.__name__]


@pytest.mark.parametrize("test", _SUITE, ids=lambda test: test.__name__)
def test_it_keeps_to_what_every_store_must(test: Any, request: pytest.FixtureRequest) -> None:
    wanted = {name: request.getfixturevalue(name) for name in ("owner", "stranger") if name in test.__annotations__}
    for ref in ("x", "../x", "a/b", "/etc/passwd") if "ref" in test.__annotations__ else ("",):
        test(**wanted, name="SHELF", **({"ref": ref} if ref else {}))


def test_letters_archive_there_and_come_from_there(crm: Caller, work: Any) -> None:
    message = submit(crm, **an_archiving(archiving_to("SHELF")))
    work("ARCHIVE")
    ref = f"{crm.client_id}-{message.pk}-0"
    assert last_event(message).facts == {"archived.0": f"SHELF {ref}"}
    again = submit(crm, attachments=(LetterAttachment(file_name="m.pdf", source="SHELF", source_ref=ref),))
    assert blobs.read(Attachment.objects.get(message=again).blob_id) == CONTENT

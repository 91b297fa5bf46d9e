"""``… COUNT SIZE``: mails of a size built signed and plain, their bodies signed by us and barely; all per second."""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import django

django.setup()

from cryptography.hazmat.primitives import hashes  # noqa: E402 - as below
from cryptography.hazmat.primitives.serialization import Encoding  # noqa: E402
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7Options, PKCS7SignatureBuilder  # noqa: E402

from benchmarks import signer  # noqa: E402 - only a Django that is set up has settings
from sending.channels.base import Address, Parcel  # noqa: E402
from sending.mime import build_mail  # noqa: E402
from sending.signing import signed_entity  # noqa: E402

count, size = int(sys.argv[1]), int(sys.argv[2])
with tempfile.TemporaryDirectory() as name:
    certificate, key = signer.settle(Path(name))
    now = datetime.now(UTC)
    plain = Parcel(
        message_id=1,
        uuid=uuid4(),
        created_at=now,
        subject="Értesítő",
        text=("Kedves Ügyfelünk! " * (size // 18)).replace("! ", "!\n"),
        sender=Address(address="noreply@hammy.test"),
        recipient=Address(address="anna@example.org"),
    )
    certified = replace(plain, is_certified=True)
    entity = build_mail(plain, domain="hammy.test", date=now).partition(b"MIME-Version: 1.0\r\n")[2]
    options = [PKCS7Options.DetachedSignature, PKCS7Options.Binary]

    def bare() -> None:
        builder = PKCS7SignatureBuilder().set_data(entity).add_signer(certificate, key, hashes.SHA256())
        builder.sign(Encoding.DER, options)

    def rate(work: Callable[[], object]) -> float:
        work()
        began = time.perf_counter()
        for _ in range(count):
            work()
        return count / (time.perf_counter() - began)

    print(
        json.dumps(
            {
                "entity": rate(lambda: signed_entity(entity, boundary="b", signed_at=now)),
                "signed": rate(lambda: build_mail(certified, domain="hammy.test", date=now)),
                "plain": rate(lambda: build_mail(plain, domain="hammy.test", date=now)),
                "bare": rate(bare),
                "size": len(entity),
            }
        )
    )

"""``… COUNT PAGES``: sign a document of so many pages so often, as the product does and with pyHanko alone."""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import django

django.setup()

import pikepdf  # noqa: E402 - as below
from asn1crypto import keys, x509  # noqa: E402
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat  # noqa: E402
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter  # noqa: E402
from pyhanko.sign.fields import SigSeedSubFilter  # noqa: E402
from pyhanko.sign.signers import PdfSignatureMetadata, SimpleSigner  # noqa: E402
from pyhanko.sign.signers import sign_pdf as sign_barely  # noqa: E402
from pyhanko_certvalidator.registry import SimpleCertificateStore  # noqa: E402

from benchmarks import signer  # noqa: E402 - only a Django that is set up has settings
from sending.signing import sign_pdf  # noqa: E402

count, pages = int(sys.argv[1]), int(sys.argv[2])
with tempfile.TemporaryDirectory() as name, pikepdf.new() as document:
    certificate, key = signer.settle(Path(name))
    for _ in range(pages):
        document.add_blank_page()
    output = BytesIO()
    document.save(output)
    content = output.getvalue()
    private = keys.PrivateKeyInfo.load(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
    own = x509.Certificate.load(certificate.public_bytes(Encoding.DER))
    simple = SimpleSigner(own, private, SimpleCertificateStore())
    metadata = PdfSignatureMetadata(field_name="Hammy", md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES)

    def bare() -> None:
        sign_barely(IncrementalPdfFileWriter(BytesIO(content)), metadata, simple)

    def rate(work: Callable[[], object]) -> float:
        work()
        began = time.perf_counter()
        for _ in range(count):
            work()
        return count / (time.perf_counter() - began)

    print(json.dumps({"ours": rate(lambda: sign_pdf(content)), "bare": rate(bare), "size": len(content)}))

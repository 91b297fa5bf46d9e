"""Signed PDF documents: what others verify, what is never signed, and what no document can do to who signs it."""

import os
import signal
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from asn1crypto import pem, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import PdfSignatureStatus, validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from sending.channels.base import NotReady
from sending.signing import confined, sign_pdf
from sending.signing import pdf as signing
from tests.sending import documents
from tests.sending.authority import Signed, signer

MIB = 2**20


@pytest.fixture(params=["rsa", "ec"])
def own(request: pytest.FixtureRequest, settings: Any, tmp_path: Path) -> Signed:
    return signer(request.param).settle(settings, tmp_path)


@pytest.fixture
def rsa(settings: Any, tmp_path: Path) -> Signed:
    return signer().settle(settings, tmp_path)


def refused(content: bytes) -> str:
    with pytest.raises(NotReady) as caught:
        sign_pdf(content)
    assert caught.value.is_lasting
    return caught.value.words


def status(content: bytes, root: bytes) -> PdfSignatureStatus:
    """What pyHanko says of the last signature, believing nobody but ``root`` and asking nobody."""
    trusted = x509.Certificate.load(pem.unarmor(root)[2])
    context = ValidationContext(trust_roots=[trusted], allow_fetching=False)
    return validate_pdf_signature(PdfFileReader(BytesIO(content)).embedded_signatures[-1], context)


@pytest.mark.parametrize(
    "options",
    [{}, {"object_stream_mode": pikepdf.ObjectStreamMode.generate}, {"linearize": True}, {"force_version": "2.0"}],
    ids=["table", "streams", "linearized", "2.0"],
)
def test_others_verify_it(own: Signed, options: dict[str, Any]) -> None:
    content = documents.a_pdf(3, **options)
    signed = sign_pdf(content, reason="Díjbekérő")
    found = status(signed, own.root_pem())
    assert found.bottom_line
    assert found.trusted
    assert (found.coverage.name, found.modification_level) == ("ENTIRE_FILE", ModificationLevel.NONE)
    assert found.signing_cert.subject.native["common_name"] == "Minta Biztosító"
    with pikepdf.open(BytesIO(signed)) as opened:
        assert opened.check_pdf_syntax() == []
        assert len(opened.pages) == 3
        (field,) = opened.Root.AcroForm.Fields
        assert (str(field.V.SubFilter), str(field.V.Reason)) == ("/ETSI.CAdES.detached", "Díjbekérő")
        assert [int(side) for side in field.get("/Rect", [0, 0, 0, 0])] == [0, 0, 0, 0]


def test_it_is_pades_baseline_b(own: Signed) -> None:
    (found,) = PdfFileReader(BytesIO(sign_pdf(documents.a_pdf()))).embedded_signatures
    attributes = {one["type"].native for one in found.signer_info["signed_attrs"]}
    # The moment stands in the document, and must not stand here, too.
    assert attributes == {"content_type", "message_digest", "signing_certificate_v2"}
    assert "/M" in found.sig_object
    names = [one.chosen.subject.native["common_name"] for one in found.signed_data["certificates"]]
    assert sorted(names) == ["Authority", "Minta Biztosító"]


def test_the_document_stays_as_it_was_before_its_signature(rsa: Signed) -> None:
    content = documents.a_pdf()
    assert sign_pdf(content).startswith(content)


def test_a_changed_byte_is_noticed(rsa: Signed) -> None:
    signed = sign_pdf(documents.a_pdf())
    assert not status(signed.replace(b"/Catalog", b"/Katalog", 1), rsa.root_pem()).bottom_line


def test_what_others_signed_stays_signed(rsa: Signed) -> None:
    stranger = documents.stranger()
    once = documents.signed_by(stranger)
    twice = sign_pdf(once)
    assert twice.startswith(once)
    first, second = PdfFileReader(BytesIO(twice)).embedded_signatures
    assert (first.field_name, second.field_name) == ("Hammy", "Hammy2")
    context = ValidationContext(
        trust_roots=[x509.Certificate.load(pem.unarmor(stranger.root_pem())[2])], allow_fetching=False
    )
    assert validate_pdf_signature(first, context).bottom_line
    assert status(twice, rsa.root_pem()).bottom_line


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: b"", "the document cannot be signed: Illegal PDF header"),
        (lambda: b"%PDF-1.4 minta", "the document cannot be signed: Could not read malformed PDF file"),
        (lambda: documents.a_pdf()[:-40], "the document cannot be signed: Could not read malformed PDF file"),
        (documents.encrypted, "the document is encrypted"),
        (
            lambda: documents.signed_by(documents.stranger(), forbids_changes=True),
            "the document cannot be signed: Author signature forbids all changes",
        ),
        (
            documents.hybrid,
            "the document cannot be signed: Attempting to sign document with hybrid cross-reference sections while"
            " hybrid xrefs are disabled",
        ),
        (documents.circle, "the document cannot be signed: startxref loop detected at 182"),
        (documents.page_circle, "the document cannot be signed: Circular reference in page tree"),
        (documents.deep, "the document is nested too deeply"),
        (
            lambda: documents.bomb(260 * MIB),
            "the document cannot be signed: Decoded stream data exceeds the limit of 268435456 bytes.",
        ),
    ],
    ids=["empty", "no PDF", "cut", "encrypted", "sealed", "hybrid", "circle", "page circle", "deep", "bomb"],
)
def test_what_is_not_fit_to_be_signed_says_why_and_harms_no_other(
    rsa: Signed, made: Callable[[], bytes], words: str
) -> None:
    assert refused(made()) == words
    assert status(sign_pdf(documents.a_pdf()), rsa.root_pem()).bottom_line


def test_a_document_that_takes_too_long_is_given_up(rsa: Signed, settings: Any) -> None:
    settings.HAMMY_SIGNING_SECONDS = 0.1
    assert refused(documents.bomb(32 * MIB)) == "the document takes more than 0.1 s of work to read"
    # Other documents' work is not counted.
    for _ in range(20):
        sign_pdf(documents.a_pdf())
    assert status(sign_pdf(documents.a_pdf()), rsa.root_pem()).bottom_line


def test_a_machine_that_is_too_busy_is_no_fault_of_the_document(
    rsa: Signed, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_pdf(documents.a_pdf())
    process = signing._preparer._process
    assert process is not None
    process.send_signal(signal.SIGSTOP)
    settings.HAMMY_SIGNING_SECONDS = 0.01
    monkeypatch.setattr(confined, "_PATIENCE_SECONDS", 0.0)
    with pytest.raises(NotReady) as caught:
        sign_pdf(documents.a_pdf())
    assert caught.value.words == "cannot sign: the machine is too busy to read the document"
    assert not caught.value.is_lasting
    monkeypatch.undo()
    settings.HAMMY_SIGNING_SECONDS = 10.0
    assert status(sign_pdf(documents.a_pdf()), rsa.root_pem()).bottom_line


def test_a_document_that_takes_too_much_is_given_up(rsa: Signed, monkeypatch: pytest.MonkeyPatch) -> None:
    signing._preparer.close()
    monkeypatch.setattr(signing, "_memory", lambda: 120 * MIB)
    assert refused(documents.bomb(32 * MIB)) == "the document takes too much memory to read"
    assert status(sign_pdf(documents.a_pdf()), rsa.root_pem()).bottom_line
    signing._preparer.close()


def test_a_document_that_is_too_large_is_not_begun(rsa: Signed, settings: Any) -> None:
    settings.HAMMY_SIGNING_MAX_BYTES = 100
    content = documents.a_pdf()
    assert refused(content) == f"the document has {len(content)} bytes, at most 100 are signed"


def test_a_process_that_was_killed_is_replaced(rsa: Signed) -> None:
    sign_pdf(documents.a_pdf())
    process = signing._preparer._process
    assert process is not None
    process.send_signal(signal.SIGKILL)
    process.wait()
    sign_pdf(documents.a_pdf())
    assert signing._preparer._process is not process


def test_who_stops_the_whole_group_breaks_no_signature_that_is_begun(rsa: Signed) -> None:
    sign_pdf(documents.a_pdf())
    process = signing._preparer._process
    assert process is not None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        process.send_signal(number)
    sign_pdf(documents.a_pdf())
    assert signing._preparer._process is process


def test_the_process_has_neither_our_environment_nor_our_key(rsa: Signed) -> None:
    sign_pdf(documents.a_pdf())
    process = signing._preparer._process
    assert process is not None
    folder = Path(f"/proc/{process.pid}")
    assert (folder / "environ").read_bytes() == b""
    opened = [str(one.readlink()) for one in (folder / "fd").iterdir()]
    assert [one for one in opened if not one.startswith(("pipe:", "/dev/null"))] == []


def test_a_forked_child_has_a_process_of_its_own(rsa: Signed) -> None:
    sign_pdf(documents.a_pdf())
    mine = signing._preparer._process
    assert mine is not None
    child = os.fork()
    if child == 0:
        sign_pdf(documents.a_pdf())
        own = signing._preparer._process
        is_another = own is not None and own.pid != mine.pid
        signing._preparer.close()
        os._exit(0 if is_another else 1)
    assert os.waitpid(child, 0)[1] == 0
    sign_pdf(documents.a_pdf())
    assert signing._preparer._process is mine


def test_the_process_ends_with_who_asked(rsa: Signed) -> None:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        sign_pdf(documents.a_pdf())
        process = signing._preparer._process
        os.write(writer, str(process.pid if process else 0).encode())
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    pid = int(os.read(reader, 20))
    os.close(reader)
    os.close(writer)
    folder = Path(f"/proc/{pid}/stat")
    for _ in range(200):
        if not folder.exists() or folder.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        signal.sigtimedwait([], 0.05)
    pytest.fail("it still runs")


def test_without_a_key_it_is_tried_again() -> None:
    with pytest.raises(NotReady) as caught:
        sign_pdf(documents.a_pdf())
    assert (caught.value.words, caught.value.is_lasting) == ("cannot sign: the site has no signing certificate", False)

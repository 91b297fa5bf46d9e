"""Signed mails: what others verify, what they cover, and that nothing on the way need touch them."""

import re
import subprocess
from datetime import UTC, datetime
from email import message_from_bytes, policy
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from asn1crypto import cms, tsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from sending.channels.base import Address, Enclosure, NotReady, OutcomeKind, Parcel
from sending.channels.email import EmailChannel
from sending.mime import build_mail
from tests.fakes.smtp import Mailbox
from tests.sending.authority import Signed, made, signer

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
NUMBER = UUID("00112233-4455-6677-8899-aabbccddeeff")


@pytest.fixture(params=["rsa", "ec"])
def own(request: pytest.FixtureRequest, settings: Any, tmp_path: Path) -> Signed:
    return signer(request.param).settle(settings, tmp_path)


def a_parcel(**overrides: Any) -> Parcel:
    values: dict[str, Any] = {
        "message_id": 1,
        "uuid": NUMBER,
        "created_at": NOW,
        "subject": "Értesítő",
        "text": "Kedves Anna!\n",
        "html": "<p>Kedves Anna!</p>",
        "sender": Address(address="noreply@hammy.test", name="Hammy"),
        "recipient": Address(address="anna@example.org", name="Kovács Anna"),
        "enclosures": (Enclosure(file_name="számla.csv", content=b"\0\xff\r\n" * 99, media_type="text/csv"),),
        "is_certified": True,
    }
    return Parcel(**values | overrides)


def build(**overrides: Any) -> bytes:
    return build_mail(a_parcel(**overrides), domain="hammy.test", date=datetime.now(UTC))


def verified(mail: bytes, folder: Path, program: str = "smime") -> bytes | None:
    """What OpenSSL takes for signed, None where it does not verify."""
    (folder / "mail.eml").write_bytes(mail)
    command = ["openssl", program, "-verify", "-in", "mail.eml", "-CAfile", "root.pem", "-out", "content"]
    done = subprocess.run([*command, "-purpose", "smimesign"], cwd=folder, capture_output=True, timeout=30, check=False)
    return (folder / "content").read_bytes() if done.returncode == 0 else None


def taken_apart(mail: bytes) -> tuple[bytes, cms.SignedData]:
    """The entity and its signature, found by their boundary alone."""
    (boundary,) = re.findall(rb'protocol="application/pkcs7-signature";\r\n micalg=sha-256; boundary="(.+?)"', mail)
    _, entity, _, end = mail.split(b"--" + boundary)
    assert end == b"--\r\n"
    (signature,) = list(message_from_bytes(mail, policy=policy.SMTP).iter_parts())[1:]
    assert signature.get_content_type() == "application/pkcs7-signature"
    assert signature.get_filename() == "smime.p7s"
    info = cms.ContentInfo.load(signature.get_content())
    return entity.removeprefix(b"\r\n").removesuffix(b"\r\n"), info["content"]


@pytest.mark.parametrize("program", ["smime", "cms"])
def test_openssl_verifies_it_and_reads_the_same_letter(own: Signed, tmp_path: Path, program: str) -> None:
    content = verified(build(), tmp_path, program)
    assert content is not None
    unsigned = build(is_certified=False)
    assert content.strip() == unsigned[unsigned.index(b"Content-Type: multipart/mixed") :].strip()


def test_a_single_changed_byte_is_noticed(own: Signed, tmp_path: Path) -> None:
    mail = build()
    assert verified(mail.replace(b"Kedves Anna", b"Kedves Anne", 1), tmp_path) is None
    assert verified(mail.replace(b"text/csv", b"text/tsv", 1), tmp_path) is None


def test_who_does_not_know_our_root_does_not_believe_it(own: Signed, tmp_path: Path) -> None:
    (tmp_path / "root.pem").write_bytes(made("Other root", is_authority=True).root_pem())
    assert verified(build(), tmp_path) is None


def test_an_independent_look_finds_the_same(own: Signed) -> None:
    mail = build_mail(a_parcel(), domain="hammy.test", date=NOW)
    entity, signed = taken_apart(mail)
    assert signed["version"].native == "v1"
    assert [one["algorithm"].native for one in signed["digest_algorithms"]] == ["sha256"]
    assert signed["encap_content_info"]["content"].native is None
    found = {x509.load_der_x509_certificate(one.chosen.dump()) for one in signed["certificates"]}
    assert found == {own.certificate, own.above[0]}
    (info,) = signed["signer_infos"]
    assert info["sid"].chosen["serial_number"].native == own.certificate.serial_number
    assert tsp.SigningCertificateV2  # its import teaches the package this attribute
    attributes = {one["type"].native: one["values"][0] for one in info["signed_attrs"]}
    assert attributes["content_type"].native == "data"
    assert attributes["message_digest"].native == sha256(entity).digest()
    assert attributes["signing_time"].native == NOW
    (certificate,) = attributes["signing_certificate_v2"]["certs"]
    assert certificate["cert_hash"].native == own.certificate.fingerprint(hashes.SHA256())
    assert len(attributes) == 4
    covered = info["signed_attrs"].untag().dump()
    signature, public = info["signature"].native, own.certificate.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        public.verify(signature, covered, padding.PKCS1v15(), hashes.SHA256())
    else:
        public.verify(signature, covered, ec.ECDSA(hashes.SHA256()))


def test_the_same_parcel_and_date_give_the_same_bytes(own: Signed) -> None:
    first, second = (build_mail(a_parcel(), domain="hammy.test", date=NOW) for _ in range(2))
    assert first == second
    assert first != build_mail(a_parcel(), domain="hammy.test", date=NOW.replace(hour=13))


def test_who_cannot_verify_still_reads_the_letter(own: Signed) -> None:
    message = message_from_bytes(build(), policy=policy.default)
    assert not message.defects
    assert message.get_content_type() == "multipart/signed"
    assert dict(message["Content-Type"].params)["micalg"] == "sha-256"
    letter, _ = message.iter_parts()
    assert letter.get_body(("plain",)).get_content().split() == ["Kedves", "Anna!"]
    assert [one.get_filename() for one in letter.iter_attachments()] == ["számla.csv"]


@pytest.mark.parametrize(
    "text",
    [
        "From now on\n",
        "line end spaces   \nand tabs\t\nend\n",
        "á From\nFrom ő\n",
        "á" + "a" * 73 + " From here on\n",
        ".\n..\n",
        "no end",
        "",
        "ő" * 3000,
        "a" * 3000,
        "bare \r and \n both \r\n\n\n",
    ],
)
def test_no_relay_has_a_reason_to_change_it(own: Signed, tmp_path: Path, text: str) -> None:
    mail = build(text=text, html=f"<p>{text}</p>")
    lines = mail.split(b"\r\n")
    assert mail.isascii()
    assert not [line for line in lines if len(line) > 998 or line.startswith(b"From ") or line.endswith((b" ", b"\t"))]
    assert b"\r" not in mail.replace(b"\r\n", b"")
    assert b"\n" not in mail.replace(b"\r\n", b"")
    assert verified(mail, tmp_path) is not None


def test_an_unsigned_mail_is_as_it_was() -> None:
    mail = build(is_certified=False, text="From now on   \n", html="", enclosures=())
    assert mail.endswith(b"Content-Transfer-Encoding: 7bit\r\n\r\nFrom now on   \r\n")


def test_it_arrives_whole(own: Signed, settings: Any, tmp_path: Path) -> None:
    with Mailbox() as mailbox:
        settings.HAMMY_SMTP_SERVERS = (mailbox.server,)
        channel = EmailChannel(domain="hammy.test")
        assert channel.hand_over(a_parcel(text=".\r\n..dots\r\nFrom here\r\n")).kind == OutcomeKind.SENT
        channel.close()
        (mail,) = mailbox.mails
    assert verified(mail.data, tmp_path) is not None


def test_a_key_that_is_away_is_tried_again() -> None:
    channel = EmailChannel(domain="hammy.test")
    outcome = channel.hand_over(a_parcel())
    assert (outcome.kind, outcome.words) == (OutcomeKind.RETRY, "cannot sign: the site has no signing certificate")
    with pytest.raises(NotReady):
        channel.raw(a_parcel(), date=NOW)

"""The site's signature: what it is read from, what is wrong with it, and how another takes its place."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from sending import signing
from sending.channels.base import NotReady
from tests.sending.authority import ADDRESS, PASSWORD, Signed, made, signer

_DAY = timedelta(days=1)


def refused() -> str:
    with pytest.raises(NotReady) as caught:
        signing.identity()
    assert not caught.value.is_lasting
    return caught.value.words


def unusable() -> str:
    with pytest.raises(signing.Unusable) as caught:
        signing.load()
    return str(caught.value)


def test_a_site_without_a_certificate_does_not_sign() -> None:
    assert not signing.is_configured()
    assert refused() == "cannot sign: the site has no signing certificate"


@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_certificate_and_key_are_read_from_files(settings: Any, tmp_path: Path, kind: str) -> None:
    own = signer(kind).settle(settings, tmp_path)
    identity = signing.identity()
    assert identity.chain == (own.certificate, own.above[0])
    assert identity.addresses == (ADDRESS,)
    assert identity.name == f"Minta Biztosító (serial {own.certificate.serial_number:x})"
    assert identity.ends_at == own.certificate.not_valid_after_utc
    assert list(identity.flaws()) == []
    assert identity.is_for_mail()
    assert "PRIVATE" not in repr(identity)
    assert signing.identity() is identity


def test_a_key_may_have_a_password(settings: Any, tmp_path: Path) -> None:
    own = signer().settle(settings, tmp_path)
    (tmp_path / "k.pem").write_bytes(own.key_pem(PASSWORD))
    assert refused() == (
        "cannot sign: HAMMY_SIGNING_KEY cannot be read: Password was not given but private key is encrypted"
    )
    settings.HAMMY_SIGNING_KEY_PASSWORD = "wrong"
    assert refused().startswith("cannot sign: HAMMY_SIGNING_KEY cannot be read: ")
    settings.HAMMY_SIGNING_KEY_PASSWORD = PASSWORD
    assert signing.identity().certificate == own.certificate


def test_both_may_lie_in_one_pkcs12_file(settings: Any, tmp_path: Path) -> None:
    own = signer()
    (tmp_path / "both.p12").write_bytes(own.pkcs12(PASSWORD))
    settings.HAMMY_SIGNING_CERTIFICATE = str(tmp_path / "both.p12")
    assert unusable() == "HAMMY_SIGNING_CERTIFICATE cannot be read: Invalid password or PKCS12 data"
    settings.HAMMY_SIGNING_KEY_PASSWORD = PASSWORD
    assert signing.load().chain == (own.certificate, own.above[0])


def test_the_settings_may_hold_the_text_itself(settings: Any) -> None:
    own = signer("ec")
    settings.HAMMY_SIGNING_CERTIFICATE = own.pem().decode()
    settings.HAMMY_SIGNING_KEY = own.key_pem().decode()
    assert signing.identity().certificate == own.certificate


def test_what_cannot_be_read_or_fits_not_says_so(settings: Any, tmp_path: Path) -> None:
    own = signer().settle(settings, tmp_path)
    (tmp_path / "k.pem").write_bytes(signer("ec").key_pem())
    assert unusable() == "HAMMY_SIGNING_KEY does not belong to the first certificate of HAMMY_SIGNING_CERTIFICATE"
    other = ed25519.Ed25519PrivateKey.generate()
    (tmp_path / "k.pem").write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assert unusable() == "HAMMY_SIGNING_KEY must be an RSA or an elliptic curve key"
    (tmp_path / "k.pem").write_bytes(b"nothing")
    assert unusable().startswith("HAMMY_SIGNING_KEY cannot be read: ")
    (tmp_path / "k.pem").unlink()
    assert unusable() == "HAMMY_SIGNING_KEY cannot be read: No such file or directory"
    settings.HAMMY_SIGNING_KEY = ""
    assert unusable() == "HAMMY_SIGNING_KEY cannot be read: not set"
    (tmp_path / "c.pem").write_bytes(own.pem()[:200])
    assert unusable().startswith("HAMMY_SIGNING_CERTIFICATE cannot be read: ")


@pytest.mark.parametrize(
    ("own", "flaws"),
    [
        (lambda: made("Weak", kind="rsa1024"), ["a key of 1024 bits is too weak: at least 2048"]),
        (
            lambda: made("Locks", usage=("key_encipherment",)),
            ["the certificate is not made for signatures: keyUsage lacks digitalSignature"],
        ),
        (lambda: made("Signs", usage=("content_commitment",)), []),
        (
            lambda: Signed(signer().key, signer().certificate, (made("Stranger").certificate, signer().above[-1])),
            ["CN=Stranger has issued no other certificate of the chain"],
        ),
    ],
    ids=["weak", "not for signatures", "for signatures that bind", "a stranger above"],
)
def test_flaws_are_told(settings: Any, tmp_path: Path, own: Any, flaws: list[str]) -> None:
    own().settle(settings, tmp_path)
    assert list(signing.load().flaws()) == flaws


def test_whether_mail_programs_accept_it(settings: Any, tmp_path: Path) -> None:
    made("Server", extended=(ExtendedKeyUsageOID.SERVER_AUTH,)).settle(settings, tmp_path)
    assert not signing.load().is_for_mail()
    made("Any", extended=()).settle(settings, tmp_path)
    assert signing.load().is_for_mail()


def test_under_whose_mails_it_may_stand(settings: Any, tmp_path: Path) -> None:
    signer().settle(settings, tmp_path)
    assert signing.load().is_for("NoReply@Hammy.Test")
    assert not signing.load().is_for("anna@example.org")
    made("Nobody", address="").settle(settings, tmp_path)
    assert signing.load().is_for("anna@example.org")


def test_outside_of_its_time_nothing_is_signed(settings: Any, tmp_path: Path) -> None:
    over = made("Over", begins=-9 * _DAY, ends=-2 * _DAY).settle(settings, tmp_path)
    assert refused() == f"cannot sign: the certificate ended on {over.certificate.not_valid_after_utc:%Y-%m-%d}"
    early = made("Early", begins=2 * _DAY).settle(settings, tmp_path)
    assert refused() == f"cannot sign: the certificate begins on {early.certificate.not_valid_before_utc:%Y-%m-%d}"
    assert signing.current().is_out_of_time(datetime.now(UTC) + 3 * _DAY) == ""


def test_the_chain_counts_too(settings: Any, tmp_path: Path) -> None:
    root = made("Root", kind="ec-root", is_authority=True)
    authority = made("Authority", kind="ec-authority", by=root, is_authority=True, ends=-timedelta(hours=1))
    made("Own", by=authority).settle(settings, tmp_path)
    assert "the certificate ended on" in refused()


def test_a_new_pair_of_files_is_used_at_once_and_half_of_one_never(settings: Any, tmp_path: Path) -> None:
    old, new = signer().settle(settings, tmp_path), signer("ec")
    assert signing.identity().certificate == old.certificate
    (tmp_path / "c.pem").write_bytes(new.pem())
    assert signing.identity().certificate == old.certificate
    (tmp_path / "k.pem").write_bytes(new.key_pem())
    assert signing.identity().certificate == new.certificate


def test_other_settings_are_another_signature(settings: Any, tmp_path: Path) -> None:
    signer().settle(settings, tmp_path)
    signing.identity()
    settings.HAMMY_SIGNING_KEY = str(tmp_path / "nowhere.pem")
    assert refused() == "cannot sign: HAMMY_SIGNING_KEY cannot be read: No such file or directory"

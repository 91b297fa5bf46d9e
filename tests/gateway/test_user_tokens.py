"""What a user token must be, and all that it must not (S28)."""

import base64
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jwt as pyjwt
import pytest
from django.test import Client
from django.utils import timezone

from gateway.clients import Keys
from gateway.credentials import jwt
from gateway.errors import Refusal
from gateway.lookup import KnownClient, client_by_hash_key, stamp_of
from gateway.sealing import derived_keys
from tests.factories import headers_for, make_client, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.gateway.urls")]


@pytest.fixture
def keys() -> Keys:
    return make_client()[1]


@pytest.fixture
def known(keys: Keys) -> KnownClient:
    found = client_by_hash_key(keys.client_hash_key)
    assert found
    return found


@pytest.fixture
def user() -> Any:
    return make_user()


def claims_for(known: KnownClient, user: Any, **changes: Any) -> dict[str, Any]:
    """Exactly what we sign, with changes; a change to None leaves the claim out."""
    now = int(timezone.now().timestamp())
    claims = {
        "iss": "hammy",
        "aud": "hammy/json",
        "sub": str(user.pk),
        "client": known.caller.client_uuid,
        "stamp": stamp_of(user),
        "auth_time": now,
        "iat": now,
        "exp": now + 600,
    }
    return {name: value for name, value in (claims | changes).items() if value is not None}


def signed(claims: dict[str, Any], key: Any = None, **options: Any) -> str:
    return pyjwt.encode(claims, key or derived_keys("hammy.user-token")[0], **({"algorithm": "HS256"} | options))


def refusal_of(token: str, known: KnownClient) -> str:
    with pytest.raises(Refusal) as caught:
        jwt.verify(token=token, client=known)
    assert caught.value.code == 2001
    return str(caught.value)


def test_our_own_token_is_believed(known: KnownClient, user: Any) -> None:
    token = jwt.issue(client=known, user=user)
    assert jwt.verify(token=token.text, client=known).user.name == user.username
    assert jwt.verify(token=signed(claims_for(known, user)), client=known).user.id == user.pk


def test_s28_a_token_lives_as_long_as_the_setting_says(known: KnownClient, user: Any, settings: Any) -> None:
    settings.HAMMY_TOKEN_MINUTES = 7
    before = timezone.now()
    token = jwt.issue(client=known, user=user)
    assert timedelta(minutes=7, seconds=-1) <= token.expires_at - before <= timedelta(minutes=7)
    claims = pyjwt.decode(token.text, options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 7 * 60


def test_s28_algorithm_none_is_refused(known: KnownClient, user: Any) -> None:
    unsigned = pyjwt.encode(claims_for(known, user), None, algorithm="none")
    assert refusal_of(unsigned, known) == "Authorization: invalid"
    header, payload, _ = signed(claims_for(known, user)).split(".")
    assert refusal_of(f"{header}.{payload}.", known) == "Authorization: invalid"


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_s28_the_algorithm_is_pinned_even_with_the_right_key(known: KnownClient, user: Any, algorithm: str) -> None:
    with pytest.warns(pyjwt.InsecureKeyLengthWarning):
        token = signed(claims_for(known, user), algorithm=algorithm)
    assert refusal_of(token, known) == "Authorization: invalid"


def test_s28_an_rsa_key_pair_proves_nothing(known: KnownClient, user: Any) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert refusal_of(signed(claims_for(known, user), private, algorithm="RS256"), known) == "Authorization: invalid"
    # The confusion itself: the public key taken for an HMAC secret. PyJWT will not sign so, hence by hand.
    import hmac

    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in ({"alg": "HS256", "typ": "JWT"}, claims_for(known, user))
    ]
    text = b".".join(parts)
    mac = base64.urlsafe_b64encode(hmac.digest(public, text, "sha256")).rstrip(b"=")
    assert refusal_of((text + b"." + mac).decode(), known) == "Authorization: invalid"


@pytest.mark.parametrize(
    "header", [{"jku": "https://evil.example/keys"}, {"x5u": "https://evil.example/c"}, {"kid": "../../dev/null"}]
)
def test_s28_headers_that_point_at_keys_are_ignored(known: KnownClient, user: Any, header: dict[str, str]) -> None:
    assert refusal_of(signed(claims_for(known, user), b"z" * 32, headers=header), known) == "Authorization: invalid"
    assert jwt.verify(token=signed(claims_for(known, user), headers=header), client=known).user.id == user.pk


@pytest.mark.parametrize("key", [b"k" * 32, b"s"])
@pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")
def test_s28_a_wrong_or_short_key_is_refused(known: KnownClient, user: Any, key: bytes) -> None:
    assert refusal_of(signed(claims_for(known, user), key), known) == "Authorization: invalid"


@pytest.mark.parametrize("name", ["exp", "iat", "sub", "iss", "aud", "client", "stamp", "auth_time"])
def test_s28_every_claim_is_required(known: KnownClient, user: Any, name: str) -> None:
    assert refusal_of(signed(claims_for(known, user, **{name: None})), known) == "Authorization: invalid"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "somebody"},
        {"aud": "hammy/soap"},
        {"aud": ["other"]},
        {"client": "00000000-0000-0000-0000-000000000000"},
        {"sub": "0"},
        {"sub": "99999999999999999999999999"},
        {"sub": "1 or 1=1"},
        {"sub": "\u0663"},
        {"stamp": "another password"},
        {"auth_time": "now"},
        {"exp": "soon"},
    ],
)
def test_s28_wrong_issuer_audience_client_or_subject_is_refused(
    known: KnownClient, user: Any, changes: dict[str, Any]
) -> None:
    assert refusal_of(signed(claims_for(known, user, **changes)), known) == "Authorization: invalid"


def test_s28_an_expired_token_is_refused_beyond_the_skew_of_clocks(known: KnownClient, user: Any) -> None:
    now = int(timezone.now().timestamp())
    assert jwt.verify(token=signed(claims_for(known, user, exp=now - 5)), client=known)
    assert refusal_of(signed(claims_for(known, user, exp=now - 11)), known) == (
        "Authorization: expired, refresh it in time or log in again"
    )


@pytest.mark.parametrize("claim", ["nbf", "iat"])
def test_s28_a_token_of_the_future_is_refused_beyond_the_skew_of_clocks(
    known: KnownClient, user: Any, claim: str
) -> None:
    now = int(timezone.now().timestamp())
    assert jwt.verify(token=signed(claims_for(known, user, **{claim: now + 5})), client=known)
    assert refusal_of(signed(claims_for(known, user, **{claim: now + 60})), known) == "Authorization: invalid"


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "a.b", "....", "e30.e30.", "\u00e1.\u00e9.\u0151", "x" * 5000])
def test_s28_nonsense_is_refused(known: KnownClient, token: str) -> None:
    assert refusal_of(token, known) == "Authorization: invalid"


def test_s28_a_token_serves_its_own_client_only(known: KnownClient, user: Any) -> None:
    other = client_by_hash_key(make_client()[1].client_hash_key)
    assert other
    assert refusal_of(jwt.issue(client=other, user=user).text, known) == "Authorization: invalid"


def test_s28_a_token_of_a_deactivated_user_is_refused(keys: Keys, known: KnownClient, user: Any) -> None:
    token = jwt.issue(client=known, user=user).text
    user.is_active = False
    user.save()
    assert refusal_of(token, known) == "Authorization: invalid"


def test_s28_a_token_of_a_deleted_user_is_refused(known: KnownClient, user: Any) -> None:
    token = jwt.issue(client=known, user=user).text
    user.delete()
    assert refusal_of(token, known) == "Authorization: invalid"


def test_s28_a_token_of_a_deleted_client_is_refused(user: Any) -> None:
    client, keys = make_client()
    headers = headers_for(keys, user)
    client.delete()
    response = Client().get("/hammy/echo", headers=headers)
    assert response.json()["meta"]["responseStatus"]["code"] == 2000
    # The same name again is another client: the old token is not its own.
    _, fresh = make_client(name=client.name)
    response = Client().get("/hammy/echo", headers=headers | {"X-Client-Hash-Key": fresh.client_hash_key})
    assert response.json()["meta"]["responseStatus"]["code"] == 2001


def test_a_changed_password_ends_every_token(known: KnownClient, user: Any) -> None:
    token = jwt.issue(client=known, user=user).text
    user.set_password("another one entirely")
    user.save()
    assert refusal_of(token, known) == "Authorization: invalid"


def test_a_token_outlives_a_change_of_the_secret_key_while_the_old_one_is_a_fallback(
    known: KnownClient, user: Any, settings: Any
) -> None:
    old = settings.SECRET_KEY
    token = signed(claims_for(known, user))
    settings.SECRET_KEY = "a new one, long enough to be one"
    assert refusal_of(token, known) == "Authorization: invalid"
    settings.SECRET_KEY_FALLBACKS = [old]
    assert jwt.verify(token=token, client=known).user.id == user.pk


def test_a_remembered_token_still_expires_and_its_user_still_counts(
    known: KnownClient, user: Any, settings: Any, monkeypatch: Any
) -> None:
    settings.HAMMY_CALLER_CACHE_SECONDS = 3600
    token = jwt.issue(client=known, user=user)
    assert jwt.verify(token=token.text, client=known).user.id == user.pk
    assert refusal_of(token.text, replace(known, caller=replace(known.caller, client_uuid="another"))) == (
        "Authorization: invalid"
    )
    over = token.expires_at.timestamp() + 10
    monkeypatch.setattr(jwt, "time", lambda: over)
    assert refusal_of(token.text, known) == "Authorization: expired, refresh it in time or log in again"

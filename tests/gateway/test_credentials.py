"""Basic and the AWS signature (contract job_completed_notifications, "Who calls"; S32, S36)."""

from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.clients import Keys, revoke_client
from gateway.credentials.aws_v2 import Fault, SignatureRefused, SignedRequest, caller_by_signature, signature
from gateway.credentials.basic import caller_by_basic
from gateway.credentials.hash_key import caller_by_key
from gateway.errors import Refusal
from gateway.models import Credential
from gateway.sealing import seal
from tests.factories import make_client

PATH = "/_rest_/job_completed_notification_registration"
DATE = "Sat, 21 Nov 2026 21:54:21 -0000"
MOMENT = datetime(2026, 11, 21, 21, 54, 21, tzinfo=UTC)
REQUEST = SignedRequest(method="POST", path=PATH, headers={"date": DATE})


@pytest.fixture
def keys(db: None) -> Keys:
    return make_client(name="archive")[1]


def basic(text: str) -> str:
    return "Basic " + b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("method", "expected"), [("POST", "QqNKVAEhW7lTNbCjNlNPTH/7tVc="), ("GET", "qlhqyVY6ZxXroy4+BHTpLadRx0s=")]
)
def test_the_contracts_check_values(method: str, expected: str) -> None:
    assert signature(secret="mysecret", request=replace(REQUEST, method=method)) == expected


def test_what_is_signed() -> None:
    headers = {
        "content-md5": "md5==",
        "content-type": "text/xml",
        "date": DATE,
        "x-amz-meta-b": " two ",
        "x-amz-acl": "private",
        "x-other": "not signed",
    }
    assert replace(REQUEST, headers=headers).string_to_sign() == (
        f"POST\nmd5==\ntext/xml\n{DATE}\nx-amz-acl:private\nx-amz-meta-b:two\n{PATH}"
    )
    dated = replace(REQUEST, headers={"date": "ignored", "x-amz-date": DATE})
    assert dated.string_to_sign() == f"POST\n\n\n\nx-amz-date:{DATE}\n{PATH}"


def sign(keys: Keys, request: SignedRequest = REQUEST) -> str:
    return f"AWS {keys.access_id}:{signature(secret=keys.secret, request=request)}"


def test_a_signed_request_names_the_client(keys: Keys) -> None:
    assert caller_by_signature(authorization=sign(keys), request=REQUEST, now=MOMENT).client_name == "archive"


@pytest.mark.parametrize("minutes", [-15, 15])
def test_the_clock_may_be_a_quarter_of_an_hour_off(keys: Keys, minutes: int) -> None:
    now = MOMENT + timedelta(minutes=minutes)
    assert caller_by_signature(authorization=sign(keys), request=REQUEST, now=now).client_name == "archive"
    later = now + timedelta(seconds=minutes / abs(minutes))
    assert fault(sign(keys), now=later) == Fault.SKEWED


@pytest.mark.parametrize("date", ["Sat, 21 Nov 2026 21:54:21 GMT", "Sat, 21 Nov 2026 22:54:21 +0100"])
def test_dates_in_other_spellings_are_read(keys: Keys, date: str) -> None:
    request = replace(REQUEST, headers={"x-amz-date": date})
    assert caller_by_signature(authorization=sign(keys, request), request=request, now=MOMENT)


@pytest.mark.parametrize("date", ["", "yesterday", "21 Foo 2026", "99999999999999999999"])
def test_a_signed_request_without_a_readable_date_is_refused(keys: Keys, date: str) -> None:
    request = replace(REQUEST, headers={"date": date})
    assert fault(sign(keys, request), request=request) == Fault.SKEWED


def fault(authorization: str, *, request: SignedRequest = REQUEST, now: datetime = MOMENT) -> Fault:
    with pytest.raises(SignatureRefused) as caught:
        caller_by_signature(authorization=authorization, request=request, now=now)
    return caught.value.fault


@pytest.mark.parametrize("authorization", ["", "AWS", "AWS x", "Basic eDp5", "AWS4-HMAC-SHA256 Credential=x:y"])
def test_no_credentials(keys: Keys, authorization: str) -> None:
    assert fault(authorization) == Fault.NO_CREDENTIALS


def test_an_unknown_access_id_and_a_wrong_signature_are_told_apart_as_the_contract_says(keys: Keys) -> None:
    right = sign(keys)
    assert fault(right.replace(keys.access_id, "HAUNKNOWN")) == Fault.UNKNOWN_ACCESS_ID
    assert fault("AWS a\x00b:x") == Fault.UNKNOWN_ACCESS_ID
    assert fault(right[:-2] + "x=") == Fault.WRONG_SIGNATURE
    assert fault(f"AWS {keys.access_id}:") == Fault.WRONG_SIGNATURE
    assert fault(f"AWS {keys.access_id}:\u00e1\u00e9") == Fault.WRONG_SIGNATURE
    for tampered in (
        replace(REQUEST, method="GET"),
        replace(REQUEST, path=PATH + "/1"),
        replace(REQUEST, headers={"date": DATE, "content-type": "text/xml"}),
        replace(REQUEST, headers={"date": DATE, "x-amz-acl": "public"}),
    ):
        assert fault(right, request=tampered) == Fault.WRONG_SIGNATURE


def test_a_revoked_access_id_is_unknown(keys: Keys) -> None:
    authorization = sign(keys)
    revoke_client(name="archive")
    assert fault(authorization) == Fault.UNKNOWN_ACCESS_ID


def test_basic_names_the_client(keys: Keys) -> None:
    assert caller_by_basic(authorization=basic(f"{keys.access_id}:{keys.secret}")).client_name == "archive"


def test_a_secret_may_hold_colons(keys: Keys) -> None:
    Credential.objects.filter(kind=Credential.ACCESS).update(secret=seal("a:b:c"))
    assert caller_by_basic(authorization=basic(f"{keys.access_id}:a:b:c")).client_name == "archive"


@pytest.mark.parametrize("text", ["{id}:wrong", "{id}:", "nobody:{secret}", ":{secret}", "{id}:{secret}x", "a\x00:b"])
def test_s32_a_wrong_pair_is_refused_without_saying_which_half(keys: Keys, text: str) -> None:
    with pytest.raises(Refusal, match="^Authorization: access id or secret wrong$") as caught:
        caller_by_basic(authorization=basic(text.format(id=keys.access_id, secret=keys.secret)))
    assert caught.value.code == 2000


@pytest.mark.parametrize("authorization", ["", "Basic", "Basic !!!", "Basic //79", "Basic eA==", "JWT eDp5"])
def test_what_is_no_basic_is_refused(db: None, authorization: str) -> None:
    with pytest.raises(Refusal, match="^Authorization: must be Basic with the access id and its secret$"):
        caller_by_basic(authorization=authorization)


def test_a_client_without_access_secret_cannot_be_entered_by_an_empty_one(keys: Keys) -> None:
    Credential.objects.filter(kind=Credential.ACCESS).update(secret="")
    for secret in ("", "nobody's"):
        with pytest.raises(Refusal):
            caller_by_basic(authorization=basic(f"{keys.access_id}:{secret}"))
    request = replace(REQUEST)
    forged = f"AWS {keys.access_id}:{signature(secret='', request=request)}"
    assert fault(forged) == Fault.UNKNOWN_ACCESS_ID


def test_networks_hold_for_every_credential(db: None) -> None:
    _, keys = make_client(allowed_networks=["10.0.0.0/8"])
    for address in ("192.0.2.1", ""):
        with pytest.raises(Refusal, match="may not call from this address"):
            caller_by_basic(authorization=basic(f"{keys.access_id}:{keys.secret}"), address=address)
        with pytest.raises(Refusal, match="may not call from this address"):
            caller_by_signature(authorization=sign(keys), request=REQUEST, now=MOMENT, address=address)
        with pytest.raises(Refusal, match="may not call from this address"):
            caller_by_key(client_hash_key=keys.client_hash_key, address=address)


def test_faces_that_prove_no_user_record_the_name(keys: Keys) -> None:
    caller = caller_by_key(client_hash_key=keys.client_hash_key, user_name="kovacs")
    assert (caller.client_name, caller.user_name, caller.actor) == ("archive", "kovacs", "archive/kovacs")
    with pytest.raises(Refusal, match="^clientHashKey: required$"):
        caller_by_key(client_hash_key="")

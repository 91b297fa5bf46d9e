"""Who calls: by signature or by the headers of the other doors; what proves nobody is refused and leaves nothing."""

from base64 import b64encode
from datetime import timedelta
from email.utils import format_datetime, formatdate
from typing import Any

import pytest
from django.test import RequestFactory
from django.utils import timezone

from gateway import clients
from gateway.credentials.aws_v2 import SignedRequest, signature
from gateway.logs import current_trace
from notifications.ds3.rest import RegistrationsView
from tests.factories import headers_for, make_user
from tests.notifications.ds3_calls import PATH, Ds3, call, error, members, rows

pytestmark = pytest.mark.django_db
_QUERY = "notification_end_point=receiver.example"


@pytest.fixture
def api() -> Ds3:
    return Ds3(needs_user_token=True)


def test_a_signed_client_makes_reads_lists_and_deletes(api: Ds3) -> None:
    made = api.signed("POST", query=_QUERY)
    assert made.status_code == 201
    told = members(made)
    assert told["UserId"] == api.uuid
    assert api.signed("GET", f"/{told['Id']}").content == made.content
    assert api.signed("GET", query="page_length=1").status_code == 200
    assert api.signed("DELETE", f"/{told['Id']}/").status_code == 204


@pytest.mark.parametrize(
    "headers",
    [
        {"content_type": "application/xml", "Naming-Convention": "s3"},
        {"Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg==", "content_type": "application/octet-stream"},
        {"x-amz-meta-b": "two, three", "x-amz-acl": "private"},
    ],
)
def test_the_signature_covers_what_the_contract_says(api: Ds3, headers: Any) -> None:
    assert api.signed("GET", **headers).status_code == 200


def test_a_date_of_amazons_takes_the_place_of_the_other(api: Ds3) -> None:
    now = format_datetime(timezone.now())
    assert api.signed("GET", **{"x-amz-date": now, "date": "yesterday"}).status_code == 200
    assert error(api.signed("GET", **{"x-amz-date": "yesterday", "date": now}))[1] == "RequestTimeTooSkewed"


@pytest.mark.parametrize("zone", ["-0000", "+0000", "GMT"])
def test_the_date_may_end_as_clients_write_it(api: Ds3, zone: str) -> None:
    date = formatdate().removesuffix("-0000") + zone
    assert api.signed("GET", date=date).status_code == 200


def test_the_path_is_signed_as_it_was_sent(api: Ds3) -> None:
    one = members(api.signed("POST", query=_QUERY))["Id"]
    for path in ("/", ".json", f"/{one}", f"/{one}.json/"):
        assert api.signed("GET", path).status_code == 200
    signed = api.signed("GET", f"/{one}").wsgi_request.META
    headers = {"Authorization": signed["HTTP_AUTHORIZATION"], "Date": signed["HTTP_DATE"]}
    assert call("GET", f"{PATH}/{one}", **headers).status_code == 200
    assert error(call("GET", f"{PATH}/{one}/", **headers))[1] == "InvalidSecurity"


@pytest.mark.parametrize(
    ("told", "signed"),
    [
        ({"RAW_URI": "/%5Frest_/job?x=/y"}, "/%5Frest_/job"), ({"REQUEST_URI": f"http://h.example{PATH}?x"}, PATH),
        ({}, PATH), ({"RAW_URI": "/elsewhere"}, f"/published/below{PATH}"),
    ],
)  # fmt: skip
def test_the_path_may_be_the_raw_one_the_decoded_one_or_the_published_one(
    api: Ds3, told: dict[str, str], signed: str, rf: RequestFactory, settings: Any
) -> None:
    settings.HAMMY_PUBLIC_URL = "https://hammy.example/published/below"
    date = formatdate()
    request = SignedRequest(method="GET", path=signed, headers={"date": date})
    authorization = f"AWS {api.keys.access_id}:{signature(secret=api.keys.secret, request=request)}"
    sent = rf.get(PATH, headers={"Authorization": authorization, "Date": date}, **told)
    assert RegistrationsView.as_view()(sent).status_code == 200


def test_a_client_may_call_by_the_headers_of_the_other_doors(api: Ds3) -> None:
    user = make_user()
    answer = call("POST", PATH, _QUERY, **headers_for(api.keys, user))
    assert answer.status_code == 201


def _changed(api: Ds3, **changes: str) -> Any:
    """A well signed request, some of its headers changed afterwards."""
    meta = api.signed("GET").wsgi_request.META
    headers = {"Authorization": meta["HTTP_AUTHORIZATION"], "Date": meta["HTTP_DATE"]}
    return call("GET", PATH, **headers | {name.replace("_", "-"): value for name, value in changes.items()})


def test_every_way_of_being_nobody_has_the_contracts_code(api: Ds3) -> None:
    # S32
    other = Ds3()
    how = "send Authorization: AWS <accessId>:<signature>, or X-Client-Hash-Key"
    skewed = "the Date (or x-amz-date) must be a date within 15 minutes of now"
    wrong = "the signature is not that of this request"
    late = format_datetime(timezone.now() - timedelta(minutes=16))
    key = {"X-Client-Hash-Key": api.keys.client_hash_key}
    basic = b64encode(f"{api.keys.access_id}:{api.keys.secret}".encode()).decode()
    cases = [
        (call("GET", PATH), "AccessDenied", how),
        (call("GET", PATH, Authorization=f"Basic {basic}"), "AccessDenied", how),
        (call("GET", PATH, Authorization="AWS4-HMAC-SHA256 Credential=x"), "AccessDenied", how),
        (call("GET", PATH, Authorization="AWS nothing"), "AccessDenied", how),
        (call("GET", PATH, f"clientHashKey={other.keys.client_hash_key}"), "AccessDenied", how),
        (_changed(api, Authorization="AWS HAUNKNOWN:x"), "InvalidAccessKeyId", "the access id is unknown or inactive"),
        (_changed(api, Authorization=f"AWS {api.keys.access_id}:x"), "InvalidSecurity", wrong),
        (_changed(api, Date=formatdate(0)), "InvalidSecurity", wrong),
        (_changed(api, x_amz_acl="public"), "InvalidSecurity", wrong),
        (_changed(api, content_type="text/xml"), "InvalidSecurity", wrong),
        (api.signed("GET", date=late), "RequestTimeTooSkewed", skewed),
        (api.signed("GET", date="yesterday"), "RequestTimeTooSkewed", skewed),
        (call("GET", PATH, **{"X-Client-Hash-Key": "hk_x"}), "InvalidAccessKeyId",
         "X-Client-Hash-Key: unknown or inactive"),
        (call("GET", PATH, **key), "AccessDenied", "Authorization: required, as JWT <token>"),
        (call("GET", PATH, **key, Authorization="JWT x"), "InvalidSecurity", "Authorization: invalid"),
    ]  # fmt: skip
    for answer, code, message in cases:
        assert error(answer) == (403, code, message)
        assert "WWW-Authenticate" not in answer


def test_two_credentials_must_name_the_same_client(api: Ds3) -> None:
    # S29
    other = Ds3()
    assert _changed(api, X_Client_Hash_Key=api.keys.client_hash_key).status_code == 200
    assert error(_changed(api, X_Client_Hash_Key=other.keys.client_hash_key)) == (
        403, "InvalidSecurity", "the signature and X-Client-Hash-Key name different clients",
    )  # fmt: skip
    assert error(_changed(api, X_Client_Hash_Key="hk_nobody"))[1] == "InvalidAccessKeyId"
    query = f"clientHashKey={api.keys.client_hash_key}"
    assert error(call("GET", PATH, query, **other.headers))[:2] == (403, "InvalidAccessKeyId")
    user = make_user()
    headers = headers_for(api.keys, user) | {"X-User-Name": "somebody-else"}
    assert error(call("GET", PATH, **headers))[:2] == (403, "InvalidSecurity")


def test_a_revoked_client_is_unknown_by_both(api: Ds3) -> None:
    clients.revoke_client(name=api.client.name)
    assert error(api.signed("GET"))[1] == "InvalidAccessKeyId"
    assert error(call("GET", PATH, **api.headers))[1] == "InvalidAccessKeyId"


def test_who_is_nobody_leaves_nothing_behind_and_is_told_nothing(api: Ds3) -> None:
    other = Ds3()
    one = other.create()
    before = rows()
    for method, path in (("POST", ""), ("GET", ""), ("GET", f"/{one.uuid}"), ("DELETE", f"/{one.uuid}"), ("PUT", "")):
        for headers in ({}, {"Authorization": f"AWS {other.keys.access_id}:x", "Date": formatdate()}):
            answer = call(method, PATH + path, _QUERY, **headers)
            assert answer.status_code == 403
            assert str(one.uuid) not in answer.content.decode().partition("<Resource>")[0]
    assert rows() == before


def test_a_right_that_is_missing_and_a_foreign_network_are_forbidden() -> None:
    powerless = Ds3(rights=["send"])
    for method in ("GET", "POST", "DELETE"):
        assert error(powerless.signed(method)) == (403, "Forbidden", "the client lacks the right notifications")
    elsewhere = Ds3(allowed_networks=["192.0.2.0/24"])
    told = (403, "Forbidden", "the client may not call from this address")
    assert error(elsewhere.signed("GET")) == told
    assert error(elsewhere.call("GET")) == told


@pytest.mark.usefixtures("half_past")
def test_too_many_requests_are_told_when_to_come_back() -> None:
    # S37
    busy = Ds3(requests_per_minute=1)
    assert busy.signed("GET").status_code == 200
    answer = busy.signed("GET")
    status, code, _ = error(answer)
    assert (status, code) == (429, "RetryWithAsynchronousWait")
    assert answer["Retry-After"] == "30"


def test_every_answer_bears_the_requests_id(api: Ds3) -> None:
    for answer in (api.signed("GET"), call("GET", PATH, X_Request_Id="ours"), api.signed("DELETE", "/x")):
        assert answer["x-amz-request-id"] == answer["X-Request-Id"]
    assert current_trace.get() is None

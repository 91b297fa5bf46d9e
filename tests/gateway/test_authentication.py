"""Who is let in over REST, and how those who are not are told (S16, S28–S32, S37)."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from gateway import clients
from gateway.clients import Keys
from gateway.models import ApiClient, Credential
from gateway.recent import forget_all
from tests.factories import headers_for, make_client, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.gateway.urls")]

ECHO = "/hammy/echo"


def call(headers: dict[str, str], query: str = "", **extra: Any) -> Any:
    return Client().get(ECHO + query, headers=headers, **extra)


def problem(response: Any) -> tuple[int, int, str]:
    """Status, code and first sentence, having checked that both dialects say the same."""
    body = response.json()
    status = body["meta"]["responseStatus"]
    assert [error["detail"] for error in body["errors"]] == status["messages"]
    assert body["errors"][0]["code"] == str(status["code"])
    assert body["errors"][0]["status"] == str(response.status_code)
    return response.status_code, status["code"], status["messages"][0]


@pytest.fixture
def keys() -> Keys:
    return make_client(name="bank", needs_user_token=False)[1]


def test_a_known_key_names_the_client(keys: Keys) -> None:
    response = call(headers_for(keys))
    assert (response.status_code, response.json()) == (200, {"client": "bank", "user": ""})
    assert response["Content-Type"] == "application/vnd.api+json"
    assert response["Cache-Control"] == "no-store"


def test_the_key_may_come_as_a_query_parameter(keys: Keys) -> None:
    assert call({}, f"?clientHashKey={keys.client_hash_key}").json()["client"] == "bank"


def test_without_a_key_nobody_is_let_in() -> None:
    response = call({})
    assert problem(response) == (401, 2000, "X-Client-Hash-Key: required")
    assert response["WWW-Authenticate"] == 'JWT realm="hammy"'


@pytest.mark.parametrize("key", ["wrong", "x" * 5000, "\u00e1rv\u00edz", "a\x00b"])
def test_an_unknown_key_is_refused(key: str) -> None:
    assert problem(call({}, f"?clientHashKey={key}")) == (401, 2000, "X-Client-Hash-Key: unknown or inactive")


def test_an_inactive_client_looks_like_an_unknown_one(keys: Keys) -> None:
    ApiClient.objects.update(is_active=False)
    assert problem(call(headers_for(keys))) == (401, 2000, "X-Client-Hash-Key: unknown or inactive")


@pytest.mark.parametrize(
    "ended", [{"revoked_at": timezone.now()}, {"expires_at": timezone.now() - timedelta(seconds=1)}]
)
def test_a_revoked_or_expired_key_is_refused(keys: Keys, ended: dict[str, Any]) -> None:
    Credential.objects.filter(kind=Credential.HASH_KEY).update(**ended)
    assert problem(call(headers_for(keys)))[:2] == (401, 2000)


def test_s29_two_different_keys_are_refused(keys: Keys) -> None:
    other = make_client(needs_user_token=False)[1]
    response = call(headers_for(keys), f"?clientHashKey={other.client_hash_key}")
    assert problem(response) == (
        401,
        2000,
        "X-Client-Hash-Key: clientHashKey and X-Client-Hash-Key say different things",
    )
    twice = f"?clientHashKey={keys.client_hash_key}&clientHashKey={other.client_hash_key}"
    assert problem(call({}, twice))[:2] == (401, 2000)


def test_s29_the_same_key_twice_is_one_key(keys: Keys) -> None:
    assert call(headers_for(keys), f"?clientHashKey={keys.client_hash_key}").status_code == 200


def test_a_client_without_user_tokens_has_its_user_recorded(keys: Keys) -> None:
    assert call(headers_for(keys) | {"X-User-Name": "kovacs"}).json()["user"] == "kovacs"
    assert call(headers_for(keys), "?userName=kovacs").json()["user"] == "kovacs"


def test_a_user_name_outside_ascii_arrives_whole(keys: Keys) -> None:
    response = Client().get(
        ECHO, headers=headers_for(keys), HTTP_X_USER_NAME="\u0151rs\u00e9g".encode().decode("latin-1")
    )
    assert response.json()["user"] == "\u0151rs\u00e9g"


def test_s29_two_different_user_names_are_refused(keys: Keys) -> None:
    response = call(headers_for(keys) | {"X-User-Name": "a"}, "?userName=b")
    assert problem(response) == (401, 2000, "X-User-Name: userName and X-User-Name say different things")


@pytest.mark.parametrize("name", ["a\r\nX-Evil: 1", "a\x00", "a\x1b[31m", "a\u2028b", "x" * 151])
def test_s16_a_user_name_with_control_characters_or_without_end_is_refused(keys: Keys, name: str) -> None:
    response = Client().get(ECHO, {"userName": name}, headers=headers_for(keys))
    assert problem(response) == (401, 2000, "X-User-Name: must be at most 150 printable characters")


def test_a_user_token_is_needed_unless_the_client_says_otherwise() -> None:
    _, keys = make_client()
    assert problem(call(headers_for(keys))) == (401, 2001, "Authorization: required, as JWT <token>")


@pytest.mark.parametrize("scheme", ["JWT", "Bearer", "jwt", "BEARER"])
def test_a_token_proves_the_user(scheme: str) -> None:
    _, keys = make_client()
    user = make_user(username="kovacs")
    headers = headers_for(keys, user)
    headers["Authorization"] = headers["Authorization"].replace("JWT", scheme)
    assert call(headers).json()["user"] == "kovacs"
    assert call(headers | {"X-User-Name": "kovacs"}).json()["user"] == "kovacs"


def test_s29_the_named_user_must_be_the_tokens() -> None:
    _, keys = make_client()
    response = call(headers_for(keys, make_user()) | {"X-User-Name": "director"})
    assert problem(response) == (
        401,
        2000,
        "X-User-Name: is not the token's user, and the client may not act for users",
    )


def test_a_client_that_acts_for_users_may_name_another() -> None:
    _, keys = make_client(rights=["send", "act_for_users"])
    assert call(headers_for(keys, make_user()) | {"X-User-Name": "director"}).json()["user"] == "director"


def test_a_token_that_is_shown_is_checked_even_where_none_is_needed(keys: Keys) -> None:
    assert problem(call(headers_for(keys) | {"Authorization": "JWT nonsense"}))[:2] == (401, 2001)


def test_only_listed_users_may_call_through_a_client_that_lists_some() -> None:
    listed, other = make_user(), make_user()
    _, keys = make_client(users=[listed])
    assert call(headers_for(keys, listed)).status_code == 200
    assert problem(call(headers_for(keys, other))) == (401, 2001, "Authorization: invalid")


def test_a_right_that_is_missing_is_named() -> None:
    _, keys = make_client(rights=["jobs.read"], needs_user_token=False)
    assert problem(call(headers_for(keys))) == (403, 2002, "the client lacks the right send")


@pytest.mark.parametrize(
    ("networks", "address", "status"),
    [
        (["10.0.0.0/8"], "10.1.2.3", 200),
        (["10.0.0.0/8"], "::ffff:10.1.2.3", 200),
        (["10.0.0.0/8", "2001:db8::/32"], "2001:db8::7", 200),
        (["10.0.0.0/8"], "11.1.2.3", 403),
        (["10.0.0.0/8"], "::1", 403),
        (["10.0.0.0/8"], "", 403),
    ],
)
def test_calls_come_from_allowed_networks_only(networks: list[str], address: str, status: int) -> None:
    _, keys = make_client(needs_user_token=False, allowed_networks=networks)
    response = call(headers_for(keys), REMOTE_ADDR=address)
    assert response.status_code == status
    if status == 403:
        assert problem(response) == (403, 2002, "the client may not call from this address")


def test_x_forwarded_for_is_believed_from_our_proxy_only(settings: Any) -> None:
    _, keys = make_client(needs_user_token=False, allowed_networks=["10.0.0.0/8"])
    forged = headers_for(keys) | {"X-Forwarded-For": "10.0.0.1"}
    assert call(forged, REMOTE_ADDR="192.0.2.1").status_code == 403
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert call(headers_for(keys) | {"X-Forwarded-For": "192.0.2.9, 10.0.0.1"}).status_code == 200
    assert call(headers_for(keys) | {"X-Forwarded-For": "10.0.0.1, 192.0.2.9"}).status_code == 403


def test_the_hot_path_asks_the_database_nothing(settings: Any, django_assert_num_queries: Any) -> None:
    settings.HAMMY_CALLER_CACHE_SECONDS = 60
    _, keys = make_client()
    headers = headers_for(keys, make_user())
    with django_assert_num_queries(1):
        # The key was looked up for the token; only the user is new.
        call(headers)
    with django_assert_num_queries(0):
        assert call(headers).status_code == 200


def test_a_change_made_elsewhere_is_noticed_when_the_memory_ends(settings: Any) -> None:
    settings.HAMMY_CALLER_CACHE_SECONDS = 60
    _, keys = make_client(needs_user_token=False)
    assert call(headers_for(keys)).status_code == 200
    ApiClient.objects.update(is_active=False)
    assert call(headers_for(keys)).status_code == 200
    forget_all()
    assert call(headers_for(keys)).status_code == 401


def test_a_revoke_in_this_process_is_noticed_at_once(settings: Any) -> None:
    settings.HAMMY_CALLER_CACHE_SECONDS = 60
    client, keys = make_client(needs_user_token=False)
    assert call(headers_for(keys)).status_code == 200
    clients.revoke_client(name=client.name)
    assert call(headers_for(keys)).status_code == 401


def test_strangers_cannot_fill_the_memory(settings: Any) -> None:
    settings.HAMMY_CALLER_CACHE_SECONDS = 60
    from gateway.lookup import _by_credential

    for number in range(20):
        call({"X-Client-Hash-Key": f"guess-{number}"})
    assert _by_credential._kept == {}

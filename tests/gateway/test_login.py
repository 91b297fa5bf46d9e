"""Where user tokens come from (contract hammy_common, "Who calls"; S32)."""

from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.test import Client
from django.utils import timezone

from gateway.clients import Keys
from gateway.credentials import jwt
from gateway.dates import parse_moment
from gateway.lookup import client_by_hash_key
from tests.factories import PASSWORD, headers_for, make_client, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.gateway.urls")]

LOGIN = "/hammy/json/auth/v1/login"
REFRESH = "/hammy/json/auth/v1/refresh"


@pytest.fixture
def keys() -> Keys:
    return make_client()[1]


def login(keys: Keys, body: Any, **extra: Any) -> Any:
    return Client().post(LOGIN, body, content_type="application/json", headers=headers_for(keys), **extra)


def sentences(response: Any) -> tuple[int, int, list[str]]:
    status = response.json()["meta"]["responseStatus"]
    return response.status_code, status["code"], status["messages"]


@pytest.mark.parametrize("address", [LOGIN, LOGIN + "/"])
def test_name_and_password_give_a_token_that_works(keys: Keys, address: str) -> None:
    user = make_user()
    body = {"userName": user.username, "password": PASSWORD}
    response = Client().post(address, body, content_type="application/json", headers=headers_for(keys))
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    assert set(response.json()) == {"token", "expiresAt"}
    ahead = parse_moment(response.json()["expiresAt"]) - timezone.now()
    assert timedelta(minutes=29, seconds=50) < ahead <= timedelta(minutes=30)
    headers = headers_for(keys) | {"Authorization": f"JWT {response.json()['token']}"}
    assert Client().get("/hammy/echo", headers=headers).json()["user"] == user.username


@pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"userName": "nobody"}, {"userName": "\u0151" * 150}])
def test_a_wrong_name_and_a_wrong_password_look_alike(keys: Keys, wrong: dict[str, str]) -> None:
    user = make_user()
    response = login(keys, {"userName": user.username, "password": PASSWORD} | wrong)
    assert sentences(response) == (401, 2001, ["user name or password wrong"])
    assert response["Content-Type"] == "application/json"


def test_deactivated_users_and_those_not_listed_look_the_same(keys: Keys) -> None:
    gone = make_user(is_active=False)
    assert sentences(login(keys, {"userName": gone.username, "password": PASSWORD}))[:2] == (401, 2001)
    _, closed = make_client(users=[make_user()])
    other = make_user()
    assert sentences(login(closed, {"userName": other.username, "password": PASSWORD}))[:2] == (401, 2001)


def test_the_client_must_be_known_first() -> None:
    user = make_user()
    response = Client().post(LOGIN, {"userName": user.username, "password": PASSWORD}, content_type="application/json")
    assert sentences(response) == (401, 2000, ["X-Client-Hash-Key: required"])


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("{}", (400, 1001, ["userName: required", "password: required"])),
        ("[]", (400, 1000, ["the body must be an object"])),
        ("null", (400, 1000, ["the body must be an object"])),
        ('{"userName": 1, "password": ["x"]}', (400, 1002, ["userName: must be a text", "password: must be a text"])),
        ('{"userName": false, "password": "x"}', (400, 1002, ["userName: must be a text"])),
        (
            '{"userName": "a", "password": "b", "username": "c"}',
            (400, 1004, ["username: unknown field"]),
        ),
        (
            {"userName": "x" * 151, "password": "x" * 4097},
            (
                400,
                1002,
                ["userName: must be at most 150 characters long", "password: must be at most 4096 characters long"],
            ),
        ),
    ],
)
def test_a_body_that_is_no_login_is_refused_field_by_field(keys: Keys, body: Any, expected: Any) -> None:
    assert sentences(login(keys, body)) == expected
    assert AccessAttempt.objects.count() == 0


def test_s32_repeated_failures_lock_the_name_out(keys: Keys, settings: Any) -> None:
    user = make_user()
    wrong = {"userName": user.username, "password": "wrong"}
    for _ in range(settings.AXES_FAILURE_LIMIT - 1):
        assert sentences(login(keys, wrong))[:2] == (401, 2001)
    response = login(keys, wrong)
    assert sentences(response) == (429, 2003, ["userName: locked after repeated failures"])
    assert response["Retry-After"] == "900"
    right = login(keys, {"userName": user.username, "password": PASSWORD})
    assert sentences(right) == (429, 2003, ["userName: locked after repeated failures"])
    other = make_user()
    assert login(keys, {"userName": other.username, "password": PASSWORD}).status_code == 200


def test_s32_names_that_do_not_exist_lock_out_alike(keys: Keys, settings: Any) -> None:
    answers = [
        sentences(login(keys, {"userName": "nobody", "password": "x"})) for _ in range(settings.AXES_FAILURE_LIMIT)
    ]
    assert answers[-1] == (429, 2003, ["userName: locked after repeated failures"])


def test_a_success_forgets_the_failures_before_it(keys: Keys, settings: Any) -> None:
    user = make_user()
    for _ in range(3):
        for _ in range(settings.AXES_FAILURE_LIMIT - 1):
            login(keys, {"userName": user.username, "password": "wrong"})
        assert login(keys, {"userName": user.username, "password": PASSWORD}).status_code == 200
    assert AccessAttempt.objects.count() == 0


def test_s35_failed_logins_keep_neither_password_nor_key(keys: Keys) -> None:
    body = '{"userName": "kovacs", "password": "hunter2"}'
    Client().post(
        f"{LOGIN}?clientHashKey={keys.client_hash_key}", body, content_type="application/x-www-form-urlencoded"
    )
    attempt = AccessAttempt.objects.get()
    assert (attempt.username, attempt.get_data, attempt.post_data) == ("kovacs", "", "")


@pytest.mark.parametrize("address", [REFRESH, REFRESH + "/"])
def test_a_valid_token_is_refreshed(keys: Keys, address: str) -> None:
    user = make_user()
    response = Client().post(address, headers=headers_for(keys, user))
    assert (response.status_code, set(response.json())) == (200, {"token", "expiresAt"})
    headers = headers_for(keys) | {"Authorization": f"JWT {response.json()['token']}"}
    assert Client().get("/hammy/echo", headers=headers).json()["user"] == user.username


def test_without_a_valid_token_nothing_is_refreshed(keys: Keys) -> None:
    assert sentences(Client().post(REFRESH, headers=headers_for(keys))) == (
        401,
        2001,
        ["Authorization: required, as JWT <token>"],
    )
    headers = headers_for(keys) | {"Authorization": "JWT nonsense"}
    assert sentences(Client().post(REFRESH, headers=headers))[:2] == (401, 2001)


def test_refreshing_ends_when_the_login_is_too_old(keys: Keys, settings: Any) -> None:
    known = client_by_hash_key(keys.client_hash_key)
    assert known
    user = make_user()
    proof = jwt.verify(token=jwt.issue(client=known, user=user).text, client=known)
    old = jwt.Proof(user=proof.user, authenticated_at=timezone.now() - timedelta(hours=settings.HAMMY_LOGIN_HOURS - 1))
    renewed = jwt.renew(client=known, proof=old)
    again = jwt.verify(token=renewed.text, client=known)
    assert again.authenticated_at == old.authenticated_at.replace(microsecond=0)
    settings.HAMMY_LOGIN_HOURS = settings.HAMMY_LOGIN_HOURS - 2
    headers = headers_for(keys) | {"Authorization": f"JWT {renewed.text}"}
    assert sentences(Client().post(REFRESH, headers=headers)) == (
        401,
        2001,
        ["Authorization: the login is too old to be refreshed, log in again"],
    )


def test_other_methods_are_refused(keys: Keys) -> None:
    assert Client().get(LOGIN, headers=headers_for(keys)).status_code == 405


def test_a_name_longer_than_any_user_has_fails_at_the_console_like_any_other(settings: Any) -> None:
    settings.ROOT_URLCONF = "hammy_project.urls"
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    answer = Client().post("/admin/login/", {"username": "x" * 300, "password": "no"})
    assert answer.status_code == 200
    assert AccessAttempt.objects.get().username == "x" * 150

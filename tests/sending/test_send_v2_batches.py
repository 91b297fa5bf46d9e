"""Many letters in one request (contract send_v2, "Bulk")."""

from pathlib import Path
from typing import Any

import pytest

from sending.models import Message
from sending.send_v2 import batches
from tests.sending.send_v2_calls import JSON, JSON_API, LETTER, Caller, keep_files_in, nothing_happened, problems

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(settings: Any, tmp_path: Path) -> Caller:
    keep_files_in(tmp_path, settings)
    return Caller()


def post(api: Caller, *messages: Any, path: str = "/v2/batches", **members: Any) -> Any:
    return api.post(path, {"messages": list(messages)} | members)


def test_all_letters_taken_is_code_0(api: Caller) -> None:
    answer = post(api, LETTER, LETTER | {"mailSubject": "Másik"}, batchId="b1")
    first, second = Message.objects.order_by("id")
    assert (answer.status_code, answer["Content-Type"]) == (200, JSON)
    assert answer.content == (
        b'{"meta":{"responseStatus":{"code":0,"messages":[]},"params":[]},"batchId":"b1","messages":'
        b'[{"index":0,"messageId":%d},{"index":1,"messageId":%d}]}' % (first.pk, second.pk)
    )
    assert [(one.subject, one.batch_id) for one in (first, second)] == [("Teszt levél tárgy", "b1"), ("Másik", "b1")]


def test_each_letter_is_taken_or_refused_on_its_own(api: Caller) -> None:
    answer = post(api, {"recipientAddress": "x", "nope": 1}, LETTER, 7, LETTER | {"fromAddress": "nobody"})
    number = Message.objects.get().pk
    assert answer.status_code == 200
    assert answer.json() == {
        "meta": {"responseStatus": {"code": 1006, "messages": ["3 of 4 messages were refused"]}, "params": []},
        "messages": [
            {
                "index": 0,
                "responseStatus": {
                    "code": 1001,
                    "messages": [
                        "mailSubject: required without messageType",
                        "mailBody: required without messageType, unless mailHtmlBody is given",
                        "recipientAddress: not a valid e-mail address: x",
                        "recipientName: required",
                        "nope: unknown field",
                    ],
                },
            },
            {"index": 1, "messageId": number},
            {"index": 2, "responseStatus": {"code": 1000, "messages": ["the request must be a JSON object"]}},
            {
                "index": 3,
                "responseStatus": {"code": 1002, "messages": ["fromAddress: not a valid e-mail address: nobody"]},
            },
        ],
    }


def test_a_letter_may_name_a_batch_of_its_own(api: Caller) -> None:
    post(api, LETTER, LETTER | {"batchId": "own"}, LETTER | {"batchId": None}, batchId="b1")
    assert list(Message.objects.order_by("id").values_list("batch_id", flat=True)) == ["b1", "own", "b1"]


def test_a_request_id_counts_within_a_batch_and_across_batches(api: Caller) -> None:
    once = LETTER | {"requestId": "r1"}
    first = post(api, once, once, once | {"mailBody": "más"}).json()
    number = Message.objects.get().pk
    assert [item.get("messageId") for item in first["messages"]] == [number, number, None]
    assert first["messages"][2]["responseStatus"]["code"] == 1005
    assert post(api, once).json()["messages"] == [{"index": 0, "messageId": number}]
    assert Message.objects.count() == 1


def test_letters_may_name_their_users(api: Caller) -> None:
    answer = post(
        api, LETTER | {"userName": "anna"}, LETTER, LETTER | {"userName": "bela"}, LETTER | {"userName": "anna"}
    )
    numbers = [item["messageId"] for item in answer.json()["messages"]]
    users = dict(Message.objects.values_list("id", "user_name"))
    assert [users[number] for number in numbers] == ["anna", "", "bela", "anna"]


def test_s29_a_letter_of_another_user_is_refused_alone(api: Caller) -> None:
    messages = {"messages": [LETTER, LETTER | {"userName": "bela"}]}
    answer = api.post("/v2/batches", messages, X_User_Name="anna")
    assert [item.get("responseStatus") for item in answer.json()["messages"]] == [
        None,
        {"code": 2000, "messages": ["userName: is not the user of this request"]},
    ]


def test_no_letters_are_no_problem(api: Caller) -> None:
    assert post(api, path="/v2/batches/").json() == {
        "meta": {"responseStatus": {"code": 0, "messages": []}, "params": []},
        "messages": [],
    }


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ([], [(1000, "the request must be a JSON object")]),
        (b"{", [(1000, "the body is not JSON: Expecting property name enclosed in double quotes at line 1, column 2")]),
        ({}, [(1000, "messages: must be a list of messages")]),
        ({"messages": {}}, [(1000, "messages: must be a list of messages")]),
        ({"messages": [{}] * 10_001}, [(1002, "messages: must hold at most 10000")]),
        (
            {"messages": [LETTER], "batchId": "x" * 101, "batch": 1},
            [(1002, "batchId: must be at most 100 characters"), (1004, "batch: unknown field")],
        ),
    ],
)
def test_what_is_no_batch_is_refused_whole(api: Caller, data: Any, found: list[tuple[int, str]]) -> None:
    answer = api.post("/v2/batches", data)
    assert (answer.status_code, answer["Content-Type"], problems(answer)) == (400, JSON, found)
    assert nothing_happened()


def test_a_batch_is_plain_json(api: Caller) -> None:
    answer = api.post("/v2/batches", {"messages": []}, content_type=JSON_API)
    assert (answer.status_code, problems(answer)) == (415, [(1000, "Content-Type: must be application/json")])


def test_a_batch_costs_few_statements(api: Caller, django_assert_max_num_queries: Any) -> None:
    letters = [LETTER | {"requestId": f"r{number}"} for number in range(100)]
    with django_assert_max_num_queries(12):
        answer = post(api, *letters)
    assert answer.json()["meta"]["responseStatus"]["code"] == 0
    assert Message.objects.count() == 100


def test_a_batch_in_which_nobody_would_count_the_mistakes_is_refused_whole(
    api: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MOST_PROBLEMS", 3)
    answer = post(api, LETTER, {"recipientName": "x", "nope": 1}, LETTER)
    assert (answer.status_code, problems(answer)) == (400, [(1000, "more than 3 things are wrong with this request")])
    nothing_happened()


def test_unknown_fields_beyond_the_first_few_get_no_hint(api: Caller) -> None:
    answer = api.send(**{f"mailSubjct{number}": 1 for number in range(100)})
    hinted = [sentence for _, sentence in problems(answer) if "did you mean mailSubject?" in sentence]
    assert len(hinted) == 10


def test_a_batch_sent_again_is_answered_without_a_transaction_for_each_letter(
    api: Caller, django_assert_max_num_queries: Any
) -> None:
    letters = [LETTER | {"requestId": f"r{number}"} for number in range(20)]
    first = post(api, *letters[:15]).json()["messages"]
    with django_assert_max_num_queries(20):
        again = post(api, *letters, letters[0], LETTER | {"requestId": "r1", "mailBody": "más"}).json()["messages"]
    numbers = list(Message.objects.order_by("id").values_list("id", flat=True))
    assert [item["messageId"] for item in first] == numbers[:15]
    assert [item["messageId"] for item in again[:20]] == numbers
    assert again[20]["messageId"] == numbers[0]
    assert again[21]["responseStatus"]["code"] == 1005

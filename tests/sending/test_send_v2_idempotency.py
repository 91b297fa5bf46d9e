"""The same request many times at once is one message (contract send_v2, field requestId)."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
import requests
from django.core.servers.basehttp import ThreadedWSGIServer
from django.test.testcases import LiveServerThread, _StaticFilesHandler

from sending.models import Attachment, Blob, Message, MessageEvent
from tests.sending.send_v2_calls import BASE, JSON, JSON_API, LETTER, Caller, document

pytestmark = pytest.mark.django_db(transaction=True)

TIMES = 50


class _PatientServer(ThreadedWSGIServer):
    """Lets a burst wait for its turn: the usual ten places are too few for it."""

    request_queue_size = 128


class _PatientThread(LiveServerThread):
    server_class = _PatientServer


@pytest.fixture
def site(transactional_db: None) -> Iterator[str]:
    """The address of the site, served to real connections by a thread for each."""
    thread = _PatientThread("127.0.0.1", static_handler=_StaticFilesHandler)
    thread.daemon = True
    thread.start()
    thread.is_ready.wait()
    if thread.error:
        raise thread.error
    yield f"http://127.0.0.1:{thread.port}"
    thread.terminate()


def at_once(call: Callable[[int], Any]) -> list[Any]:
    """``TIMES`` calls that start together, each in a thread of its own."""
    barrier = Barrier(TIMES)

    def started(number: int) -> Any:
        barrier.wait(timeout=30)
        return call(number)

    with ThreadPoolExecutor(TIMES) as pool:
        return list(pool.map(started, range(TIMES)))


def post(site: str, api: Caller, path: str, data: Any, content_type: str = JSON) -> tuple[int, bytes]:
    answer = requests.post(
        f"{site}{BASE}{path}",
        data=json.dumps(data).encode(),
        headers=api.headers | {"Content-Type": content_type},
        timeout=60,
    )
    return answer.status_code, answer.content


@pytest.mark.parametrize(
    ("data", "content_type"), [(LETTER | {"requestId": "r1"}, JSON), (document(requestId="r1"), JSON_API)]
)
def test_one_request_fifty_times_at_once_is_one_message(site: str, data: Any, content_type: str) -> None:
    api = Caller()
    answers = at_once(lambda _: post(site, api, "/v2/send", data, content_type))
    assert len(set(answers)) == 1
    assert answers[0][0] == 200
    assert str(Message.objects.get().pk).encode() in answers[0][1]
    assert MessageEvent.objects.count() == 1


def test_one_attachment_fifty_times_at_once_is_kept_once(site: str) -> None:
    api = Caller()
    source = [{"key": "ATTACHMENT_SOURCE", "value": "INLINE"}]
    data = LETTER | {
        "requestId": "r1",
        "attachments": [{"fileName": "a.pdf", "content": "JVBERg==", "properties": source}],
    }
    answers = at_once(lambda _: post(site, api, "/v2/send", data))
    assert len(set(answers)) == 1
    assert answers[0][0] == 200
    assert (Message.objects.count(), Attachment.objects.count(), Blob.objects.count()) == (1, 1, 1)


def test_of_fifty_different_letters_of_one_request_id_one_wins(site: str) -> None:
    api = Caller()
    answers = at_once(lambda number: post(site, api, "/v2/send", LETTER | {"requestId": "r1", "mailBody": f"{number}"}))
    assert sorted(status for status, _ in answers) == [200] + [409] * (TIMES - 1)
    assert (Message.objects.count(), MessageEvent.objects.count()) == (1, 1)


def test_one_batch_many_times_at_once_is_one_set_of_messages(site: str) -> None:
    api = Caller()
    batch = {"messages": [LETTER | {"requestId": f"r{number}"} for number in range(5)]}
    answers = at_once(lambda _: post(site, api, "/v2/batches", batch))
    assert len(set(answers)) == 1
    numbers = [item["messageId"] for item in json.loads(answers[0][1])["messages"]]
    assert sorted(numbers) == sorted(Message.objects.values_list("id", flat=True))
    assert MessageEvent.objects.count() == 5

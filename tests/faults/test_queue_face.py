"""R8, R9, R10 over a real RabbitMQ: letters come by queue while consumers die, lines are cut and brokers restart."""

import json
import random
import re
import signal
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import amqp
import pytest

from gateway.amqp.error_queue import ErrorQueue
from tests.faults.queueing import ERRORS, QUEUE, REPLIES, QueueClient, numbers
from tests.faults.services import Line, Postgres, RabbitMq, on_services
from tests.faults.site import ROOT, Site, letter, site, wait_until

pytestmark = [*on_services, pytest.mark.timeout(400)]


class Queued:
    """A site whose letters come from a broker of its own, over a line that can be cut."""

    def __init__(self, running: Site, broker: RabbitMq, line: Line) -> None:
        self.running, self.broker, self.line = running, broker, line

    def client(self) -> QueueClient:
        """A client straight at the broker."""
        return QueueClient(self.broker.url, self.running.headers)

    def rows(self, prefix: str) -> int:
        return sum(self.running.statuses(prefix).values())


@pytest.fixture(scope="module")
def queued(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Queued]:
    with ExitStack() as opened:
        broker = opened.enter_context(RabbitMq())
        line = opened.enter_context(Line(broker.port))
        url = broker.url.replace(f":{broker.port}", f":{line.port}")
        running = opened.enter_context(site(tmp_path_factory.mktemp("queue"), HAMMY_AMQP_URL=url, LOG_LEVEL="INFO"))
        yield Queued(running, broker, line)


@pytest.fixture(autouse=True)
def no_consumer_stays(queued: Queued) -> Iterator[None]:
    yield
    for process in queued.running.processes:
        queued.running.kill(process)


@pytest.fixture
def client(queued: Queued) -> Iterator[QueueClient]:
    with queued.client() as made:
        for name in (QUEUE, ERRORS):
            made.channel.queue_delete(name)
        made.channel.queue_purge(REPLIES)
        yield made


def test_letters_in_three_forms_are_answered_in_kind(queued: Queued, client: QueueClient) -> None:
    queued.running.start_consumer()
    client.wait_for_consumers()
    forms = {
        "application/json": json.dumps(letter("form-1")),
        "application/vnd.api+json": json.dumps({"data": {"type": "sendRequest", "attributes": letter("form-2")}}),
        "application/xml": "<sendMailRequest>"
        + "".join(f"<{name}>{value}</{name}>" for name, value in letter("form-3").items())
        + "</sendMailRequest>",
    }
    for content_type, body in forms.items():
        client.send(body=body.encode(), content_type=content_type, correlation_id=f"for {content_type}")
    answers = client.answers(3)
    assert [answer.properties["content_type"] for answer in answers] == list(forms)
    assert [answer.properties["correlation_id"] for answer in answers] == [f"for {name}" for name in forms]
    assert [answer.properties["delivery_mode"] for answer in answers] == [2, 2, 2]
    assert b"<sendMailResponse><messageId>" in answers[2].body
    assert queued.rows("form-") == 3


def test_r9_a_consumer_killed_at_any_moment_loses_no_letter_and_takes_none_twice(
    queued: Queued, client: QueueClient
) -> None:
    consumer = queued.running.start_consumer()
    client.wait_for_consumers()
    count, sent = 400, 0
    before = queued.rows("")
    # By their message ids alone: without request ids nothing else tells one from the other.
    for _ in range(4):
        for _ in range(count // 4):
            body = json.dumps(letter("")).encode()
            client.send(body=body, message_id=f"killed-{sent}", correlation_id=str(sent))
            sent += 1
        time.sleep(random.uniform(0, 0.1))
        queued.running.kill(consumer)
        consumer = queued.running.start_consumer()
        client.wait_for_consumers()
    answers: dict[str, set[bytes]] = {}

    def all_answered() -> bool:
        while (message := client.channel.basic_get(REPLIES, no_ack=True)) is not None:
            answers.setdefault(message.properties["correlation_id"], set()).add(bytes(message.body))
        return len(answers) == count

    wait_until(all_answered, seconds=60, what="all answers")
    # Some were answered more than once, but each time with the same number.
    assert {len(bodies) for bodies in answers.values()} == {1}
    assert queued.rows("") - before == count
    assert client.waiting() == client.waiting(ERRORS) == 0


def _bad_time() -> amqp.Message:
    """A message with a moment that no calendar has among its headers: readers that trust it lose their connection."""
    header = b"\x01hT" + struct.pack(">Q", 2**63)
    message = amqp.Message(b"{}")
    message._serialize_properties = lambda: struct.pack(">HI", 0x2000, len(header)) + header
    return message


def test_r10_what_cannot_be_read_is_answered_and_put_aside_with_its_reason(queued: Queued, client: QueueClient) -> None:
    queued.running.start_consumer(HAMMY_MAX_REQUEST_BYTES="100000")
    client.wait_for_consumers()
    client.send(
        body=b"{", correlation_id="c", message_id="m", user_id="guest", expiration="60000", priority=3, type="t",
        headers={"CC": [QUEUE], "mine": 1},
    )  # fmt: skip
    client.send(body=b" " * 100_001, reply_to=None)
    client.channel.basic_publish(_bad_time(), "", QUEUE)
    client.send("after-rubbish")
    refused, taken = client.answers(2)
    assert json.loads(refused.body)["meta"]["responseStatus"]["code"] == 1000
    assert refused.properties["correlation_id"] == "c"
    assert numbers([taken])
    first, large, unreadable = (client.take(ERRORS) for _ in range(3))
    assert (first.body, first.properties["correlation_id"], first.properties["reply_to"]) == (b"{", "c", REPLIES)
    assert (first.properties["message_id"], first.properties["priority"], first.properties["type"]) == ("m", 3, "t")
    headers = first.properties["application_headers"]
    assert (headers["x-hammy-code"], headers["x-hammy-queue"], headers["mine"]) == (1000, QUEUE, 1)
    assert headers["x-hammy-reason"].startswith("the body is not JSON: ")
    assert "CC" not in headers
    assert not {"user_id", "expiration"} & first.properties.keys()
    assert large.properties["application_headers"]["x-hammy-reason"] == "the body is larger than 100000 bytes"
    assert len(large.body) == 100_001
    assert unreadable.properties["application_headers"]["x-hammy-reason"] == (
        "the message cannot be read: its properties or headers are not valid AMQP 0-9-1"
    )
    assert client.waiting() == client.waiting(ERRORS) == 0
    # Nobody was connected anew for any of them.
    assert queued.running.logged("the line to the broker is broken") == []


def test_a_refused_letter_of_which_nobody_can_be_told_is_put_aside(queued: Queued, client: QueueClient) -> None:
    queued.running.start_consumer()
    client.wait_for_consumers()
    bad = json.dumps(letter("untold", recipientName="")).encode()
    client.send(body=bad, reply_to=None)
    client.send(body=bad)
    dead, told = client.take(ERRORS), client.take()
    assert dead.properties["application_headers"]["x-hammy-reason"] == "recipientName: required"
    assert json.loads(told.body)["meta"]["responseStatus"] == {"code": 1001, "messages": ["recipientName: required"]}
    assert client.waiting(ERRORS) == queued.rows("untold") == 0


def test_an_answer_that_nobody_takes_is_dropped_and_the_letter_stands(queued: Queued, client: QueueClient) -> None:
    consumer = queued.running.start_consumer()
    client.wait_for_consumers()
    client.send("unheard", reply_to="no-such-queue", correlation_id="c-17")
    client.send("heard")
    client.answers(1)
    assert (queued.rows("unheard"), queued.rows("heard")) == (1, 1)
    (line,) = queued.running.logged("c-17")
    assert "an answer was dropped: there is no such queue" in line
    assert consumer.poll() is None


def test_the_answer_goes_by_reply_to_app_on_the_reply_exchange(queued: Queued, client: QueueClient) -> None:
    queued.running.start_consumer(HAMMY_AMQP_REPLY_EXCHANGE="answers")
    client.wait_for_consumers()
    client.channel.queue_declare("app", durable=True, auto_delete=False)
    client.channel.queue_bind("app", "answers", "the.app")
    client.send("by-app", headers={"replyToApp": "the.app"}, message_id="m-1")
    answer = client.take("app")
    assert numbers([answer])
    # Who gave no correlation id is told by the message's own.
    assert answer.properties["correlation_id"] == "m-1"
    assert client.waiting(REPLIES) == 0


def test_r8_a_line_cut_five_times_in_two_seconds_is_taken_up_again(queued: Queued, client: QueueClient) -> None:
    consumer = queued.running.start_consumer()
    client.wait_for_consumers()
    cut = 0
    for number in range(5):
        for place in range(20):
            client.send(f"cut-{number}-{place}-", correlation_id=f"{number}-{place}")
        cut += queued.line.cut()
        time.sleep(0.4)
    assert cut >= 2
    wait_until(lambda: queued.rows("cut-") == 100 and client.waiting() == 0, seconds=60, what="all letters")
    client.send("later")
    wait_until(lambda: queued.rows("later") == 1, seconds=60, what="one more")
    assert consumer.poll() is None


def test_a_broker_that_restarts_finds_its_consumer_again(queued: Queued) -> None:
    consumer = queued.running.start_consumer()
    with queued.client() as client:
        client.wait_for_consumers()
        client.send("before-restart")
        wait_until(lambda: queued.rows("before-restart") == 1, seconds=60, what="the first letter")
    queued.broker.stop()
    queued.broker.start()
    with queued.client() as client:
        client.wait_for_consumers()
        client.send("after-restart")
        wait_until(lambda: queued.rows("after-restart") == 1, seconds=60, what="the second letter")
    assert consumer.poll() is None


def test_sigterm_ends_a_consumer_cleanly_and_another_goes_on(queued: Queued, client: QueueClient) -> None:
    consumer = queued.running.start_consumer()
    client.wait_for_consumers()
    for number in range(300):
        client.send(f"term-{number}-", correlation_id=str(number))
    time.sleep(0.05)
    consumer.send_signal(signal.SIGTERM)
    assert consumer.wait(timeout=20) == 0
    taken = queued.rows("term-")
    # What it took it answered, once; the rest is where it was.
    assert client.waiting() == 300 - taken
    assert len(client.answers(taken)) == taken
    queued.running.start_consumer()
    client.answers(300 - taken)
    assert queued.rows("term-") == 300


def test_consumers_side_by_side_share_the_letters(queued: Queued, client: QueueClient) -> None:
    for _ in range(2):
        queued.running.start_consumer(HAMMY_AMQP_PREFETCH="20", HAMMY_AMQP_BATCH="10")
    client.wait_for_consumers(2)
    for number in range(200):
        client.send(f"shared-{number}-")
    assert len(set(numbers(client.answers(200)))) == 200
    assert queued.rows("shared-") == 200


def test_a_queue_that_an_operator_made_is_used_as_it_is(queued: Queued, client: QueueClient) -> None:
    client.channel.queue_declare(QUEUE, durable=True, auto_delete=False, arguments={"x-queue-type": "classic"})
    client.send("classic")
    queued.running.start_consumer()
    client.answers(1)
    assert queued.rows("classic") == 1


def test_dead_letters_are_looked_at_and_put_back(queued: Queued, client: QueueClient) -> None:
    queued.running.start_consumer()
    client.wait_for_consumers()
    client.send(body=json.dumps(letter("replayed", channel="FAX")).encode(), reply_to=None, message_id="m-1")
    client.send(body=b"{", reply_to=None, message_id="m-2", content_type="application/json")
    wait_until(lambda: client.waiting(ERRORS) == 2, seconds=60, what="two dead letters")
    errors = ErrorQueue(url=queued.broker.url, errors=ERRORS, requests=QUEUE)
    for _ in range(2):
        first, second = (one.as_json() for one in errors.look(10))
        assert (first["code"], first["messageId"], first["contentType"]) == (1002, "m-1", "application/json")
        assert first["reason"].startswith("channel: must be one of ")
        assert (second["code"], second["messageId"], second["bytes"]) == (1000, "m-2", 1)
    assert json.loads(queued.running.manage("replay_send_errors", "--list", "--json")) == [first, second]
    assert json.loads(queued.running.manage("replay_send_errors", "--code", "1000", "--json")) == {
        "done": "put back", "count": 1,
    }  # fmt: skip
    # Refused anew, it is there again, once.
    wait_until(lambda: client.waiting(ERRORS) == 2, seconds=60, what="it to come back")
    dead = client.take(ERRORS), client.take(ERRORS)
    assert sorted(message.properties["message_id"] for message in dead) == ["m-1", "m-2"]
    assert client.waiting() == 0


def test_while_the_database_is_away_letters_wait(queued: Queued, client: QueueClient, tmp_path: Any) -> None:
    with ExitStack() as opened:
        database = opened.enter_context(Postgres())
        url = queued.running.environment["HAMMY_AMQP_URL"]
        running = opened.enter_context(site(tmp_path, HAMMY_AMQP_URL=url, DATABASE_URL=f"{database.url}/postgres"))
        consumer = running.start_consumer()
        client.wait_for_consumers()
        headers = {"X-Client-Hash-Key": running.headers["X-Client-Hash-Key"]}
        client.send("there", headers=headers)
        client.answers(1)
        database.stop()
        for number in range(30):
            client.send(f"away-{number}-", headers=headers, correlation_id=str(number))
        wait_until(lambda: running.logged("the database cannot be used"), seconds=60, what="the consumer to notice")
        time.sleep(1.5)
        assert client.waiting(REPLIES) == client.waiting(ERRORS) == 0
        # It waits longer each time.
        assert len(running.logged("the database cannot be used")) < 12
        database.start()
        assert len(set(numbers(client.answers(30)))) == 30
        assert sum(running.statuses("away-").values()) == 30
        assert consumer.poll() is None


def test_the_documented_example_prints_what_it_says(
    queued: Queued, client: QueueClient, capsys: pytest.CaptureFixture[str]
) -> None:
    queued.running.start_consumer()
    client.wait_for_consumers()
    text = (ROOT / "docs" / "integrators.md").read_text()
    example, expected = re.findall(r"```py\n(.*?)```\n\n```json\n(.*?)```", text, re.DOTALL)[0]
    address = f"127.0.0.1:{queued.broker.port}"
    for shown, real in (
        ("mq.example.org", address), ('"you"', '"guest"'), ("…", "guest"),
        ("hk_your-client-key", queued.running.headers["X-Client-Hash-Key"]),
    ):  # fmt: skip
        assert shown in example
        example = example.replace(shown, real, 1)
    exec(example, {})
    printed = json.loads(capsys.readouterr().out)
    assert printed | {"messageId": 31} == json.loads(expected)

"""R11, R12, R29: whatever the mail server does to a running site, each letter goes out once or is in doubt."""

from collections.abc import Iterator

import pytest

from tests.fakes.smtp import DROP, SILENCE, ScriptedServer, Slowly
from tests.faults.site import Site, free_port, site, wait_until

pytestmark = pytest.mark.timeout(300)
ATTEMPTS = 3


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as made:
        yield made


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, server: ScriptedServer) -> Iterator[Site]:
    """A whole site whose first mail server is dead, whose second does what the test says, and that is impatient."""
    settings = {
        "EMAIL_URL": f"smtp://127.0.0.1:{free_port()},smtp://127.0.0.1:{server.port}",
        "HAMMY_SMTP_COMMAND_TIMEOUT": "3",
        "HAMMY_SMTP_FINAL_DOT_TIMEOUT": "3",
        "HAMMY_RETRY_ATTEMPTS": str(ATTEMPTS),
        "HAMMY_RETRY_FIRST_SECONDS": "0.2",
        "HAMMY_LANE_FIRST_SECONDS": "0.2",
        "HAMMY_LANE_CAP_SECONDS": "0.5",
    }
    with site(tmp_path_factory.mktemp("mail"), **settings) as made:
        made.start_web()
        made.start_beat()
        made.start_worker(processes=1)
        yield made


@pytest.fixture(autouse=True)
def usual_answers(running: Site, server: ScriptedServer) -> Iterator[None]:
    """Each test begins with an obliging server that was told nothing yet."""
    server.answer_now({})
    server.hang_up()
    server.mails.clear()
    server.commands.clear()
    yield
    running.wait_drained(seconds=60)


def _reason(running: Site, message_id: int) -> str:
    return str(running.query(f"SELECT reason FROM sending_message WHERE id = {message_id}")[0][0])


def _mails_of(server: ScriptedServer) -> list[str]:
    return [mail.message["Subject"] for mail in server.mails]


def test_r11_the_second_server_takes_what_the_first_is_not_there_for(running: Site, server: ScriptedServer) -> None:
    message_id = running.send("second", mailSubject="second")
    running.wait_for(message_id, "SENT")
    assert running.events(message_id) == ["ACCEPTED", "SENDING", "SENT"]
    assert _reason(running, message_id) == "250 2.0.0 queued"
    assert _mails_of(server) == ["second"]


def test_r11_a_greylisted_letter_is_tried_again(running: Site, server: ScriptedServer) -> None:
    server.answer_now({"RCPT": ["451 4.7.1 greylisted, come again", "250 2.1.5 ok"]})
    message_id = running.send("grey", mailSubject="grey")
    running.wait_for(message_id, "SENT")
    assert running.events(message_id) == ["ACCEPTED", "SENDING", "RETRY", "SENDING", "SENT"]
    assert running.attempts(message_id) == 2
    assert _mails_of(server) == ["grey"]


def test_r11_a_letter_refused_for_now_again_and_again_fails_with_the_servers_words(
    running: Site, server: ScriptedServer
) -> None:
    server.answer_now({"RCPT grey@example.com": "451 4.7.1 greylisted for ever"})
    message_id = running.send("never", recipientEmailAddress="grey@example.com")
    other = running.send("meanwhile", mailSubject="meanwhile")
    running.wait_for(message_id, "FAILED")
    running.wait_for(other, "SENT")
    assert running.attempts(message_id) == ATTEMPTS
    assert running.events(message_id).count("RETRY") == ATTEMPTS - 1
    assert _reason(running, message_id) == f"gave up after {ATTEMPTS} attempts: 451 4.7.1 greylisted for ever"
    assert _mails_of(server) == ["meanwhile"]


def test_r11_a_letter_refused_for_good_fails_at_once(running: Site, server: ScriptedServer) -> None:
    server.answer_now({"DOT": ["554 5.7.1 no such thing here", "250 2.0.0 queued"]})
    message_id = running.send("refused")
    running.wait_for(message_id, "FAILED")
    assert running.events(message_id) == ["ACCEPTED", "SENDING", "FAILED"]
    assert _reason(running, message_id) == "554 5.7.1 no such thing here"


@pytest.mark.parametrize(
    "answers",
    [
        {"MAIL": ["421 4.3.2 too many"] * (ATTEMPTS + 1) + ["250 ok"]},
        {"CONNECT": ["421 4.3.2 too busy"] * (ATTEMPTS + 1) + ["220 welcome"]},
        {"DOT": ["454 4.7.0 Throttling failure"] * (ATTEMPTS + 1) + ["250 2.0.0 queued"]},
    ],
    ids=["421_at_mail", "421_at_connect", "454_after_data"],
)
def test_r12_throttling_delays_all_and_fails_none(
    running: Site, server: ScriptedServer, answers: dict[str, list[str]]
) -> None:
    server.answer_now(answers)
    prefix = next(iter(answers))
    ids = [running.send(f"{prefix}{number}") for number in range(3)]
    for message_id in ids:
        running.wait_for(message_id, "SENT")
        assert running.attempts(message_id) == 1
        assert set(running.events(message_id)) == {"ACCEPTED", "SENDING", "SENT"}
    assert len(server.mails) == 3
    assert running.query("SELECT paused_until, failures FROM sending_lane") == [(None, 0)]


@pytest.mark.parametrize("answer", [DROP, SILENCE, b"what?\r\n"], ids=["drop", "silence", "garbage"])
def test_r11_lost_after_the_final_dot_is_in_doubt_and_never_sent_again(
    running: Site, server: ScriptedServer, answer: object
) -> None:
    server.answer_now({"DOT": [answer, "250 2.0.0 queued"]})  # type: ignore[list-item]
    message_id = running.send(f"doubtful{answer}", mailSubject="doubtful")
    running.wait_for(message_id, "UNCERTAIN")
    other = running.send(f"sure{answer}", mailSubject="sure")
    running.wait_for(other, "SENT")
    assert running.events(message_id) == ["ACCEPTED", "SENDING", "UNCERTAIN"]
    assert _reason(running, message_id).startswith("after the final dot: ")
    assert _mails_of(server) == ["sure"]
    assert server.commands.count(".") == 2


def test_r11_lost_before_the_final_dot_is_sent_once_later(running: Site, server: ScriptedServer) -> None:
    server.answer_now({"DATA": [DROP, "354 go on"]})
    message_id = running.send("before the dot", mailSubject="before the dot")
    running.wait_for(message_id, "SENT")
    assert running.attempts(message_id) == 1
    assert _mails_of(server) == ["before the dot"]


def test_r11_a_slow_server_is_waited_for(running: Site, server: ScriptedServer) -> None:
    slow = Slowly("250 2.0.0 slow but sure", 0.02)
    server.answer_now({"MAIL": slow, "RCPT": slow, "DOT": slow})
    running.submit(2, prefix="slow")
    assert running.wait_drained("slow", seconds=60) == {"SENT": 2}
    assert len(server.mails) == 2


def test_r11_a_server_that_is_away_for_a_while_delays_and_fails_none(running: Site, server: ScriptedServer) -> None:
    server.answer_now({"CONNECT": DROP})
    server.hang_up()
    ids = running.submit(5, prefix="away")
    paused = "SELECT failures FROM sending_lane WHERE failures >= 4"
    wait_until(lambda: running.query(paused), seconds=60, what="the lane to rest")
    assert running.statuses("away")["FAILED"] == 0
    server.answer_now({})
    for message_id in ids:
        running.wait_for(message_id, "SENT")
        assert running.attempts(message_id) == 1
    assert len(server.mails) == 5


def test_r29_a_letter_whose_wake_up_was_lost_is_found_by_beat(running: Site, server: ScriptedServer) -> None:
    message_id = running.send("woken", params=[{"key": "SEND_AT", "value": "2099-01-01T00:00:00Z"}])
    assert running.status(message_id) == "HELD"
    # As if taken by a process that died before it could wake anyone.
    running.change(
        "UPDATE sending_message SET status = 'ACCEPTED', held_for = '', due_at = created_at "
        f"WHERE id = {message_id}"
    )  # fmt: skip
    running.wait_for(message_id, "SENT")
    assert len(server.mails) == 1

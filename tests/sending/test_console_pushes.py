"""Pushes in the console: what is shown of them, what came of them, and how one is sent."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gateway.caller import Caller
from jobs.models import Job
from sending.models import Message, Push
from sending.states import Status
from tests.console import client_of, plain_pages, trail  # noqa: F401
from tests.factories import make_caller
from tests.jobs.conftest import work
from tests.sending.console import MESSAGES
from tests.sending.pushed import closed, pushed, subscribed

pytestmark = pytest.mark.django_db
LIST = "/admin/sending/push/"
SEND = f"{LIST}send/"
WISH = {"title": "News", "alert": "Hello", "to": "some", "tag": "members", "time_to_live": "600", "reason": "the fair"}


@pytest.fixture
def push(caller: Caller) -> Push:
    """Told to four: one has it, one is gone, one would not take it, one is still to be told."""
    browsers = [subscribed(caller, "members", alias=f"alias-{number}") for number in range(4)]
    made = pushed(caller, tag=("members",))
    closed(made, browsers[0], Status.SENT, "201")
    closed(made, browsers[1], Status.FAILED, "410 gone")
    browsers[1].removed_at = made.created_at
    browsers[1].save()
    closed(made, browsers[2], Status.FAILED, "413 too large")
    return made


# ── what is shown ───────────────────────────────────────────────────────────────────────────────
def test_the_list_tells_titles_and_audiences_but_no_words(push: Push, caller: Caller) -> None:
    pushed(caller, {"message": {"msg_content": "quiet"}}, tag_not=("nobody",))
    page = client_of("Viewer").get(LIST).content.decode()
    for words in ("News &amp; more", "Any of the tags: members", "None of the tags: nobody", caller.client_name):
        assert words in page
    for words in ("Hello", "quiet"):
        assert words not in page


def test_the_list_costs_the_same_however_many_it_shows(caller: Caller) -> None:
    subscribed(caller)
    client = client_of("Viewer")
    counts = []
    for _ in range(2):
        pushed(caller)
        with CaptureQueriesContext(connection) as queries:
            client.get(LIST)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_its_page_counts_what_came_of_it(push: Push) -> None:
    page = client_of("Viewer").get(f"{LIST}{push.pk}/change/")
    assert (page.context["told"], "browsers to be told" in page.content.decode()) == ("4", True)
    assert [(str(name), count) for name, _colour, count in page.context["legend"]] == [
        ("Sent", "1"), ("Failed", "2"), ("Waiting", "1"),
    ]  # fmt: skip
    assert (page.context["gone"], sorted(page.context["reasons"])) == ("1", [("410 gone", "1"), ("413 too large", "1")])
    text = page.content.decode()
    assert f"{MESSAGES}?job={push.job_id}" in text
    assert f"/admin/jobs/job/{push.job_id}/change/" in text
    assert ("Hello" in text, "/said/" in text) == (False, False)
    listed = client_of("Viewer").get(f"{MESSAGES}?job={push.job_id}")
    assert listed.context["cl"].result_count == 4
    for words in ("alias-0", "News &amp; more"):
        assert words in listed.content.decode()


def test_one_browser_is_one(caller: Caller) -> None:
    subscribed(caller, "members")
    page = client_of("Viewer").get(f"{LIST}{pushed(caller).pk}/change/").content.decode()
    assert ("browser to be told" in page, "browsers to be told" in page) == (True, False)


def test_what_it_says_is_read_by_who_may_read_letters_and_recorded(push: Push) -> None:
    address = f"{LIST}{push.pk}/said/"
    assert client_of("Viewer").get(address).status_code == 403
    assert trail() == []
    client = client_of("Operator")
    assert address in client.get(f"{LIST}{push.pk}/change/").content.decode()
    assert "Hello &lt;b&gt;all&lt;/b&gt;" in client.get(address).content.decode()
    assert trail() == [(str(push.pk), "read: push")]


def test_its_job_and_its_messages_lead_to_it(push: Push) -> None:
    client = client_of("Viewer")
    assert f"{LIST}{push.pk}/change/" in client.get(f"/admin/jobs/job/{push.job_id}/change/").content.decode()
    message = Message.objects.filter(job_id=push.job_id).earliest("id")
    page = client.get(f"{MESSAGES}{message.pk}/change/").content.decode()
    assert f"{LIST}{push.pk}/change/" in page
    assert f"/admin/sending/subscription/{message.content['subscription_id']}/change/" in page
    assert ("News &amp; more" in page, "push.example.net" in page, "E-mail" in page) == (True, True, False)


def test_all_of_it_that_failed_is_requeued_at_once(push: Push) -> None:
    client = client_of("Operator")
    page = client.get(f"{MESSAGES}bulk/requeue/?job={push.job_id}&status=FAILED")
    assert (page.status_code, page.context["found"].count, page.context["found"].eligible) == (200, 2, 2)
    data = {"filter": page.context["form"].initial["filter"], "expected": 2, "reason": "try again"}
    assert client.post(f"{MESSAGES}bulk/requeue/", data).status_code == 302
    work()
    mine = Message.objects.filter(job_id=push.job_id)
    assert sorted(mine.values_list("status", flat=True)) == ["ACCEPTED", "ACCEPTED", "ACCEPTED", "SENT"]


def test_a_push_whose_job_is_forgotten_still_has_its_page(push: Push) -> None:
    Push.objects.update(job_id=0)
    client = client_of("Viewer")
    assert client.get(LIST).status_code == 200
    assert client.get(f"{LIST}{push.pk}/change/").context["told"] == "0"


# ── sending one ─────────────────────────────────────────────────────────────────────────────────
def wish(caller: Caller, **overrides: Any) -> dict[str, Any]:
    return {"client": caller.client_id} | WISH | overrides


def confirmed(page: Any) -> dict[str, Any]:
    """What the second question carries along."""
    return dict(page.context["carried"]) | {"confirmed": "yes"}


def test_it_is_counted_first_and_sent_in_the_clients_name_when_asked_again(caller: Caller) -> None:
    for tags in (("members",), ("members", "hu"), ("others",)):
        subscribed(caller, *tags)
    subscribed(make_caller(), "members")
    client = client_of("Operator")
    assert client.get(SEND).status_code == 200
    page = client.post(SEND, wish(caller, url="https://example.org/a", urgency="high"))
    assert (page.status_code, page.context["count"]) == (200, 2)
    assert "browsers would be told now" in page.content.decode()
    assert (Push.objects.count(), Job.objects.count(), trail()) == (0, 0, [])
    answer = client.post(SEND, confirmed(page))
    push = Push.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"{LIST}{push.pk}/change/")
    assert push.content == {
        "notification": {"alert": "Hello", "web": {"title": "News", "url": "https://example.org/a"}},
        "options": {"urgency": "high"},
    }
    assert (push.audience, push.time_to_live, push.client_id) == ({"tag": ["members"]}, 600, caller.client_id)
    job = Job.objects.get()
    assert (job.client_id, job.user_name) == (caller.client_id, client.get("/admin/").context["user"].username)
    assert trail() == [(str(push.pk), "push: the fair")]
    work()
    assert Message.objects.filter(job_id=push.job_id).count() == 2


def test_a_form_that_is_sent_twice_is_one_push(caller: Caller) -> None:
    subscribed(caller, "members")
    client = client_of("Operator")
    page = client.post(SEND, wish(caller))
    for _ in range(2):
        assert client.post(SEND, confirmed(page)).status_code == 302
    assert (Push.objects.count(), Job.objects.count()) == (1, 1)


def test_one_that_was_sent_and_is_then_changed_is_another_push(caller: Caller) -> None:
    subscribed(caller, "members")
    client = client_of("Operator")
    asked = confirmed(client.post(SEND, wish(caller)))
    assert client.post(SEND, asked).status_code == 302
    # Back in the browser's history, to the question.
    form = client.post(SEND, asked | {"change": ""}).context["form"]
    given = {field.name: field.value() or "" for field in form} | {"alert": "And more"}
    assert client.post(SEND, confirmed(client.post(SEND, given))).status_code == 302
    assert [push.content["notification"]["alert"] for push in Push.objects.order_by("id")] == ["Hello", "And more"]


def test_what_is_refused_for_what_nobody_sees_is_told_all_the_same(caller: Caller) -> None:
    subscribed(caller, "members")
    client = client_of("Operator")
    asked = confirmed(client.post(SEND, wish(caller)))
    assert client.post(SEND, asked).status_code == 302
    answer = client.post(SEND, asked | {"alert": "And more"})
    assert answer.status_code == 409
    assert f"already used for push {Push.objects.get().pk} with different content" in answer.content.decode()


def test_everybody_is_told_only_when_that_is_said(caller: Caller) -> None:
    for _ in range(3):
        subscribed(caller)
    page = client_of("Operator").post(SEND, wish(caller, to="all", tag=""))
    assert page.context["count"] == 3


def test_it_can_be_changed_after_it_was_counted(caller: Caller) -> None:
    subscribed(caller, "members")
    client = client_of("Operator")
    page = client.post(SEND, wish(caller))
    page = client.post(SEND, confirmed(page) | {"change": ""})
    assert (page.status_code, page.context.get("count"), page.context["form"]["alert"].value()) == (200, None, "Hello")
    assert Push.objects.count() == 0


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"alert": ""}, "This field is required."),
        ({"tag": ""}, "Say whom: give tags, aliases or registration ids."),
        ({"to": "all"}, "Everybody is meant, and still some are named"),
        ({"tag": "members\na\0b"}, "Null characters are not allowed."),
        ({"alias": "a\0b"}, "Null characters are not allowed."),
        ({"tag": "members\n" + "x" * 256}, "Ensure this value has at most 255 characters (it has 256)."),
        ({"registration_id": "x" * 300}, "Ensure this value has at most 255 characters (it has 300)."),
        ({"alert": "ő" * 2500}, "bytes for a browser to read, and may be 3993"),
        ({"url": "javascript:alert(1)"}, "Enter a valid URL."),
        ({"time_to_live": "1296001"}, "less than or equal to 1296000"),
        ({"urgency": "extreme"}, "Select a valid choice."),
        ({"reason": ""}, "Say why: the reason is kept."),
    ],
)
def test_what_makes_no_sense_is_told_at_its_field(caller: Caller, given: dict[str, str], sentence: str) -> None:
    subscribed(caller, "members")
    answer = client_of("Operator").post(SEND, wish(caller, confirmed="yes", **given))
    assert answer.status_code == 409
    assert sentence in answer.content.decode()
    assert (Push.objects.count(), trail()) == (0, [])


def test_many_tags_may_be_longer_together_than_each(caller: Caller) -> None:
    tags = [character * 255 for character in "abc"]
    subscribed(caller, *tags)
    page = client_of("Operator").post(SEND, wish(caller, tag="", tag_and="\n".join(tags)))
    assert page.context["count"] == 1
    assert "maxlength" not in str(page.context["form"]["tag_and"])


def test_nobody_is_no_push(caller: Caller) -> None:
    page = client_of("Operator").post(SEND, wish(caller))
    assert page.context["count"] == 0
    assert 'name="confirmed"' not in page.content.decode()
    answer = client_of("Operator").post(SEND, wish(caller, confirmed="yes"))
    assert (answer.status_code, "there is no push target" in answer.content.decode()) == (409, True)
    assert (Push.objects.count(), Job.objects.count(), trail()) == (0, 0, [])


def test_a_client_that_may_not_send_does_not_here_either() -> None:
    caller = make_caller(rights=["jobs.read"])
    subscribed(caller, "members")
    answer = client_of("Operator").post(SEND, wish(caller, confirmed="yes"))
    assert (answer.status_code, "the client lacks the right send" in answer.content.decode()) == (409, True)
    assert (Push.objects.count(), trail()) == (0, [])


def test_who_may_only_look_sends_none(caller: Caller) -> None:
    subscribed(caller, "members")
    client = client_of("Viewer")
    assert SEND not in client.get(LIST).content.decode()
    assert client.post(SEND, wish(caller, confirmed="yes")).status_code == 403
    assert Push.objects.count() == 0

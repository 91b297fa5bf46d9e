"""Suppressed addresses and erasing a person in the console: who may, what is asked, what is left in the trail."""

from typing import Any

import pytest

from gateway.caller import Caller
from gateway.models import ApiClient
from jobs.models import Job
from sending import suppressing
from sending.models import MessageEvent, Suppression
from tests.console import client_of, plain_pages, trail  # noqa: F401
from tests.factories import make_client
from tests.sending.console import MESSAGES
from tests.sending.factories import submitted

pytestmark = pytest.mark.django_db
LIST = "/admin/sending/suppression/"
ERASE = f"{MESSAGES}erase-person/"
HOUSE = Caller.house("operator")


def _suppressed(address: str = "elek@example.com", **overrides: Any) -> Suppression:
    return suppressing.suppress(**{"caller": HOUSE, "address": address, "reason": "asked <b>"} | overrides)


# ── the list ────────────────────────────────────────────────────────────────────────────────────
def test_the_list_is_found_by_whole_addresses_in_any_case() -> None:
    _suppressed()
    _suppressed("bela@example.com")
    client = client_of("Viewer")
    page = client.get(LIST).content.decode()
    assert "elek@example.com" in page
    assert "asked &lt;b&gt;" in page
    page = client.get(LIST, {"q": " ELEK@example.com "}).content.decode()
    assert ("elek@example.com" in page, "bela@example.com" in page) == (True, False)
    for words in ("elek", "nobody", "%"):
        assert "elek@example.com" not in client.get(LIST, {"q": words}).content.decode()


def test_an_erased_address_is_shown_as_such() -> None:
    _suppressed()
    Suppression.objects.update(address="")
    assert "(erased)" in client_of("Viewer").get(LIST).content.decode()


def test_an_operator_suppresses_an_address_with_a_reason() -> None:
    named, _ = make_client(name="billing")
    answer = client_of("Operator").post(
        f"{LIST}suppress/",
        {"address": "Elek@Example.com", "client": named.pk, "days": "30", "reason": "asked\nby phone"},
    )
    assert (answer.status_code, answer["Location"]) == (302, LIST)
    entry = Suppression.objects.get()
    assert (entry.address, entry.client_id, entry.reason) == ("elek@example.com", named.pk, "asked by phone")
    assert entry.expires_at is not None
    assert round((entry.expires_at - entry.created_at).total_seconds() / 86400) == 30
    # No address in the trail.
    assert trail() == [(str(entry.pk), "suppress: asked by phone")]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"address": "nobody", "reason": "r"}, "not a valid e-mail address"),
        ({"address": "elek@example.com", "reason": ""}, "Say why: the reason is kept."),
        ({"address": "elek@example.com", "reason": "r", "days": "0"}, "greater than or equal to 1"),
    ],
)
def test_what_makes_no_sense_is_told_at_its_field(given: dict[str, str], sentence: str) -> None:
    answer = client_of("Operator").post(f"{LIST}suppress/", given)
    assert answer.status_code == 409
    assert sentence in answer.content.decode()
    assert (Suppression.objects.count(), trail()) == (0, [])


def test_an_operator_frees_addresses_after_a_question() -> None:
    first, second, kept = _suppressed(), _suppressed("b@example.com"), _suppressed("c@example.com")
    client = client_of("Operator")
    data = {"action": "unsuppress", "_selected_action": [first.pk, second.pk]}
    page = client.post(LIST, data).content.decode()
    assert ("b@example.com" in page, "c@example.com" in page, Suppression.objects.count()) == (True, False, 3)
    answer = client.post(f"{LIST}unsuppress/", {"ids": [first.pk, second.pk], "reason": "the boxes work"})
    assert (answer.status_code, Suppression.objects.get()) == (302, kept)
    assert [words for _, words in trail()] == ["unsuppress: the boxes work"] * 2


def test_without_a_reason_nothing_is_freed() -> None:
    entry = _suppressed()
    page = client_of("Operator").post(f"{LIST}unsuppress/", {"ids": [entry.pk], "reason": ""}).content.decode()
    assert "Say why: the reason is kept." in page
    assert (Suppression.objects.count(), trail()) == (1, [])


def test_a_viewer_only_looks() -> None:
    entry = _suppressed()
    client = client_of("Viewer")
    assert client.get(f"{LIST}suppress/").status_code == 403
    assert client.post(f"{LIST}suppress/", {"address": "b@example.com", "reason": "r"}).status_code == 403
    assert client.post(f"{LIST}unsuppress/", {"ids": [entry.pk], "reason": "r"}).status_code == 403
    page = client.post(LIST, {"action": "unsuppress", "_selected_action": [entry.pk]}).content.decode()
    assert "taken off the list" not in page
    assert Suppression.objects.get() == entry


def test_an_event_that_tells_of_a_bounce_is_shown() -> None:
    message = submitted()
    MessageEvent.objects.create(message=message, name="REPORTED", reason="delayed: 4.4.1 timeout")
    page = client_of("Viewer").get(f"{MESSAGES}{message.pk}/change/").content.decode()
    assert ("Reported" in page, "delayed: 4.4.1 timeout" in page) == (True, True)


# ── erasing a person ────────────────────────────────────────────────────────────────────────────
def test_erasing_counts_first_and_begins_a_job_only_when_asked_again() -> None:
    make_client(name="billing")
    submitted()
    _suppressed()
    client = client_of("Administrator")
    assert "Count first" in client.get(ERASE).content.decode()
    given = {"email_address": "elek@example.com", "partner_ref": "", "client_name": "", "reason": "asked on paper"}
    page = client.post(ERASE, given).content.decode()
    assert "Found at once: 1 messages, 1 of them not closed, 1 suppressed addresses and 0 browsers." in page
    assert (Job.objects.count(), trail()) == (0, [])
    answer = client.post(ERASE, given | {"confirmed": "yes"})
    job = Job.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/admin/jobs/job/{job.pk}/change/")
    assert job.params == [["EMAIL_ADDRESS", "elek@example.com"], ["REASON", "asked on paper"]]
    assert trail() == [(str(job.pk), "erase: asked on paper")]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"reason": "r"}, "required where neither a partner nor a browser is named"),
        ({"email_address": "nobody", "reason": "r"}, "not a valid e-mail address"),
        ({"email_address": "a@example.com", "client_name": "nobody", "reason": "r"}, "Select a valid choice"),
        ({"email_address": "a@example.com"}, "Say why: the reason is kept."),
    ],
)
def test_erasing_nobody_is_refused_at_the_field(given: dict[str, str], sentence: str) -> None:
    answer = client_of("Administrator").post(ERASE, given | {"confirmed": "yes"})
    assert answer.status_code == 409
    assert sentence in answer.content.decode()
    assert not Job.objects.exists()


@pytest.mark.parametrize("group", ["Viewer", "Operator", "Template editor"])
def test_only_administrators_erase(group: str) -> None:
    client = client_of(group)
    given = {"email_address": "elek@example.com", "reason": "r", "confirmed": "yes"}
    assert [client.get(ERASE).status_code, client.post(ERASE, given).status_code] == [403, 403]
    assert not Job.objects.exists()
    assert "erase-person" not in client.get("/admin/").content.decode()


def test_both_pages_are_in_the_menu_of_who_may() -> None:
    page = client_of("Administrator").get("/admin/").content.decode()
    assert (LIST in page, ERASE in page, ApiClient.objects.count()) == (True, True, 0)

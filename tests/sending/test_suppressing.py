"""R15: addresses that no letter goes to any more, by bounce or by hand, for one client or for all."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from gateway.caller import Caller
from gateway.errors import Refusal
from gateway.recent import forget_all
from jobs.models import Job
from sending import maintenance, services, suppressing
from sending.models import Message, MessageEvent, Suppression
from sending.models.suppression import digest_of_address
from tests.factories import make_caller, make_client
from tests.sending.factories import a_letter, event_names, make_template, submitted

pytestmark = pytest.mark.django_db
HOUSE = Caller.house("operator")
ADDRESS = "elek@example.com"


def _suppress(address: str = ADDRESS, **overrides: Any) -> Suppression:
    return suppressing.suppress(
        **{"caller": HOUSE, "address": address, "reason": "asked not to be written to"} | overrides
    )


def _output(*words: str, **options: Any) -> str:
    out = StringIO()
    call_command(*words, stdout=out, **options)
    return out.getvalue()


# ── at accept ───────────────────────────────────────────────────────────────────────────────────
def test_a_letter_to_a_suppressed_address_is_accepted_cancelled_and_says_why(worker: Any) -> None:
    _suppress()
    message = submitted()
    assert (message.status, message.reason) == (
        "CANCELLED",
        "the recipient is suppressed: asked not to be written to",
    )
    assert (message.closed_at, message.due_at) == (message.created_at, None)
    (event,) = MessageEvent.objects.filter(message=message)
    assert (event.name, event.reason) == ("CANCELLED", message.reason)
    assert worker().parcels == []


@pytest.mark.parametrize("spelling", ["Elek@Example.com", "ELEK@EXAMPLE.COM", "elek@example.com"])
def test_an_address_is_known_in_any_case(spelling: str) -> None:
    _suppress("eLek@eXample.com")
    assert submitted(recipient_email_address=spelling).status == "CANCELLED"


def test_an_international_domain_is_known_in_both_its_forms() -> None:
    _suppress("elek@példa.hu")
    assert submitted(recipient_email_address="elek@xn--plda-bpa.hu").status == "CANCELLED"


def test_others_are_written_to_as_before() -> None:
    _suppress()
    assert submitted(recipient_email_address="bela@example.com").status == "ACCEPTED"


def test_one_clients_list_is_no_other_clients() -> None:
    mine, other = make_caller(), make_caller()
    _suppress(client_id=mine.client_id)
    assert [submitted(caller).status for caller in (mine, other)] == ["CANCELLED", "ACCEPTED"]
    _suppress()
    assert submitted(other).status == "CANCELLED"


def test_suppressed_copies_are_left_out_and_the_event_says_so(worker: Any) -> None:
    _suppress("cc@example.com")
    _suppress("bcc@example.com")
    message = submitted(
        recipient_email_address_cc=("cc@example.com", "other@example.com"), bcc_address=("BCC@example.com",)
    )
    assert (message.status, message.reason) == (
        "ACCEPTED",
        "goes without suppressed copies: cc@example.com, BCC@example.com",
    )
    assert MessageEvent.objects.get(message=message).reason == message.reason
    (parcel,) = worker().parcels
    assert [address.address for address in (*parcel.cc, *parcel.bcc)] == ["other@example.com"]


def test_a_repeat_is_answered_alike_although_its_address_was_suppressed_in_between() -> None:
    caller = make_caller()
    letter = a_letter(request_id="R-1", recipient_email_address_cc=("cc@example.com",))
    first = services.submit(caller=caller, letter=letter)
    _suppress()
    _suppress("cc@example.com")
    again = services.submit(caller=caller, letter=letter)
    assert (again.message_id, again.is_repeat) == (first.message_id, True)
    assert Message.objects.get().status == "ACCEPTED"


def test_a_repeat_of_a_cancelled_one_stays_cancelled_when_the_address_is_free_again() -> None:
    caller, entry = make_caller(), _suppress()
    letter = a_letter(request_id="R-1")
    first = services.submit(caller=caller, letter=letter)
    suppressing.unsuppress(caller=HOUSE, ids=[entry.pk], reason="r")
    assert services.submit(caller=caller, letter=letter).message_id == first.message_id
    assert Message.objects.get().status == "CANCELLED"


def test_of_a_batch_only_those_concerned_are_cancelled() -> None:
    _suppress()
    letters = [a_letter(), a_letter(recipient_email_address="b@example.com"), a_letter()]
    services.submit_many(caller=make_caller(), letters=letters)
    rows = list(Message.objects.order_by("id"))
    assert [row.status for row in rows] == ["CANCELLED", "ACCEPTED", "CANCELLED"]
    assert [event_names(row) for row in rows] == [["CANCELLED"], ["ACCEPTED"], ["CANCELLED"]]


def test_a_letter_that_would_have_been_held_is_cancelled_all_the_same() -> None:
    _suppress()
    message = submitted(send_at=timezone.now() + timedelta(days=1))
    assert (message.status, message.held_for, message.due_at) == ("CANCELLED", "", None)
    make_template(text="x")
    assert submitted(mail_subject="", mail_body="", message_type="TEST.MAIL").status == "CANCELLED"


@pytest.mark.django_db(transaction=True)
def test_its_job_fails_at_once() -> None:
    _suppress()
    accepted = services.submit(caller=make_caller(), letter=a_letter(runs_as_job=True))
    job = Job.objects.get(uuid=accepted.job_uuid)
    assert (job.status, job.reason) == (
        "FAILED",
        f"message {accepted.message_id} is CANCELLED: the recipient is suppressed: asked not to be written to",
    )


def test_letters_cost_no_look_while_nobody_is_suppressed_and_one_for_all_of_them_then(
    settings: Any, django_assert_num_queries: Any
) -> None:
    settings.HAMMY_CALLER_CACHE_SECONDS = 60
    caller = make_caller()

    def rows(count: int) -> list[dict[str, Any]]:
        addresses = [f"a{number}@example.com" for number in range(count)]
        return [
            {"client_id": caller.client_id, "channel": "EMAIL", "recipient_email_address": one, "content": {}}
            for one in addresses
        ]

    suppressing.honour(rows(1), now=timezone.now())
    with django_assert_num_queries(0):
        suppressing.honour(rows(10), now=timezone.now())
    _suppress()
    suppressing.honour(rows(1), now=timezone.now())
    with django_assert_num_queries(1):
        suppressing.honour(rows(10), now=timezone.now())


# ── the list itself ─────────────────────────────────────────────────────────────────────────────
def test_an_entry_ends_with_its_time_and_is_swept() -> None:
    entry = _suppress(expires_at=timezone.now() + timedelta(days=1))
    assert submitted().status == "CANCELLED"
    Suppression.objects.filter(pk=entry.pk).update(expires_at=timezone.now())
    assert submitted().status == "ACCEPTED"
    maintenance.clean()
    assert not Suppression.objects.exists()


def test_after_release_letters_go_out_and_nothing_is_left(worker: Any) -> None:
    entry = _suppress()
    assert suppressing.unsuppress(caller=HOUSE, ids=[entry.pk], reason="the box works again") == 1
    assert (submitted().status, len(worker().parcels), Suppression.objects.count()) == ("ACCEPTED", 1, 0)


def test_suppressing_again_never_shortens() -> None:
    soon, late = timezone.now() + timedelta(days=1), timezone.now() + timedelta(days=9)
    found = []
    for expires_at in (soon, late, soon, None, soon):
        found.append(_suppress(expires_at=expires_at, reason=f"until {expires_at}").expires_at)
    assert found == [soon, late, late, None, None]
    assert Suppression.objects.get().reason == f"until {soon}"


def test_one_that_was_over_begins_anew() -> None:
    entry = _suppress()
    Suppression.objects.filter(pk=entry.pk).update(expires_at=timezone.now() - timedelta(days=1))
    until = timezone.now() + timedelta(hours=1)
    assert _suppress(expires_at=until).expires_at == until


def test_what_makes_no_sense_is_refused_all_at_once() -> None:
    with pytest.raises(Refusal) as refused:
        _suppress("nobody", reason="two\nlines", expires_at=timezone.now())
    assert [problem.detail for problem in refused.value.problems] == [
        "address: not a valid e-mail address",
        "reason: must be one line of at most 1000 printable characters",
        "expires_at: must be in the future",
    ]
    assert not Suppression.objects.exists()


@pytest.mark.parametrize("client", [True, False])
def test_the_table_itself_keeps_an_address_once(client: bool) -> None:
    entry = _suppress(client_id=make_caller().client_id if client else None)
    with pytest.raises(IntegrityError), transaction.atomic():
        Suppression.objects.create(digest=entry.digest, client_id=entry.client_id, reason="r")


def test_an_entry_without_its_address_still_holds() -> None:
    _suppress()
    Suppression.objects.update(address="")
    forget_all()
    assert submitted().status == "CANCELLED"
    assert digest_of_address("ELEK@example.com") == Suppression.objects.get().digest


# ── commands ────────────────────────────────────────────────────────────────────────────────────
def test_addresses_are_suppressed_listed_and_freed_by_command() -> None:
    client, _ = make_client(name="billing")
    printed = _output("suppress", ADDRESS, "b@example.com", "--client", "billing", "--days", "2", "--reason", "moved")
    assert printed == "suppressed: 2\n"
    entries = list(Suppression.objects.order_by("id"))
    assert [(entry.address, entry.client, entry.reason) for entry in entries] == [
        (ADDRESS, client, "moved"),
        ("b@example.com", client, "moved"),
    ]
    (listed,) = json.loads(_output("list_suppressions", "ELEK@example.com", "--json"))
    assert (listed["address"], listed["client"], listed["reason"]) == (ADDRESS, "billing", "moved")
    assert _output("list_suppressions", "--client", "billing").splitlines()[-1] == "2 suppressed"
    assert json.loads(_output("unsuppress", ADDRESS, "--json")) == {"done": "no longer suppressed", "count": 1}
    assert Suppression.objects.get().address == "b@example.com"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("suppress", ADDRESS, "nobody"), "address: not a valid e-mail address"),
        (("suppress", ADDRESS, "--client", "nobody"), "--client: there is no client nobody"),
        (("suppress", ADDRESS, "--days", "0"), "--days: must be above 0"),
        (("unsuppress", ADDRESS), f"{ADDRESS}: not suppressed"),
        (("unsuppress", "nobody"), "nobody: not a valid e-mail address"),
        (("list_suppressions", "nobody"), "nobody: not a valid e-mail address"),
    ],
)
def test_a_command_that_is_refused_says_so_and_does_nothing(words: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(CommandError) as refused:
        _output(*words)
    assert str(refused.value) == sentence
    assert not Suppression.objects.exists()

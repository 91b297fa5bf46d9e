"""Registrations are made, shown, listed and forgotten (contract job_completed_notifications)."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from lxml import etree

from jobs import services as job_services
from jobs.models import Job
from jobs.states import Status as JobStatus
from notifications.models import Delivery, Registration, Target
from notifications.states import Status
from tests.fakes.receiver import Receiver, Reply
from tests.notifications.conftest import deliver, end
from tests.notifications.ds3_calls import MEMBERS, PATH, Ds3, error, members, rows

pytestmark = pytest.mark.django_db
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
MOMENT = datetime(2014, 10, 2, 11, 40, 25, 683000, tzinfo=UTC)


@pytest.fixture
def api() -> Ds3:
    return Ds3()


def _job(api: Ds3, **how: Any) -> Job:
    return job_services.submit(caller=api.caller, job_class="tests.Nothing", **how)


def test_a_registration_is_made_with_what_was_asked(api: Ds3) -> None:
    job = _job(api)
    answer = api.call(
        "POST",
        query=f"notification_end_point=https%3A%2F%2Freceiver.example%2Fa%3Fb%3Dc%26d&format=JSON&job_id={job.uuid}"
        "&naming_convention=UNDERSCORED&notification_http_method=PUT",
    )
    assert answer.status_code == 201
    told = members(answer)
    assert list(told) == MEMBERS
    assert _DATE.fullmatch(told.pop("CreationDate") or "")
    assert UUID(told.pop("Id") or "") == Registration.objects.get().uuid
    assert told == {
        "Format": "JSON", "JobId": str(job.uuid), "LastFailure": None, "LastHttpResponseCode": None,
        "LastNotification": None, "NamingConvention": "UNDERSCORED",
        "NotificationEndPoint": "https://receiver.example/a?b=c&d", "NotificationHttpMethod": "PUT",
        "NumberOfFailuresSinceLastSuccess": "0", "UserId": api.uuid,
    }  # fmt: skip
    assert answer["Cache-Control"] == "no-store"


def test_what_is_not_said_has_the_contracts_defaults(api: Ds3) -> None:
    one = api.create("notification_end_point=receiver.example")
    assert (one.format, one.naming, one.method, one.job_id) == (
        "DEFAULT", "CAMEL_CASE_WITH_FIRST_LETTER_UPPERCASE", "POST", None,
    )  # fmt: skip
    assert (one.end_point, one.target.address) == ("receiver.example", "http://receiver.example")


def test_an_end_point_whose_query_holds_a_url_has_no_scheme_by_that(api: Ds3) -> None:
    one = api.create("notification_end_point=receiver.example/a?next=https://elsewhere.example")
    assert one.target.address == "http://receiver.example/a?next=https://elsewhere.example"


@pytest.mark.parametrize("end", ["", "/", ".json", ".json/"])
def test_every_spelling_of_an_address_is_the_same_place(api: Ds3, end: str) -> None:
    one = api.create()
    read = api.call("GET", f"/{one.uuid}{end}")
    assert read.status_code == 200
    assert str(one.uuid) in read.content.decode()
    assert str(one.uuid) in api.call("GET", end).content.decode()
    assert api.call("POST", end, "notification_end_point=other.example").status_code == 201
    gone = api.call("DELETE", f"/{one.uuid}{end}")
    assert (gone.status_code, gone.content, "Content-Type" in gone) == (204, b"", False)


def test_one_is_read_in_any_case_of_its_id(api: Ds3) -> None:
    one = api.create()
    assert members(api.call("GET", f"/{str(one.uuid).upper()}"))["Id"] == str(one.uuid)
    assert members(api.call("GET", f"/{one.uuid.hex}"))["Id"] == str(one.uuid)


def test_head_answers_as_get_without_a_body(api: Ds3) -> None:
    api.create()
    answer = api.call("HEAD")
    assert (answer.status_code, answer.content, answer["Total-Result-Count"]) == (200, b"", "1")


def test_a_deleted_registration_is_gone_and_told_no_more(api: Ds3) -> None:
    one = api.create()
    assert api.call("DELETE", f"/{one.uuid}").status_code == 204
    assert error(api.call("GET", f"/{one.uuid}")) == (404, "NotFound", f"registration {one.uuid} not found")
    assert error(api.call("DELETE", f"/{one.uuid}")) == (404, "NotFound", f"registration {one.uuid} not found")
    end(_job(api))
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("spelt", ["job_id={0}", "JOB_ID={0}", "job_id={1}", "job_id={0}&job_id={0}"])
def test_a_jobs_id_is_taken_in_any_case(api: Ds3, spelt: str) -> None:
    job = _job(api)
    query = spelt.format(job.uuid, str(job.uuid).upper())
    assert api.create(f"notification_end_point=receiver.example&{query}").job_id == job.pk


def test_values_of_lists_are_taken_in_any_case_and_printed_as_the_contract_does(api: Ds3) -> None:
    one = api.create(
        "notification_end_point=r.example&format=json&naming_convention=constant&notification_http_method=put"
    )
    assert (one.format, one.naming, one.method) == ("JSON", "CONSTANT", "PUT")


@pytest.mark.parametrize("end_as", [JobStatus.FINISHED, JobStatus.CANCELLED, JobStatus.FAILED])
def test_a_job_that_has_ended_is_told_at_once(api: Ds3, receiver: Receiver, end_as: JobStatus) -> None:
    job = _job(api)
    end(job, to=end_as)
    api.create(f"notification_end_point={receiver.url()}&job_id={job.uuid}")
    deliver()
    (body,) = receiver.bodies()
    is_cancelled = end_as is JobStatus.CANCELLED
    assert f"<CancelOccurred>{str(is_cancelled).lower()}</CancelOccurred><JobId>{job.uuid}</JobId>".encode() in body


def test_how_it_fares_is_shown(api: Ds3, receiver: Receiver) -> None:
    # R37
    one = api.create(f"notification_end_point={receiver.url()}")
    receiver.reply = Reply(status=500)
    end(_job(api))
    deliver()
    told = members(api.call("GET", f"/{one.uuid}"))
    assert (told["NumberOfFailuresSinceLastSuccess"], told["LastHttpResponseCode"]) == ("1", "500")
    assert told["LastFailure"] == "answered 500"
    assert _DATE.fullmatch(told["LastNotification"] or "")
    receiver.reply = Reply(status=204)
    Target.objects.update(held_until=None)
    end(_job(api))
    deliver()
    told = members(api.call("GET", f"/{one.uuid}"))
    assert (told["NumberOfFailuresSinceLastSuccess"], told["LastHttpResponseCode"]) == ("0", "204")


def test_why_it_is_disabled_stands_in_its_last_failure(api: Ds3, receiver: Receiver) -> None:
    # R34
    one = api.create(f"notification_end_point={receiver.url()}")
    receiver.reply = Reply(status=410)
    end(_job(api))
    deliver()
    told = members(api.call("GET", f"/{one.uuid}"))
    assert (told["LastFailure"], told["LastHttpResponseCode"]) == ("disabled: answered 410 Gone", "410")


def test_json_by_suffix_or_accept_has_nulls_and_numbers(api: Ds3) -> None:
    one = api.create()
    answers = [api.call("GET", f"/{one.uuid}.json"), api.call("GET", f"/{one.uuid}", Accept="application/json")]
    for answer in answers:
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert answers[0].content == answers[1].content
    document = json.loads(answers[0].content)
    assert list(document) == ["Data"]
    assert list(document["Data"]) == MEMBERS
    assert {name: document["Data"][name] for name in MEMBERS[3:7]} == dict.fromkeys(MEMBERS[3:7])
    assert document["Data"]["NumberOfFailuresSinceLastSuccess"] == 0
    listed = api.call("GET", ".json").json()
    assert listed == {"Data": {"JobCompletedNotificationRegistration": [document["Data"]]}}
    assert api.call("GET", ".json", f"user_id={uuid4()}").json() == {
        "Data": {"JobCompletedNotificationRegistration": []}
    }


@pytest.mark.parametrize(
    ("accept", "is_json"),
    [
        ("", False), ("*/*", False), ("application/xml", False), ("text/xml, application/json", False),
        ("application/json, text/xml", True), ("text/xml;q=0.5, application/json", True), ("text/json", True),
        ("application/vnd.api+json", True), ("application/json;q=0, */*", False), ("APPLICATION/JSON ; q=x", True),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", False), (",;,q=1;;", False),
    ],
)  # fmt: skip
def test_accept_chooses_json_where_it_stands_before_xml(api: Ds3, accept: str, is_json: bool) -> None:
    answer = api.call("GET", Accept=accept)
    assert answer["Content-Type"] == ("application/json" if is_json else "text/xml")


def test_an_empty_list_is_self_closed(api: Ds3) -> None:
    answer = api.call("GET")
    assert (answer.content, answer["Page-Truncated"], answer["Total-Result-Count"]) == (b"<Data/>", "0", "0")


def test_a_list_holds_each_as_it_is_shown_alone(api: Ds3) -> None:
    one, other = api.create(), api.create("notification_end_point=other.example/%C3%A1%26b")
    alone = [api.call("GET", f"/{each.uuid}").content for each in (one, other)]
    inner = b"".join(
        b"<JobCompletedNotificationRegistration>%s</JobCompletedNotificationRegistration>"
        % each.removeprefix(b"<Data>").removesuffix(b"</Data>")
        for each in alone
    )
    assert api.call("GET").content == b"<Data>%s</Data>" % inner
    assert b"<NotificationEndPoint>other.example/&#225;&amp;b</NotificationEndPoint>" in inner


class TestPages:
    """Five registrations, the third and the fourth made in the same instant."""

    @pytest.fixture(autouse=True)
    def five(self, api: Ds3) -> None:
        self.api = api
        self.ids = [str(api.create(f"notification_end_point=r{number}.example").uuid) for number in range(5)]
        for number, uuid in enumerate(self.ids):
            seconds = timedelta(seconds=2 if number == 3 else number)
            Registration.objects.filter(uuid=uuid).update(created_at=MOMENT + seconds)

    def page(self, query: str) -> tuple[list[str], str, str]:
        answer = self.api.call("GET", query=query)
        assert answer.status_code == 200, answer.content
        found = [one.findtext("Id") for one in etree.fromstring(answer.content)]
        return found, answer["Page-Truncated"], answer["Total-Result-Count"]

    @pytest.mark.parametrize(
        ("query", "first", "last", "left"),
        [
            ("", 0, 5, 0), ("page_length=2", 0, 2, 3), ("page_length=2&page_offset=2", 2, 4, 1),
            ("page_length=2&page_offset=4", 4, 5, 0), ("page_offset=5", 5, 5, 0), ("page_offset=1000000000", 5, 5, 0),
            ("page_length=1000", 0, 5, 0), ("page_length=2&last_page", 4, 5, 0), ("last_page=", 0, 5, 0),
            ("page_length=5&last_page=false", 0, 5, 0), ("page_length=3&last_page=true", 3, 5, 0),
            ("PAGE_LENGTH=1&Page_Offset=0", 0, 1, 4),
        ],
    )  # fmt: skip
    def test_a_page_and_what_is_left_behind_it(self, query: str, first: int, last: int, left: int) -> None:
        assert self.page(query) == (self.ids[first:last], str(left), "5")

    @pytest.mark.parametrize("place", range(5))
    def test_a_marker_begins_behind_itself(self, place: int) -> None:
        left = max(0, 4 - place - 2)
        assert self.page(f"page_start_marker={self.ids[place]}&page_length=2") == (
            self.ids[place + 1 : place + 3], str(left), "5",
        )  # fmt: skip

    @pytest.mark.parametrize("length", [1, 2, 3, 5])
    def test_reading_on_by_marker_or_offset_finds_each_once(self, length: int) -> None:
        by_marker, query = [], f"page_length={length}"
        while page := self.page(query)[0]:
            by_marker += page
            query = f"page_length={length}&page_start_marker={page[-1]}"
        by_offset = [
            one for at in range(0, 5, length) for one in self.page(f"page_length={length}&page_offset={at}")[0]
        ]
        assert by_marker == by_offset == self.ids

    @pytest.mark.parametrize(
        ("query", "sentence"),
        [
            ("page_length=0", "page_length: must be a number between 1 and 1000"),
            ("page_length=1001", "page_length: must be a number between 1 and 1000"),
            ("page_length=99999999999999999999999", "page_length: must be a number between 1 and 1000"),
            ("page_length=", "page_length: must be a number between 1 and 1000"),
            ("page_length=1e3", "page_length: must be a number between 1 and 1000"),
            ("page_length=%D9%A1", "page_length: must be a number between 1 and 1000"),
            ("page_offset=-1", "page_offset: must be a number between 0 and 1000000000"),
            ("page_start_marker=x", "page_start_marker: must be a UUID"),
            ("user_id=Administrator", "user_id: must be a UUID"),
            ("page_offset=0&last_page", "last_page: not together with page_offset"),
            ("page_length=1&page_length=2", "page_length: given more than once with different values"),
        ],
    )
    def test_what_is_no_page_is_refused(self, query: str, sentence: str) -> None:
        # S31
        assert error(self.api.call("GET", query=query)) == (400, "BadRequest", sentence)

    def test_every_pair_of_starts_is_refused(self) -> None:
        query = f"last_page&page_offset=1&page_start_marker={self.ids[0]}"
        assert error(self.api.call("GET", query=query)) == (
            400,
            "BadRequest",
            "page_start_marker: not together with page_offset; last_page: not together with page_offset",
        )

    def test_an_unknown_marker_is_404(self) -> None:
        unknown = uuid4()
        assert error(self.api.call("GET", query=f"page_start_marker={unknown}")) == (
            404, "NotFound", f"page_start_marker {unknown} not found",
        )  # fmt: skip


def test_a_long_list_costs_as_many_queries_as_a_short_one(api: Ds3) -> None:
    counts = []
    for _ in range(2):
        api.create()
        with CaptureQueriesContext(connection) as context:
            api.call("GET", query="page_length=1000")
        counts.append(len(context))
    assert counts == [3, 3]


def test_registrations_of_a_job_go_with_it(api: Ds3, submit: Callable[..., Job]) -> None:
    job = _job(api)
    one = api.create(f"notification_end_point=receiver.example&job_id={job.uuid}")
    end(job)
    Job.objects.filter(pk=job.pk).delete()
    assert api.ids() == []
    assert api.call("GET", f"/{one.uuid}").status_code == 404
    assert Delivery.objects.get().status == Status.PENDING


def test_what_is_made_is_not_made_twice_by_looking(api: Ds3) -> None:
    one = api.create()
    before = rows()
    for path in ("", f"/{one.uuid}", f"/{one.uuid}.json"):
        api.call("GET", path)
        api.call("HEAD", path)
    assert rows() == before
    assert api.call("GET", "/").wsgi_request.path == PATH + "/"

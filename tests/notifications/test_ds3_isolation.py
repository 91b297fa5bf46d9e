"""S29, S30: another's registration looks like none, by every operation, marker and filter, in words and in queries."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs import services as job_services
from notifications.ds3.urls import urlpatterns
from tests.notifications.conftest import end
from tests.notifications.ds3_calls import Ds3, error, rows

pytestmark = pytest.mark.django_db
_GOOD = "notification_end_point=receiver.example"
# The operations that name something, as a call.
_NAMING: dict[str, Callable[[Ds3, str], Any]] = {
    "get": lambda api, uuid: api.signed("GET", f"/{uuid}"),
    "get json": lambda api, uuid: api.signed("GET", f"/{uuid}.json"),
    "delete": lambda api, uuid: api.signed("DELETE", f"/{uuid}"),
    "marker": lambda api, uuid: api.signed("GET", query=f"page_start_marker={uuid}"),
}


def test_every_operation_is_covered_here() -> None:
    assert {pattern.name for pattern in urlpatterns if pattern.name} == {"ds3-registrations", "ds3-registration"}


@pytest.mark.parametrize("operation", _NAMING)
def test_what_is_anothers_looks_like_what_never_was(operation: str, settings: Any) -> None:
    settings.HAMMY_CALLER_CACHE_SECONDS = 60
    owner, stranger = Ds3(), Ds3()
    theirs = owner.create()
    stranger.create()
    before, told = rows(), []
    for uuid in (str(theirs.uuid), str(uuid4())):
        _NAMING[operation](stranger, uuid)  # looks up the client
        with CaptureQueriesContext(connection) as context:
            answer = _NAMING[operation](stranger, uuid)
        if "json" in operation:
            message = answer.json()["Error"]["Message"]
            assert answer.status_code == 404
        else:
            *shape, message = error(answer)
            assert shape == [404, "NotFound"]
        told.append((len(context), message.replace(uuid, "")))
    assert told[0] == told[1]
    assert rows() == before
    assert owner.ids() == [str(theirs.uuid)]


def test_a_list_neither_shows_nor_counts_what_is_anothers() -> None:
    owner, stranger = Ds3(), Ds3()
    owner.create()
    own = stranger.create()
    for query in ("", "last_page", "page_length=1", "page_offset=0", f"user_id={stranger.uuid}"):
        answer = stranger.signed("GET", query=query)
        assert (answer["Total-Result-Count"], answer["Page-Truncated"]) == ("1", "0")
        assert stranger.ids(query) == [str(own.uuid)]
    for query in (f"user_id={owner.uuid}", f"user_id={uuid4()}"):
        answer = stranger.signed("GET", query=query)
        assert (answer.content, answer["Total-Result-Count"]) == (b"<Data/>", "0")


def test_who_may_see_all_sees_all_and_one_clients_by_its_uuid() -> None:
    owner, other = Ds3(), Ds3()
    auditor = Ds3(rights=["notifications", "see_all"])
    first, second = owner.create(), other.create()
    assert auditor.ids() == [str(first.uuid), str(second.uuid)]
    assert auditor.ids(f"user_id={owner.uuid}") == [str(first.uuid)]
    assert auditor.ids(f"user_id={other.uuid}&page_start_marker={second.uuid}") == []
    # A marker stands in the list that is read, or nowhere.
    assert error(auditor.signed("GET", query=f"user_id={owner.uuid}&page_start_marker={second.uuid}"))[0] == 404
    shown = auditor.signed("GET", f"/{first.uuid}").content.decode()
    assert f"<UserId>{owner.uuid}</UserId>" in shown
    assert auditor.signed("DELETE", f"/{first.uuid}").status_code == 204
    assert owner.ids() == []


@pytest.mark.parametrize("has_ended", [False, True])
def test_anothers_job_is_no_job_to_be_told_of(has_ended: bool) -> None:
    owner, stranger = Ds3(), Ds3()
    job = job_services.submit(caller=owner.caller, job_class="tests.Nothing")
    if has_ended:
        end(job)
    before, unknown = rows(), uuid4()
    assert error(stranger.signed("POST", query=f"{_GOOD}&job_id={job.uuid}")) == (
        404, "NotFound", f"job {job.uuid} not found",
    )  # fmt: skip
    assert error(stranger.signed("POST", query=f"{_GOOD}&job_id={unknown}"))[2] == f"job {unknown} not found"
    assert rows() == before
    auditor = Ds3(rights=["notifications", "see_all"])
    assert auditor.signed("POST", query=f"{_GOOD}&job_id={job.uuid}").status_code == 201

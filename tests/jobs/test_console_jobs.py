"""The console's list of jobs, the page of one, and how both keep fresh."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from jobs import queue
from jobs.admin import wording
from jobs.models import Job, JobEvent, JobLogLine
from jobs.states import Queue, Status
from tests.console import client_of, plain_pages  # noqa: F401
from tests.factories import make_caller
from tests.jobs.console import JOBS, ids, make_trigger, submitted

pytestmark = pytest.mark.django_db
BUDAPEST = ZoneInfo("Europe/Budapest")
NASTY = "<script>alert(1)</script>"
SAFE = "&lt;script&gt;alert(1)&lt;/script&gt;"


def _running(job: Job, **columns) -> Job:
    queue.claim(queue=Queue(job.queue), worker="host:7", size=1)
    Job.objects.filter(pk=job.pk).update(**columns)
    job.refresh_from_db()
    return job


def test_the_list_shows_the_newest_first() -> None:
    first, second = submitted(), submitted()
    assert ids(client_of("Viewer").get(JOBS)) == [second.pk, first.pk]


def test_the_list_costs_the_same_queries_however_many_rows_it_has() -> None:
    client = client_of("Operator")
    trigger = make_trigger()
    counts = []
    for _ in range(2):
        for _more in range(20):
            submitted(caller=make_caller(), trigger=trigger)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(JOBS).status_code == 200
        counts.append(len(queries))
    # Session, user, permissions of the user and of the groups, badge, count, page, triggers, clients.
    assert counts == [9, 9]


def test_the_list_reads_no_parameters_and_no_cursors() -> None:
    submitted()
    client = client_of("Viewer")
    with CaptureQueriesContext(connection) as queries:
        client.get(JOBS)
    pages = [query["sql"] for query in queries if '"jobs_job"."status"' in query["sql"]]
    assert len(pages) == 1
    assert '"jobs_job"."params"' not in pages[0]
    assert '"jobs_job"."cursor"' not in pages[0]


def test_the_list_tells_status_progress_duration_and_who() -> None:
    job = submitted("tests.Count", params=[("STEPS", "2000")], trigger=make_trigger("éjjeli"))
    now = timezone.now()
    _running(job, completed=500, total=2000)
    Job.objects.filter(pk=job.pk).update(
        status=Status.FINISHED, started_at=now - timedelta(seconds=187), finished_at=now, **queue.LET_GO
    )
    page = client_of("Viewer").get(JOBS).content.decode()
    for words in ("Finished", "500/2 000", 'max="2000" value="500"', "3:07", "éjjeli", "clerk", 'title="tests.Count"'):
        assert words in page


def test_a_job_is_found_by_its_number_and_its_uuid_alone() -> None:
    wanted, other = submitted(), submitted()
    client = client_of("Viewer")
    assert ids(client.get(JOBS, {"q": str(wanted.pk)})) == [wanted.pk]
    assert ids(client.get(JOBS, {"q": str(wanted.uuid)})) == [wanted.pk]
    for words in ("tests", "9" * 40, "²", str(wanted.uuid)[:-1]):
        assert ids(client.get(JOBS, {"q": words})) == []
    assert ids(client.get(JOBS, {"q": "\x00"})) == [other.pk, wanted.pk]


def test_the_list_is_narrowed_by_status_class_trigger_client_place_and_tree() -> None:
    trigger, caller = make_trigger(), make_caller()
    one = _running(submitted("tests.Careful", caller=caller, trigger=trigger))
    child = submitted(parent=one)
    other = submitted()
    client = client_of("Viewer")

    def found(query: str) -> list[int]:
        return ids(client.get(f"{JOBS}?{query}"))

    assert found("status=RUNNING") == [one.pk]
    assert found("status=RUNNING&status=NEW") == [other.pk, child.pk, one.pk]
    assert found("status=NONSENSE") == [other.pk, child.pk, one.pk]
    assert found("class=tests.Careful") == [one.pk]
    assert found(f"trigger={trigger.pk}") == [one.pk]
    assert found(f"client={one.client_id}") == [one.pk]
    assert found("place=root") == [other.pk, one.pk]
    assert found(f"tree={one.pk}") == [child.pk, one.pk]


def test_the_list_is_narrowed_by_the_days_of_creation_both_included() -> None:
    moments = [
        datetime(2026, 3, 1, 23, 59, 59, tzinfo=BUDAPEST),
        datetime(2026, 3, 2, 0, 0, tzinfo=BUDAPEST),
        datetime(2026, 3, 3, 23, 59, 59, tzinfo=BUDAPEST),
        datetime(2026, 3, 4, 0, 0, tzinfo=BUDAPEST),
    ]
    made = []
    for moment in moments:
        made.append(submitted().pk)
        Job.objects.filter(pk=made[-1]).update(created_at=moment)
    client = client_of("Viewer")
    found = ids(client.get(f"{JOBS}?created_from=2026-03-02&created_to=2026-03-03"))
    assert found == [made[2], made[1]]


def test_the_count_stops_at_the_cap_and_the_list_goes_on_by_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.console.paging.CAP", 4)
    monkeypatch.setattr("jobs.admin.jobs.JobAdmin.list_per_page", 2)
    made = [submitted().pk for _ in range(7)]
    # Of two jobs of the same moment neither is lost between the pages, nor shown twice.
    Job.objects.filter(pk__in=made[2:5]).update(created_at=Job.objects.get(pk=made[2]).created_at)
    client = client_of("Viewer")
    response = client.get(f"{JOBS}?p=2")
    assert "4+" in response.content.decode()
    assert ids(response) == [made[4], made[3]]
    assert response.context["cl"].older_query == f"?before={made[3]}"
    assert ids(client.get(f"{JOBS}?before={made[3]}")) == [made[2], made[1]]
    assert ids(client.get(f"{JOBS}?before=999999999")) == [made[6], made[5]]


def test_the_page_of_a_job_tells_all_of_it() -> None:
    job = _running(submitted("tests.Count", params=[("STEPS", "3")]))
    for step in (1, 2, 3):
        JobLogLine.objects.create(job=job, text=f"step {step}")
    queue.move(Job.objects.all(), Status.FINISHED, claim=job.claim, completed=3, total=3)
    response = client_of("Viewer").get(f"{JOBS}{job.pk}/change/")
    page = response.content.decode()
    for words in ("tests.Count", "STEPS", "3/3", "step 1", "step 3", str(job.uuid), "clerk"):
        assert words in page
    assert [item["event"].name for item in response.context["events"]] == ["FINISHED", "STARTED", "CREATED"]
    assert response.context["offered"] == []


def test_the_tree_of_a_job_stands_nested_and_linked() -> None:
    root = _running(submitted())
    below = _running(submitted(parent=root))
    leaf, sibling = submitted(parent=below), submitted(parent=root)
    client = client_of("Viewer")
    response = client.get(f"{JOBS}{below.pk}/change/")
    nodes = response.context["tree"].nodes
    assert [(node.job.pk, node.depth, node.is_this) for node in nodes] == [
        (root.pk, 0, False),
        (below.pk, 1, True),
        (leaf.pk, 2, False),
        (sibling.pk, 1, False),
    ]
    page = response.content.decode()
    assert f'href="{JOBS}{root.pk}/change/"' in page
    assert client.get(f"{JOBS}{submitted().pk}/change/").context["tree"] is None


def test_a_large_tree_is_cut_but_for_the_jobs_own_place_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.admin.relatives.MOST", 2)
    root = _running(submitted())
    others = [submitted(parent=root) for _ in range(2)]
    below = submitted(parent=root)
    client = client_of("Viewer")
    response = client.get(f"{JOBS}{below.pk}/change/")
    assert [node.job.pk for node in response.context["tree"].nodes] == [root.pk, *(o.pk for o in others), below.pk]
    assert f"{JOBS}?tree={root.pk}" in response.content.decode()


def test_the_page_of_a_job_costs_the_same_queries_however_large_its_tree_is() -> None:
    root = _running(submitted())
    client = client_of("Operator")
    counts = []
    for number in (1, 30):
        for _ in range(number):
            submitted(parent=root)
        with CaptureQueriesContext(connection) as queries:
            client.get(f"{JOBS}{root.pk}/change/")
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_rows_of_a_list_are_asked_for_anew_while_one_is_open() -> None:
    job, other = submitted("tests.Count", params=[("STEPS", "8")]), submitted()
    client = client_of("Viewer")
    page = client.get(JOBS).content.decode()
    assert f'data-live="{JOBS}live/"' in page
    assert "console/live.js" in page
    assert f'data-live-cell="state-{job.pk}" data-live-open' in page
    _running(job, completed=4, total=8)
    answer = client.get(f"{JOBS}live/?ids={job.pk},{other.pk},x,{'9' * 30}")
    fresh = answer.content.decode()
    assert "Running" in fresh
    assert 'max="8" value="4"' in fresh
    assert fresh.count("data-live-cell") == 6
    assert "no-store" in answer["Cache-Control"]
    queue.move(Job.objects.all(), Status.CANCELLED)
    # Until its run has heard of it.
    assert "data-live-open" in client.get(f"{JOBS}live/?ids={job.pk}").content.decode()
    Job.objects.update(**queue.LET_GO)
    assert "data-live-open" not in client.get(f"{JOBS}live/?ids={job.pk}").content.decode()


def test_asking_for_fresh_rows_costs_one_query_beside_the_login() -> None:
    jobs = [submitted() for _ in range(5)]
    client = client_of("Viewer")
    with CaptureQueriesContext(connection) as queries:
        client.get(f"{JOBS}live/?ids={','.join(str(job.pk) for job in jobs)}")
    # Session, user, permissions of the user and of the groups, rows.
    assert len(queries) == 5


def test_the_page_of_a_job_is_asked_for_anew_while_it_is_open() -> None:
    job = submitted("tests.Count", params=[("STEPS", "8")])
    client = client_of("Operator")
    page = client.get(f"{JOBS}{job.pk}/change/").content.decode()
    assert f'data-live="{JOBS}{job.pk}/live/"' in page
    assert "data-live-open" in page
    _running(job, completed=4, total=8)
    JobLogLine.objects.create(job=job, text="halfway")
    fresh = client.get(f"{JOBS}{job.pk}/live/").content.decode()
    for words in ("Running", "halfway", 'max="8" value="4"', "host:7", "operate/finish/"):
        assert words in fresh
    assert "<html" not in fresh
    queue.move(Job.objects.all(), Status.CANCELLED)
    Job.objects.update(**queue.LET_GO)
    assert "data-live-open" not in client.get(f"{JOBS}{job.pk}/live/").content.decode()
    assert client.get(f"{JOBS}4242/live/").status_code == 404


def test_s33_who_may_not_see_jobs_sees_none() -> None:
    job = submitted()
    for client in (client_of("Template editor"), client_of()):
        for address in ("", f"{job.pk}/change/", "live/?ids=1", f"{job.pk}/live/"):
            assert client.get(f"{JOBS}{address}").status_code == 403


def test_s33_what_a_job_carries_is_shown_and_never_run() -> None:
    job = submitted("tests.Legs", params=[("CHILD", NASTY)], caller=make_caller(name=f"{NASTY} kft."))
    _running(job)
    Job.objects.filter(pk=job.pk).update(
        reason=NASTY,
        worker=NASTY,
        user_name=NASTY,
        cursor={NASTY: NASTY},
        concurrency_key=NASTY,
        params=[[NASTY, NASTY]],
    )
    JobLogLine.objects.create(job=job, text=NASTY)
    JobEvent.objects.create(job=job, name="STARTED", reason=NASTY, actor=NASTY)
    strange = submitted(trigger=make_trigger(NASTY))
    Job.objects.filter(pk=strange.pk).update(job_class=f"x.{NASTY}")
    client = client_of("Operator")
    addresses = ["", f"{job.pk}/change/", f"{job.pk}/live/", f"live/?ids={job.pk},{strange.pk}",
                 f"{strange.pk}/change/", f"operate/cancel/?ids={job.pk}&ids={strange.pk}"]  # fmt: skip
    for address in addresses:
        page = client.get(f"{JOBS}{address}").content.decode()
        assert NASTY not in page, address
    assert client.get(f"{JOBS}{job.pk}/change/").content.decode().count(SAFE) >= 8


def test_nothing_is_added_changed_or_deleted_here() -> None:
    job = submitted()
    client = client_of("Administrator")
    assert client.get(f"{JOBS}add/").status_code == 403
    assert client.post(f"{JOBS}{job.pk}/change/", {"status": "FINISHED"}).status_code == 403
    assert client.post(f"{JOBS}{job.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Job.objects.get().status == "NEW"


def test_a_letters_words_cannot_be_guessed_through_the_address() -> None:
    submitted("tests.Count", params=[("STEPS", "3")])
    for query in ("params__contains=S", "cursor__isnull=1", "user_name=clerk"):
        assert client_of("Viewer").get(f"{JOBS}?{query}").status_code in (302, 400)


@pytest.mark.parametrize(("language", "words"), [("hu", "0,3 s"), ("en", "0.3 s")])
def test_a_duration_has_the_decimal_sign_of_its_language(language: str, words: str) -> None:
    with translation.override(language):
        spans = [wording.duration(timedelta(seconds=seconds)) for seconds in (0.3, 12, 187)]
    assert spans == [words, "12 s", "3:07"]

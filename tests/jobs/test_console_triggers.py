"""The console's triggers: looked at, changed with their times, and started with parameters, legs and a reason."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from jobs import recurring
from jobs.admin.trigger_forms import TriggerForm
from jobs.models import Job, Recurrence, Trigger, TriggerFiring
from tests.console import client_of, plain_pages, trail  # noqa: F401
from tests.factories import make_client
from tests.jobs.console import FIRINGS, JOBS, TRIGGERS, ids, make_trigger, submitted

pytestmark = pytest.mark.django_db
NASTY = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def no_triggers(db: None) -> None:
    """None of those that a site begins with."""
    Trigger.objects.all().delete()


def _form(**columns: Any) -> dict[str, Any]:
    """The form as a browser sends it, for a trigger that somebody has to start."""
    return {
        "name": "nightly",
        "description": "",
        "job_class": "tests.Count",
        "params": "STEPS=3",
        "legs": "",
        "is_enabled": "on",
        "recurs": "",
        "is_recurring": "on",
        "minute": "*",
        "hour": "*",
        "day_of_month": "*",
        "month_of_year": "*",
        "day_of_week": "*",
        "zone": "Europe/Budapest",
        "every": "",
        "period": "minutes",
        "start_at_0": "",
        "start_at_1": "",
        "end_at_0": "",
        "end_at_1": "",
        "overlap": "SKIP",
        "missed": "ONCE",
    } | columns


def _every(minutes: int) -> IntervalSchedule:
    return IntervalSchedule.objects.create(every=minutes, period="minutes")


def _crontab(**fields: str) -> CrontabSchedule:
    return CrontabSchedule.objects.create(timezone="Europe/Budapest", **fields)


def _errors(response: Any) -> dict[str, list[str]]:
    return {name: list(errors) for name, errors in response.context["adminform"].form.errors.items()}


def test_a_trigger_is_made_with_its_times() -> None:
    client, friend = client_of("Administrator"), make_client()[0]
    data = _form(
        recurs="crontab", minute="30", hour="2", clients=[friend.pk], overlap="QUEUE", missed="ALL",
        start_at_0="2026-01-01", start_at_1="00:00:00",
    )  # fmt: skip
    response = client.post(f"{TRIGGERS}add/", data)
    assert (response.status_code, response["Location"]) == (302, TRIGGERS)
    trigger = Trigger.objects.get()
    assert (trigger.name, trigger.job_class, trigger.params) == ("nightly", "tests.Count", [["STEPS", "3"]])
    assert list(trigger.clients.all()) == [friend]
    task = trigger.recurrence.periodic_task
    assert (task.crontab.minute, task.crontab.hour, str(task.crontab.timezone)) == ("30", "2", "Europe/Budapest")
    assert (task.task, task.enabled, task.start_time) == (
        "jobs.tasks.fire",
        True,
        datetime(2025, 12, 31, 23, tzinfo=UTC),
    )
    assert (trigger.recurrence.overlap, trigger.recurrence.missed) == ("QUEUE", "ALL")
    assert trigger.recurrence.next_slot_at is not None
    assert [object_id for object_id, _words in trail()] == [str(trigger.pk)]


def test_a_change_of_the_times_plans_anew_and_stopping_them_takes_beats_row_away() -> None:
    trigger = make_trigger()
    recurring.schedule(trigger=trigger, crontab=_crontab(minute="0", hour="3"))
    client = client_of("Administrator")
    address = f"{TRIGGERS}{trigger.pk}/change/"
    page = client.get(address)
    assert page.context["adminform"].form["recurs"].value() == "crontab"
    assert page.context["adminform"].form["hour"].value() == "3"
    data = _form(job_class="tests.Nothing", params="", recurs="interval", every="15")
    assert client.post(address, data).status_code == 302
    task = PeriodicTask.objects.get(name="trigger nightly")
    assert (task.crontab, task.interval.every, task.interval.period) == (None, 15, "minutes")
    assert CrontabSchedule.objects.filter(minute="0", hour="3").count() == 1
    assert client.post(address, data | {"recurs": ""}).status_code == 302
    assert (Recurrence.objects.count(), PeriodicTask.objects.filter(name="trigger nightly").count()) == (0, 0)


def test_a_change_of_something_else_leaves_the_times_as_planned() -> None:
    trigger = make_trigger()
    recurring.schedule(trigger=trigger, interval=_every(5))
    missed = timezone.now() - timedelta(hours=2)
    Recurrence.objects.update(next_slot_at=missed)
    data = _form(job_class="tests.Nothing", params="", description="new", recurs="interval", every="5")
    assert client_of("Administrator").post(f"{TRIGGERS}{trigger.pk}/change/", data).status_code == 302
    trigger.refresh_from_db()
    assert (trigger.description, trigger.recurrence.next_slot_at) == ("new", missed)


def test_paused_times_come_no_more_and_are_kept() -> None:
    trigger = make_trigger()
    recurring.schedule(trigger=trigger, interval=_every(5))
    client = client_of("Administrator")
    data = _form(job_class="tests.Nothing", params="", recurs="interval", every="5")
    del data["is_recurring"]
    assert client.post(f"{TRIGGERS}{trigger.pk}/change/", data).status_code == 302
    recurrence = Recurrence.objects.get()
    assert (recurrence.periodic_task.enabled, recurrence.next_slot_at) == (False, None)
    assert "every 5 minutes (paused)" in client.get(TRIGGERS).content.decode()


WRONG: list[tuple[dict[str, Any], dict[str, list[str]]]] = [
    (
        {"job_class": "gone.Class"},
        {"job_class": ["Select a valid choice. gone.Class is not one of the available choices."]},
    ),
    ({"params": "STEPS"}, {"params": ["STEPS: must be key=value"]}),
    ({"params": "STEPS=1\0"}, {"params": ["Null characters are not allowed."]}),
    ({"legs": "a\0"}, {"legs": ["Null characters are not allowed."]}),
    (
        {"params": "STEPS=x"},
        {"params": ["STEPS: input should be a valid integer, unable to parse string as an integer"]},
    ),
    ({"params": "STEPS=1\nSTEPS=2"}, {"params": ["STEPS: is given twice"]}),
    (
        {"params": "STEPS=1\nPACE=2"},
        {"params": ["PACE: unknown parameter; known are STEPS, SECONDS, LIMIT_DATE"]},
    ),
    ({"params": "", "recurs": "interval", "every": "5"}, {"params": ["STEPS: required"]}),
    ({"legs": "a"}, {"legs": ["this job class has no legs"]}),
    ({"job_class": "tests.Legs", "params": "", "legs": "a\na"}, {"legs": ["each leg once"]}),
    ({"job_class": "tests.Legs", "params": "", "legs": "a,b\nc"}, {"legs": ["a leg's id has no comma"]}),
    ({"recurs": "interval", "every": "1000000", "period": "days"}, {"every": ["must be at most ten years"]}),
    (
        {"recurs": "interval", "every": "5", "start_at_0": "9999-12-31", "start_at_1": "00:00:00"},
        {"every": ["must begin and end in the years 2000 to 2199"]},
    ),
    (
        {"recurs": "crontab", "minute": "0", "start_at_0": "0001-01-01", "start_at_1": "00:00:00"},
        {"minute": ["must begin and end in the years 2000 to 2199"]},
    ),
    ({"recurs": "interval"}, {"every": ["This field is required."]}),
    ({"recurs": "interval", "every": "0"}, {"every": ["Ensure this value is greater than or equal to 1."]}),
    (
        {"recurs": "crontab", "day_of_month": "30", "month_of_year": "2"},
        {"minute": ["Invalid crontab: day_of_month '30' never occurs in month_of_year '2'."]},
    ),
    (
        {"recurs": "interval", "every": "5", "start_at_0": "2026-01-02", "start_at_1": "00:00:00",
         "end_at_0": "2026-01-01", "end_at_1": "00:00:00"},
        {"end_at": ["must be later than the start"]},
    ),
    ({"zone": "Mars/Olympus"}, {"zone": ["Select a valid choice. Mars/Olympus is not one of the available choices."]}),
]  # fmt: skip


@pytest.mark.parametrize(("columns", "errors"), WRONG)
def test_what_is_wrong_is_told_at_its_field_and_nothing_is_kept(columns: dict, errors: dict) -> None:
    response = client_of("Administrator").post(f"{TRIGGERS}add/", _form(**columns))
    assert response.status_code == 200
    assert _errors(response) == errors
    assert (Trigger.objects.count(), PeriodicTask.objects.filter(name="trigger nightly").count()) == (0, 0)


@pytest.mark.parametrize("field", ["minute", "hour", "day_of_month", "month_of_year", "day_of_week"])
@pytest.mark.parametrize("text", ["99", "x", "*/0", "-1", "1-", ",", "1;2"])
def test_a_crontab_that_cannot_be_read_is_told_at_its_own_fields(field: str, text: str) -> None:
    # The form alone: its page, with each zone of the world, takes a second to write and is seen above.
    form = TriggerForm(_form(recurs="crontab", **{field: text}))
    assert not form.is_valid()
    assert set(form.errors) <= {field, "minute"}


def test_a_trigger_started_by_hand_may_leave_required_parameters_to_whoever_starts_it() -> None:
    assert client_of("Administrator").post(f"{TRIGGERS}add/", _form(params="SECONDS=0")).status_code == 302
    assert Trigger.objects.get().params == [["SECONDS", "0"]]


def test_a_value_of_several_lines_survives_the_form() -> None:
    trigger = make_trigger(job_class="tests.Legs", params=[["CHILD", "a\n\nb=c"]])
    client = client_of("Administrator")
    address = f"{TRIGGERS}{trigger.pk}/change/"
    shown = client.get(address).context["adminform"].form["params"].value()
    assert shown == "CHILD=a\n \n b=c"
    data = _form(job_class="tests.Legs", params=shown.replace("\n", "\r\n"))
    assert client.post(address, data).status_code == 302
    trigger.refresh_from_db()
    assert trigger.params == [["CHILD", "a\n\nb=c"]]


def test_a_class_that_is_gone_is_replaced_by_one_that_is_known() -> None:
    trigger = make_trigger(job_class="gone.Class")
    client = client_of("Administrator")
    address = f"{TRIGGERS}{trigger.pk}/change/"
    assert client.get(address).status_code == 200
    assert client.post(address, _form(job_class="tests.Nothing", params="")).status_code == 302
    trigger.refresh_from_db()
    assert trigger.job_class == "tests.Nothing"


def test_a_trigger_keeps_its_name() -> None:
    trigger = make_trigger()
    data = _form(name="other", job_class="tests.Nothing", params="")
    assert client_of("Administrator").post(f"{TRIGGERS}{trigger.pk}/change/", data).status_code == 302
    trigger.refresh_from_db()
    assert trigger.name == "nightly"


def test_a_deleted_trigger_takes_its_times_along_and_leaves_its_jobs() -> None:
    trigger = make_trigger()
    recurring.schedule(trigger=trigger, interval=_every(5))
    job = submitted(trigger=trigger)
    TriggerFiring.objects.create(trigger=trigger, slot=job.created_at, job=job)
    client = client_of("Administrator")
    assert client.post(f"{TRIGGERS}{trigger.pk}/delete/", {"post": "yes"}).status_code == 302
    assert (Trigger.objects.count(), PeriodicTask.objects.filter(name="trigger nightly").count()) == (0, 0)
    job.refresh_from_db()
    assert job.trigger is None


def test_the_page_shows_the_next_ten_times_and_the_last_firings() -> None:
    trigger = make_trigger()
    recurrence = recurring.schedule(trigger=trigger, crontab=_crontab(minute="30", hour="2"))
    job = submitted(trigger=trigger)
    slot = datetime(2026, 3, 1, 1, 30, tzinfo=UTC)
    TriggerFiring.objects.create(trigger=trigger, slot=slot, job=job)
    TriggerFiring.objects.create(trigger=trigger, slot=slot + timedelta(days=1), decision="SKIPPED", reason=NASTY)
    response = client_of("Viewer").get(f"{TRIGGERS}{trigger.pk}/change/")
    assert len(response.context["next_times"]) == 10
    first = timezone.localtime(recurring.preview(recurrence)[0]).strftime("%Y-%m-%d 02:30:00")
    assert response.context["next_times"][0] == first
    page = response.content.decode()
    for words in (
        first,
        "each day at 2:30 (Europe/Budapest)",
        "2026-03-01 02:30:00",
        f"{JOBS}{job.pk}/change/",
        "Skipped",
    ):
        assert words in page
    assert NASTY not in page


def test_a_viewer_reads_what_a_trigger_starts() -> None:
    trigger = make_trigger(job_class="tests.Legs", params=[["CHILD", "tests.Fail"]], legs=["7", "8"])
    page = client_of("Viewer").get(f"{TRIGGERS}{trigger.pk}/change/").content.decode()
    for words in ("tests.Legs", "CHILD=tests.Fail", "7, 8"):
        assert words in page
    for words in ('name="recurs"', 'name="_save"', "/start/"):
        assert words not in page


def test_the_form_shows_its_times_before_anything_is_saved() -> None:
    client = client_of("Administrator")
    answer = client.post(f"{TRIGGERS}preview/", _form(recurs="crontab", minute="0", hour="4", name="")).content.decode()
    assert answer.count(" 04:00:00</li>") == 10
    answer = client.post(f"{TRIGGERS}preview/", _form(recurs="crontab", hour="77")).content.decode()
    assert 'class="console-error">Hour: ' in answer
    assert "somebody starts it" in client.post(f"{TRIGGERS}preview/", _form()).content.decode()
    assert Trigger.objects.count() == 0
    assert client_of("Operator").post(f"{TRIGGERS}preview/", _form()).status_code == 403


def test_the_list_tells_when_each_starts_and_costs_the_same_however_many() -> None:
    trigger = make_trigger()
    recurrence = recurring.schedule(trigger=trigger, crontab=_crontab(minute="0", hour="6", day_of_week="1-5"))
    TriggerFiring.objects.create(trigger=trigger, slot=datetime(2026, 3, 1, 1, 30, tzinfo=UTC), decision="MISSED")
    client = client_of("Operator")
    counts = []
    for number in range(2):
        with CaptureQueriesContext(connection) as queries:
            page = client.get(TRIGGERS).content.decode()
        counts.append(len(queries))
        recurring.schedule(trigger=make_trigger(f"other-{number}"), interval=_every(7))
    # Session, user, permissions of the user and of the groups, badge, count, page.
    assert counts == [7, 7]
    assert recurrence.next_slot_at is not None
    due = timezone.localtime(recurrence.next_slot_at).strftime("%Y-%m-%d %H:%M:%S")
    for words in ("on weekdays at 6:00 (Europe/Budapest)", due, "2026-03-01 02:30:00", "Missed", "Start now"):
        assert words in page


def test_firings_are_listed_by_trigger_and_decision() -> None:
    trigger, other = make_trigger(), make_trigger("other")
    now = timezone.now()
    job = submitted(trigger=trigger)
    started = TriggerFiring.objects.create(trigger=trigger, slot=now, job=job)
    skipped = TriggerFiring.objects.create(trigger=other, slot=now, decision="SKIPPED", reason=NASTY)
    client = client_of("Viewer")
    response = client.get(FIRINGS)
    assert ids(response) == [skipped.pk, started.pk]
    page = response.content.decode()
    assert f"{JOBS}{job.pk}/change/" in page
    assert NASTY not in page
    assert ids(client.get(f"{FIRINGS}?trigger={trigger.pk}")) == [started.pk]
    assert ids(client.get(f"{FIRINGS}?decision=SKIPPED")) == [skipped.pk]


def test_beats_row_of_a_trigger_is_looked_at_at_the_trigger() -> None:
    trigger = make_trigger()
    recurrence = recurring.schedule(trigger=trigger, interval=_every(5))
    client = client_of("Administrator")
    beat = "/admin/django_celery_beat/periodictask/"
    response = client.get(f"{beat}{recurrence.periodic_task_id}/change/")
    assert (response.status_code, response["Location"]) == (302, f"{TRIGGERS}{trigger.pk}/change/")
    other = PeriodicTask.objects.create(name="other", task="sending.tasks.tick", interval=_every(9))
    assert client.get(f"{beat}{other.pk}/change/").status_code == 200


def test_s33_who_may_only_look_changes_no_trigger_and_starts_none() -> None:
    trigger = make_trigger()
    for group in ("Viewer", "Operator", "Template editor", ""):
        client = client_of(group)
        assert client.post(f"{TRIGGERS}{trigger.pk}/change/", _form()).status_code == 403
        assert client.post(f"{TRIGGERS}add/", _form(name="new")).status_code == 403
        assert client.post(f"{TRIGGERS}{trigger.pk}/delete/", {"post": "yes"}).status_code == 403
    for group in ("Viewer", "Template editor", ""):
        client = client_of(group)
        assert client.get(f"{TRIGGERS}{trigger.pk}/start/").status_code == 403
        assert client.post(f"{TRIGGERS}{trigger.pk}/start/", {"reason": "x"}).status_code == 403
    page = client_of("Viewer").get(f"{TRIGGERS}{trigger.pk}/change/").content.decode()
    assert "/start/" not in page + client_of("Viewer").get(TRIGGERS).content.decode()
    assert (Job.objects.count(), list(Trigger.objects.values_list("name", flat=True)), trail()) == (0, ["nightly"], [])


def test_a_trigger_is_started_with_parameters_and_a_reason_and_leads_to_the_job() -> None:
    trigger = make_trigger(job_class="tests.Count", params=[["STEPS", "3"]])
    client = client_of("Operator")
    address = f"{TRIGGERS}{trigger.pk}/start/"
    form = client.get(address).context["form"]
    asked = [(field.label, field.value()) for field in form]
    assert asked == [
        ("STEPS", "3"),
        ("SECONDS", None),
        ("LIMIT_DATE", None),
        ("DpfControlCallbackUrl", None),
        ("Reason", None),
    ]
    data = {"param-STEPS": "5", "param-SECONDS": "", "param-LIMIT_DATE": "2026-01-01"}
    assert "the reason is kept" in client.post(address, data).content.decode()
    assert Job.objects.count() == 0
    response = client.post(address, data | {"reason": "kérte a pénzügy"})
    job = Job.objects.get()
    assert (response.status_code, response["Location"]) == (302, f"{JOBS}{job.pk}/change/")
    assert job.params == [["STEPS", "5"], ["LIMIT_DATE", "2026-01-01"]]
    user = User.objects.get()
    assert (job.trigger, job.user_name, job.client_id) == (trigger, user.username, None)
    assert list(job.events.values_list("name", "reason", "actor")) == [("CREATED", "kérte a pénzügy", user.username)]
    assert trail() == [(str(trigger.pk), "start: kérte a pénzügy"), (str(job.pk), "start: kérte a pénzügy")]


def test_each_problem_of_a_start_is_told_at_its_field_and_nothing_is_started() -> None:
    trigger = make_trigger(job_class="tests.Count", params=[["STEPS", "3"], ["GONE", "1"]])
    data = {"param-STEPS": "", "param-SECONDS": "99", "reason": "x"}
    response = client_of("Operator").post(f"{TRIGGERS}{trigger.pk}/start/", data)
    assert response.status_code == 409
    assert {name: list(errors) for name, errors in response.context["form"].errors.items()} == {
        "param-STEPS": ["input should be a valid integer, unable to parse string as an integer"],
        "param-SECONDS": ["input should be less than or equal to 60"],
        "__all__": ["params.GONE: unknown parameter; known are STEPS, SECONDS, LIMIT_DATE"],
    }
    assert (Job.objects.count(), trail()) == (0, [])


def test_legs_are_ticked_and_at_least_one_is_run() -> None:
    trigger = make_trigger(job_class="tests.Legs", legs=["7", "8", "9"])
    client = client_of("Operator")
    address = f"{TRIGGERS}{trigger.pk}/start/"
    form = client.get(address).context["form"]
    assert form["legs"].value() == ["7", "8", "9"]
    assert "param-legIds" not in form.fields
    assert "at least one leg" in client.post(address, {"param-CHILD": "", "reason": "x"}).content.decode()
    refused = client.post(address, {"legs": ["7", NASTY], "reason": "x"}).content.decode()
    assert NASTY not in refused
    assert Job.objects.count() == 0
    assert client.post(address, {"legs": ["7", "9"], "reason": "x"}).status_code == 302
    assert Job.objects.get().params == [["legIds", "7,9"]]


def test_a_disabled_trigger_and_one_of_a_class_that_is_gone_are_not_started() -> None:
    disabled = make_trigger(is_enabled=False)
    gone = make_trigger("gone", job_class="gone.Class")
    client = client_of("Operator")
    assert client.get(f"{TRIGGERS}{disabled.pk}/change/").context["offered"] == []
    response = client.post(f"{TRIGGERS}{disabled.pk}/start/", {"reason": "x"})
    assert response.status_code == 409
    assert "the trigger nightly is disabled" in response.content.decode()
    response = client.get(f"{TRIGGERS}{gone.pk}/start/", follow=True)
    assert "gone.Class is no job class known here" in response.content.decode()
    assert client.get(f"{TRIGGERS}4242/start/").status_code == 404
    assert Job.objects.count() == 0


def test_s33_what_a_trigger_carries_is_shown_and_never_run() -> None:
    trigger = make_trigger(NASTY, description=NASTY, job_class="tests.Legs", params=[["CHILD", NASTY]], legs=[NASTY])
    client = client_of("Administrator")
    for address in (TRIGGERS, f"{TRIGGERS}{trigger.pk}/change/", f"{TRIGGERS}{trigger.pk}/start/"):
        assert NASTY not in client.get(address).content.decode(), address


def test_s33_a_start_from_elsewhere_starts_nothing() -> None:
    trigger = make_trigger()
    client = client_of("Operator", enforce_csrf_checks=True)
    assert client.post(f"{TRIGGERS}{trigger.pk}/start/", {"reason": "x"}).status_code == 403
    assert Job.objects.count() == 0


def test_a_job_of_any_class_is_started_with_an_address_to_be_called_back_at() -> None:
    trigger = make_trigger(params=[["dpf_control_callback_url", "https://told.example/"]])
    client = client_of("Operator")
    address = f"{TRIGGERS}{trigger.pk}/start/"
    asked = [(field.label, field.value()) for field in client.get(address).context["form"]]
    assert asked == [("dpf_control_callback_url", "https://told.example/"), ("Reason", None)]
    data = {"param-dpf_control_callback_url": "https://other.example/job/7", "reason": "x"}
    assert client.post(address, data).status_code == 302
    assert Job.objects.get().params == [["dpf_control_callback_url", "https://other.example/job/7"]]


def test_an_address_that_may_not_be_called_back_is_told_at_its_field_and_nothing_is_started() -> None:
    # S1, S5
    trigger = make_trigger(job_class="tests.Count", params=[["STEPS", "3"]])
    client = client_of("Operator")
    address = f"{TRIGGERS}{trigger.pk}/start/"
    assert [field.label for field in client.get(address).context["form"]][-2:] == ["DpfControlCallbackUrl", "Reason"]
    for url, sentence in (
        ("http://169.254.169.254/latest", "leads to an address that may not be called"),
        ("file:///etc/passwd", "must be a URL as https://host/path"),
    ):
        response = client.post(address, {"param-STEPS": "3", "param-DpfControlCallbackUrl": url, "reason": "x"})
        assert response.status_code == 409
        assert response.context["form"].errors == {"param-DpfControlCallbackUrl": [sentence]}
    assert (Job.objects.count(), trail()) == (0, [])

"""Legs so large that several jobs make their letters: each recipient once, whatever happens in between."""

import threading
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from campaigns import making, recipients, reporting, running, services
from campaigns.job_classes.campaign import CampaignParams
from campaigns.models import Campaign, LegRun, Recipient, RecipientGroup, SkippedRecipient
from campaigns.recipient_rules import Person
from gateway.caller import Caller
from gateway.errors import Code, Refusal, refuse
from jobs import queue, runner
from jobs import services as job_services
from jobs.context import Context
from jobs.models import Job
from jobs.states import Queue
from sending import queue as message_queue
from sending import services as send_services
from sending.models import Dispatcher, Message
from sending.states import Status
from tests.campaigns.factories import make_campaign, make_group
from tests.jobs.conftest import reread, work

pytestmark = pytest.mark.django_db(transaction=True)
SIZE = 23


@pytest.fixture(autouse=True)
def small_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three shares of a leg: 10, 10 and 3 recipients, in portions of 4."""
    monkeypatch.setattr(running, "_SHARE", 10)
    monkeypatch.setattr(making, "_PORTION", 4)


@pytest.fixture
def group(caller: Caller) -> RecipientGroup:
    return make_group(caller, size=SIZE)


@pytest.fixture
def campaign(caller: Caller, group: RecipientGroup) -> Campaign:
    return make_campaign(caller, group)


def break_second_share(patch: pytest.MonkeyPatch) -> None:
    """It fails with its second portion."""
    real = making._make

    def broken(*arguments: Any, **more: Any) -> None:
        if more["before"] == 14:
            raise ZeroDivisionError
        real(*arguments, **more)

    patch.setattr(making, "_make", broken)


def run_one() -> Job:
    """Claim and run the next job alone."""
    one = runner.Runner(Queue.QUICK)
    claim, (job,) = queue.claim(queue=Queue.QUICK, worker=one.worker, size=1)
    one._work_off(claim, [job])
    return job


def started(caller: Caller, campaign: Campaign) -> Job:
    """A campaign whose shares are there and have made nothing."""
    root = services.start(caller=caller, uuid=campaign.uuid)
    assert [run_one().job_class for _ in range(2)] == [running.JOB_CLASS, running.LEG_CLASS]
    assert not Message.objects.exists()
    return root


def leg_job() -> Job:
    return Job.objects.get(pk=LegRun.objects.get().job_id)


def addresses() -> list[str]:
    return sorted(Message.objects.values_list("recipient_email_address", flat=True))


def everybody(*numbers: int) -> list[str]:
    return sorted(f"person{number}@example.com" for number in numbers or range(1, SIZE + 1))


def end_letters(**counts: int) -> None:
    """Letters come to their ends, in order: so many SENT, FAILED, …; the others stay."""
    dispatcher = Dispatcher.objects.create(host="here", pid=1, lease_until=timezone.now())
    for name, count in counts.items():
        claimed = message_queue.claim(channel="EMAIL", dispatcher=dispatcher, size=count)
        those = Message.objects.filter(id__in=[message.pk for message in claimed])
        moved = message_queue.move(those, Status(name), reason="", claimed_by=dispatcher)
        assert len(moved) == count


def test_shares_cover_everybody_once(caller: Caller, campaign: Campaign, group: RecipientGroup) -> None:
    others = make_group(caller, size=3)
    started(caller, campaign)
    ids = list(Recipient.objects.filter(group=group).order_by("id").values_list("id", flat=True))

    found = running.shares(LegRun.objects.get())

    assert [(one.after, one.upto, one.before) for one in found] == [
        (0, ids[9], 0), (ids[9], ids[19], 10), (ids[19], ids[22], 20),
    ]  # fmt: skip
    children = Job.objects.filter(parent=leg_job()).order_by("id")
    assert [dict(child.params)["BEFORE"] for child in children] == ["0", "10", "20"]
    work()
    assert addresses() == everybody()
    assert set(Message.objects.values_list("job_id", flat=True)) == {leg_job().pk}
    assert others.recipients.count() == 3


@pytest.mark.parametrize(("size", "count"), [(0, 0), (10, 1), (11, 2), (20, 2), (21, 3)])
def test_a_leg_has_as_many_shares_as_it_needs(caller: Caller, size: int, count: int) -> None:
    services.start(caller=caller, uuid=make_campaign(caller, make_group(caller, size=size)).uuid)
    work()

    assert Job.objects.filter(job_class=running.SHARE_CLASS).count() == count
    assert Job.objects.filter(job_class=running.SHARE_CLASS).exclude(status="FINISHED").count() == 0
    assert addresses() == (everybody(*range(1, size + 1)) if size else [])
    assert leg_job().status == ("RUNNING" if size else "FINISHED")


def test_what_goes_out_while_others_are_made_is_counted_at_once(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "_FIRST_PORTION", 2)
    started(caller, make_campaign(caller, make_group(caller, size=6)))
    run_one()
    assert Message.objects.count() == 2
    end_letters(SENT=2)
    assert (leg_job().completed, leg_job().total) == (2, 6)
    work()
    end_letters(SENT=3)
    assert (leg_job().completed, leg_job().total) == (5, 6)
    end_letters(SENT=1)
    work()
    assert (leg_job().status, leg_job().completed) == ("FINISHED", 6)


def test_shares_are_claimed_one_at_a_time(caller: Caller, campaign: Campaign) -> None:
    """One behind another would be lost with its worker too, and be given up with the fifth."""
    started(caller, campaign)

    claims = [queue.claim(queue=Queue.QUICK, worker="me", size=5)[1] for _ in range(4)]

    assert [[job.job_class for job in jobs] for jobs in claims] == [[running.SHARE_CLASS]] * 3 + [[]]


def test_the_first_portion_of_a_run_is_small_and_after_it_others_have_a_turn(
    caller: Caller, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "_FIRST_PORTION", 2)
    real, sizes = making._make, []

    def measured(*arguments: Any, **more: Any) -> None:
        sizes.append(len(arguments[3]))
        real(*arguments, **more)

    monkeypatch.setattr(making, "_make", measured)
    started(caller, campaign)
    work()

    first_of_all, second_share, third_share, rest = [2], [2, 4, 4], [2, 1], [2, 4, 2]
    assert sizes == first_of_all + second_share + third_share + rest
    assert addresses() == everybody()


def test_a_group_that_is_edited_meanwhile(caller: Caller, campaign: Campaign, group: RecipientGroup) -> None:
    """Who came after the start is not written to, who was removed is not, who was changed is by the present values."""
    started(caller, campaign)
    by_name = {row.name: row for row in group.recipients.all()}
    recipients.add(caller=caller, group_uuid=group.uuid, person=Person(name="Late", email_address="late@example.com"))
    for number in (1, 10, 23):
        recipients.remove(caller=caller, pk=by_name[f"Person {number}"].pk)
    recipients.change(caller=caller, pk=by_name["Person 2"].pk, values={"email_address": "new@example.com"})
    run_one()
    for number in (3, 15):
        recipients.change(caller=caller, pk=by_name[f"Person {number}"].pk, values={"name": f"New {number}"})
    work()

    stay = [number for number in range(1, 24) if number not in (1, 2, 10, 23)]
    assert addresses() == sorted([*everybody(*stay), "new@example.com"])
    names = dict(Message.objects.values_list("recipient_email_address", "recipient_name"))
    assert (names["person3@example.com"], names["person15@example.com"]) == ("Person 3", "New 15")
    # Those who were removed are still among whom it was begun with.
    assert (leg_job().total, SkippedRecipient.objects.count()) == (23, 0)
    end_letters(SENT=20)
    assert (leg_job().status, leg_job().total, leg_job().completed) == ("FINISHED", 23, 20)


def test_a_whole_group_that_is_emptied_meanwhile_ends_with_nobody(
    caller: Caller, campaign: Campaign, group: RecipientGroup
) -> None:
    root = started(caller, campaign)
    group.recipients.all().delete()
    work()

    assert (reread(root).status, leg_job().status, leg_job().completed) == ("FINISHED", "FINISHED", 0)
    assert not Message.objects.exists()


@pytest.mark.parametrize("size", [9, SIZE])
def test_a_leg_with_nobody_to_write_to_has_failed_however_large_it_is(caller: Caller, size: int) -> None:
    group = make_group(caller, size=size)
    group.recipients.update(email_address="", postal_address="High St")
    root = services.start(caller=caller, uuid=make_campaign(caller, group).uuid)
    work()

    (skipped,) = set(SkippedRecipient.objects.values_list("reason", flat=True))
    leg = leg_job()
    reason = f"none of {size} recipients can be written to; the first: {skipped}"
    assert (leg.status, leg.reason, leg.total, leg.completed) == ("FAILED", reason, size, 0)
    assert (reread(root).status, reread(root).reason) == ("FAILED", "1 of 1 child jobs did not finish")
    assert not Message.objects.exists()


def test_a_throttle_spaces_letters_across_shares(caller: Caller, group: RecipientGroup) -> None:
    campaign = make_campaign(caller, group, messages_per_minute=60)
    started(caller, campaign)
    run = LegRun.objects.get()
    # An hour from now, so that no letter's turn is over while the test runs.
    LegRun.objects.update(created_at=timezone.now() + timedelta(hours=1))
    run.refresh_from_db()
    work()

    due = list(Message.objects.order_by("due_at").values_list("due_at", "recipient_email_address"))
    assert [(at - run.created_at).total_seconds() for at, _ in due if at] == [float(turn) for turn in range(SIZE)]
    assert [address for _, address in due] == [f"person{number}@example.com" for number in range(1, SIZE + 1)]


def test_a_leg_that_is_paused_in_the_midst_of_its_shares_makes_the_rest_and_holds_them(
    caller: Caller, campaign: Campaign
) -> None:
    started(caller, campaign)
    run_one()
    assert Message.objects.filter(status="ACCEPTED").count() == 4
    services.pause(caller=caller, uuid=campaign.uuid)
    work()

    assert set(Message.objects.values_list("status", "held_for")) == {("HELD", "PAUSE")}
    assert addresses() == everybody()
    services.resume(caller=caller, uuid=campaign.uuid)
    work()
    assert set(Message.objects.values_list("status", "held_for")) == {("ACCEPTED", "")}
    # Each is as much later as the pause was long.
    Message.objects.update(due_at=timezone.now())
    end_letters(SENT=SIZE)
    assert (leg_job().status, leg_job().completed) == ("FINISHED", SIZE)


def test_a_leg_that_is_cancelled_in_the_midst_of_its_shares_tells_exactly_what_was_out(
    caller: Caller, campaign: Campaign
) -> None:
    started(caller, campaign)
    # The first portion of the first share, and the second share.
    for _ in range(2):
        run_one()
    end_letters(SENT=3, FAILED=1, UNCERTAIN=1)

    (report,) = services.cancel(caller=caller, uuid=campaign.uuid, reason="wrong text")
    work()

    counts = {"SENT": 3, "FAILED": 1, "UNCERTAIN": 1, "CANCELLED": 9}
    assert (report.recipients, report.made, report.out, report.statuses) == (SIZE, 14, 4, counts)
    (now,) = reporting.reports(campaign)
    assert (now.made, now.statuses) == (14, counts)
    assert not Job.objects.open().exists()
    assert set(Job.objects.filter(job_class=running.SHARE_CLASS).values_list("status", flat=True)) == {
        "FINISHED", "CANCELLED",
    }  # fmt: skip


@pytest.mark.parametrize("which", ["leg", "campaign"])
def test_run_again_after_it_failed_it_writes_to_nobody_twice(
    caller: Caller, campaign: Campaign, group: RecipientGroup, which: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = started(caller, campaign)
    run_one()
    with monkeypatch.context() as patch:
        break_second_share(patch)
        work()
    assert Message.objects.count() == 10 + 4 + 3
    end_letters(SENT=12, FAILED=5)
    assert (leg_job().status, reread(root).status) == ("FAILED", "FAILED")
    # One of those who have their letter was changed since.
    group.recipients.filter(name="Person 1").update(name="New 1")

    again = leg_job() if which == "leg" else root
    job_services.set_status(caller=Caller.house("anna"), ids=[again.pk], status="NEW")
    work()

    assert addresses() == everybody()
    assert dict(reporting.reports(campaign)[0].statuses) == {"SENT": 12, "FAILED": 5, "ACCEPTED": 6}
    (report,) = reporting.reports(campaign)
    assert (report.recipients, report.made, report.skipped) == (SIZE, SIZE, 0)
    end_letters(SENT=6)
    assert reread(again).status == "FINISHED"


def test_what_cannot_be_stored_for_a_moment_is_no_recipients_fault(
    caller: Caller, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = started(caller, campaign)
    real, failures = send_services.take, [1]

    def away(caller: Any, good: Any, results: Any, **more: Any) -> None:
        if failures and len(results) == 0 and len(good) == 4:
            failures.pop()
            results |= {index: refuse(Code.UNAVAILABLE, "try again later") for index in good}
            return
        real(caller, good, results, **more)

    monkeypatch.setattr(send_services, "take", away)
    work()
    Job.objects.filter(status="NEW").update(due_at=timezone.now())
    work()

    assert (SkippedRecipient.objects.count(), addresses()) == (0, everybody())
    assert reread(root).status == "RUNNING"


def test_progress_counts_letters_alone_and_is_never_above_its_total(
    caller: Caller, campaign: Campaign, group: RecipientGroup
) -> None:
    group.recipients.filter(name__in=["Person 5", "Person 22"]).update(email_address="", postal_address="High St")
    root = started(caller, campaign)
    seen = [(leg_job().completed, leg_job().total)]
    # Three shares, the first of which lets others have a turn.
    for _ in range(4):
        run_one()
        seen.append((leg_job().completed, leg_job().total))
    for count in (1, 5, 14):
        end_letters(SENT=count)
        seen.append((leg_job().completed, leg_job().total))
    assert seen == [(0, SIZE)] * 5 + [(1, SIZE), (6, SIZE), (20, SIZE)]
    end_letters(FAILED=1)

    assert (leg_job().status, leg_job().total, leg_job().completed) == ("FINISHED", SIZE, 20)
    assert (reread(root).status, reread(root).total, reread(root).completed) == ("FINISHED", 1, 1)
    (report,) = reporting.reports(campaign)
    assert (report.made, report.skipped) == (21, 2)


@pytest.mark.services
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
class TestTogether:
    """Those who meet at one campaign."""

    def test_starts_at_once_are_one_run(self, caller: Caller) -> None:
        for _ in range(5):
            campaign = make_campaign(caller, make_group(caller, size=SIZE))
            results = _together(4, lambda campaign=campaign: services.start(caller=caller, uuid=campaign.uuid))
            jobs = [result for result in results if isinstance(result, Job)]
            refusals = [result for result in results if isinstance(result, Refusal)]
            assert (len(jobs), [one.problems[0].code for one in refusals]) == (1, [Code.STATE_CONFLICT] * 3)
            work()
            assert LegRun.objects.filter(part__campaign=campaign).count() == 1
            assert Message.objects.filter(campaign_part_id__in=campaign.parts.values("id")).count() == SIZE

    def test_campaigns_jobs_that_cross_legs_wait_for_each_other_in_one_order(
        self, caller: Caller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each of two jobs has begun its first leg when the other begins its own, if it can."""
        campaign = make_campaign(caller, *(make_group(caller, size=1) for _ in range(3)))
        one, two, three = campaign.parts.values_list("id", flat=True)
        for legs in ((one, two), (two, three)):
            params = [("legIds", ",".join(map(str, legs)))]
            job_services.submit(caller=caller, job_class=running.JOB_CLASS, params=params)
        contexts = []
        for _ in range(2):
            claim, (job,) = queue.claim(queue=Queue.QUICK, worker="me", size=1)
            contexts.append(Context(job, claim, CampaignParams()))
        meeting, real = threading.Barrier(2), running.usable_version

        def together(*arguments: Any, **more: Any) -> Any:
            with suppress(threading.BrokenBarrierError):
                meeting.wait(2)
            return real(*arguments, **more)

        monkeypatch.setattr(running, "usable_version", together)
        pairs = iter(zip(contexts, ((one, two), (two, three)), strict=True))

        def begin() -> list[LegRun]:
            context, legs = next(pairs)
            with transaction.atomic():
                return running.begin_legs(context, legs)

        results = _together(2, begin)

        (runs,) = [result for result in results if isinstance(result, list)]
        (refusal,) = [result for result in results if isinstance(result, Refusal)]
        assert refusal.problems[0].code == Code.STATE_CONFLICT
        assert str(refusal).startswith(f"the leg {two} is being sent already")
        assert sorted(LegRun.objects.values_list("part_id", flat=True)) == sorted(run.part_id for run in runs)
        assert Job.objects.filter(job_class=running.LEG_CLASS).count() == 2

    def test_triggers_at_once_write_to_nobody_twice(self, caller: Caller) -> None:
        campaign = make_campaign(caller, make_group(caller, size=SIZE))
        legs = [str(part.pk) for part in campaign.parts.all()]
        job_services.submit(caller=caller, job_class=running.JOB_CLASS, params=[("legIds", ",".join(legs))])
        job_services.submit(caller=caller, job_class=running.JOB_CLASS, params=[("legIds", ",".join(legs))])
        results = _together(3, work)
        assert results == [None] * 3
        assert LegRun.objects.count() == 1
        assert addresses() == everybody()
        statuses = Job.objects.filter(job_class=running.JOB_CLASS).order_by("status").values_list("status", flat=True)
        assert list(statuses) == ["FAILED", "RUNNING"]


def _together(count: int, action: Any) -> list[Any]:
    """What each returned, or raised, when all began at once."""
    barrier = threading.Barrier(count)
    results: list[Any] = [None] * count

    def run(index: int) -> None:
        try:
            barrier.wait()
            results[index] = action()
        except Exception as error:
            results[index] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def test_run_again_the_house_writes_to_nobody_twice_either(
    group: RecipientGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no client, and yet each of its letters is taken once."""
    house = Caller.house("anna")
    RecipientGroup.objects.update(client=None)
    with monkeypatch.context() as patch:
        break_second_share(patch)
        root = started(house, make_campaign(house, group))
        work()
    end_letters(SENT=12, FAILED=5)
    assert reread(root).status == "FAILED"

    job_services.set_status(caller=house, ids=[root.pk], status="NEW")
    work()

    assert addresses() == everybody()

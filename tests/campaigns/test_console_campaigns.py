"""The console's campaigns: made, estimated, previewed, tried, sent, paused, cancelled, reported of."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaigns import closing, recipients, services
from campaigns.models import Campaign, CampaignPart, Recipient
from campaigns.recipient_rules import Person
from gateway.caller import Caller
from jobs.models import Job
from sending import suppressing
from sending.models import Message
from tests.campaigns.console import CAMPAIGNS, JOBS, NASTY, SAFE, ids, notices, offered, operate, sent
from tests.campaigns.factories import make_campaign, make_group
from tests.console import client_of, plain_pages, trail  # noqa: F401
from tests.factories import make_client
from tests.jobs.conftest import work
from tests.sending.factories import make_template

pytestmark = pytest.mark.django_db


@pytest.fixture
def house() -> Caller:
    return Caller.house("anna")


@pytest.fixture
def campaign(house: Caller) -> Campaign:
    return make_campaign(house, make_group(house, size=3))


def test_the_list_costs_the_same_queries_however_many_rows_it_has(house: Caller) -> None:
    client = client_of("Viewer")
    counts = []
    group = make_group(house, size=1)
    for _ in range(2):
        for _more in range(3):
            sent(make_campaign(house, group, group))
        with CaptureQueriesContext(connection) as queries:
            assert client.get(CAMPAIGNS).status_code == 200
        counts.append(len(queries))
    # Session, user, permissions of both kinds, badge, count, page, clients, legs, those being sent, those about to be,
    # their runs, the runs' jobs, and those above that are about to begin.
    assert counts == [14, 14]


def test_a_page_costs_the_same_queries_however_many_legs_it_has(house: Caller) -> None:
    client = client_of("Administrator")
    group = make_group(house, size=1)
    # What is remembered of content types is remembered.
    client.get(f"{CAMPAIGNS}{make_campaign(house, group).pk}/change/")
    counts = []
    for groups in ([group], [group] * 4):
        campaign = make_campaign(house, *groups)
        sent(campaign)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(f"{CAMPAIGNS}{campaign.pk}/change/").status_code == 200
        counts.append(len(queries))
    assert counts == [22, 22]


def test_the_list_tells_status_and_progress(house: Caller, campaign: Campaign) -> None:
    draft = make_campaign(house, make_group(house))
    sent(campaign)
    Message.objects.filter(recipient_name="Person 1").update(status="SENT", closed_at=timezone.now())
    Job.objects.filter(parent__isnull=False).update(completed=1)
    client = client_of("Viewer")
    page = client.get(CAMPAIGNS).content.decode()
    assert "<span>1/3</span>" in page
    assert ids(client.get(f"{CAMPAIGNS}?status=RUNNING")) == [campaign.pk]
    assert ids(client.get(f"{CAMPAIGNS}?status=DRAFT")) == [draft.pk]
    assert len(ids(client.get(CAMPAIGNS, {"q": "renew"}))) == 2


def test_a_campaign_is_made_with_legs_as_the_services_check_them(house: Caller) -> None:
    group = make_group(house, size=1)
    make_template(name="RENEWAL", text="It is renewed.")
    client = client_of("Template editor")
    answer = client.post(f"{CAMPAIGNS}add/", {"title": "Autumn"})
    campaign = Campaign.objects.get()
    assert answer["Location"] == f"{CAMPAIGNS}{campaign.pk}/change/"
    leg = {"group": group.pk, "message_type": "RENEWAL", "channel": "EMAIL", "messages_per_minute": "60"}
    address = f"{CAMPAIGNS}{campaign.pk}/add-leg/"
    refused = client.post(address, leg | {"message_type_version": "7", "from_address": "x"})
    assert refused.status_code == 409
    assert refused.context["form"].errors["message_type_version"] == ["the template has no such version"]
    assert not CampaignPart.objects.exists()

    assert client.post(address, leg | {"send_at_0": "2030-01-02", "send_at_1": "10:00:00"}).status_code == 302
    part = CampaignPart.objects.get()
    assert (part.group_id, part.message_type, part.messages_per_minute) == (group.pk, "RENEWAL", 60)
    assert part.send_at is not None
    assert timezone.localtime(part.send_at).isoformat()[:16] == "2030-01-02T10:00"

    assert client.get(f"{CAMPAIGNS}legs/{part.pk}/").status_code == 200
    assert client.post(f"{CAMPAIGNS}legs/{part.pk}/", leg | {"title": "First"}).status_code == 302
    part.refresh_from_db()
    assert (part.title, part.send_at) == ("First", None)
    assert client.post(f"{CAMPAIGNS}legs/{part.pk}/remove/", {"reason": "no"}).status_code == 302
    assert not CampaignPart.objects.exists()
    assert client.post(f"{CAMPAIGNS}{campaign.pk}/rename/", {"title": "Winter"}).status_code == 302
    assert client.post(f"{CAMPAIGNS}{campaign.pk}/delete/", {"reason": "no"})["Location"] == CAMPAIGNS
    assert not Campaign.objects.exists()
    assert [words for _pk, words in trail()] == [
        "create",
        "add leg",
        f"change leg {part.pk}",
        f"remove leg {part.pk}: no",
        "rename",
        "delete: no",
    ]


def test_what_is_being_sent_is_not_changed(house: Caller, campaign: Campaign) -> None:
    sent(campaign)
    part = CampaignPart.objects.get()
    client = client_of("Administrator")
    leg = {"group": part.group_id, "message_type": part.message_type, "channel": "EMAIL", "title": "x"}
    for address, given in (
        (f"{CAMPAIGNS}legs/{part.pk}/", leg),
        (f"{CAMPAIGNS}legs/{part.pk}/remove/", {"reason": "x"}),
        (f"{CAMPAIGNS}{campaign.pk}/delete/", {"reason": "x"}),
        (f"{CAMPAIGNS}{campaign.pk}/operate/start/", {"reason": "x"}),
    ):
        answer = client.post(address, given)
        assert (address, answer.status_code) == (address, 409)
        assert "is being sent" in answer.content.decode()
    part.refresh_from_db()
    assert (part.title, Job.objects.filter(parent=None).count(), trail()) == ("", 1, [])


@pytest.mark.parametrize(
    ("is_sent", "verb", "words"),
    [
        (True, "start", "It is being sent already."),
        (True, "resume", "It is not paused."),
        (False, "pause", "Nothing of it is being sent, or it is paused already."),
        (False, "cancel", "Nothing of it is being sent."),
    ],
)
def test_what_cannot_be_done_is_refused_before_it_is_asked(
    house: Caller, campaign: Campaign, is_sent: bool, verb: str, words: str
) -> None:
    if is_sent:
        sent(campaign)
    answer = client_of("Operator").get(f"{CAMPAIGNS}{campaign.pk}/operate/{verb}/", follow=True)
    assert (answer.redirect_chain, notices(answer)) == ([(f"{CAMPAIGNS}{campaign.pk}/change/", 302)], [words])


def test_a_leg_that_is_not_sent_may_be_started_beside_one_that_is(house: Caller, campaign: Campaign) -> None:
    sent(campaign)
    first = CampaignPart.objects.get()
    second = CampaignPart.objects.create(campaign=campaign, group=first.group, message_type=first.message_type)
    client, address = client_of("Operator"), f"{CAMPAIGNS}{campaign.pk}/operate/start/"
    assert [client.get(address, {"leg": leg.pk}).status_code for leg in (first, second)] == [302, 200]


def test_what_was_sent_is_not_offered_to_be_forgotten(house: Caller, campaign: Campaign) -> None:
    client = client_of("Administrator")
    part = CampaignPart.objects.get()
    page = f"{CAMPAIGNS}{campaign.pk}/change/"
    places = (f"{CAMPAIGNS}{campaign.pk}/delete/", f"{CAMPAIGNS}legs/{part.pk}/remove/")

    before = client.get(page).content.decode()
    services.start(caller=house, uuid=campaign.uuid)
    work()
    after = client.get(page).content.decode()

    assert [(place in before, place in after) for place in places] == [(True, False)] * 2


def test_a_leg_that_was_sent_keeps_its_report(house: Caller, campaign: Campaign) -> None:
    sent(campaign)
    services.cancel(caller=house, uuid=campaign.uuid)
    part = CampaignPart.objects.get()
    answer = client_of("Administrator").post(f"{CAMPAIGNS}legs/{part.pk}/remove/", {"reason": "x"})
    assert (answer.status_code, CampaignPart.objects.count()) == (409, 1)


def test_the_question_before_the_start_tells_how_many_letters(house: Caller, campaign: Campaign) -> None:
    part = CampaignPart.objects.get()
    group = part.group
    recipients.add(caller=house, group_uuid=group.uuid, person=Person(name="Paper", postal_address="1 Fő utca"))
    suppressing.suppress(caller=house, address="PERSON1@example.com", reason="asked")
    CampaignPart.objects.update(messages_per_minute=2)
    client = client_of("Operator")
    page = client.get(f"{CAMPAIGNS}{campaign.pk}/operate/start/").content.decode()
    words = "Letters: 2; recipients: 4, suppressed: 1, without address: 1. Time: about 1:00."
    assert words in page
    assert not Job.objects.exists()

    answer = operate(client, campaign, "start")
    job = Job.objects.get()
    assert notices(answer) == [f"Job {job.pk} sends it."]
    assert trail() == [(str(campaign.pk), "start: because")]


def test_the_estimate_tells_each_leg(house: Caller, campaign: Campaign) -> None:
    CampaignPart.objects.update(messages_per_minute=6, send_at=timezone.now() + timedelta(hours=1))
    response = client_of("Viewer").get(f"{CAMPAIGNS}{campaign.pk}/estimate/")
    (row,) = response.context["rows"]
    assert (row["counts"], row["time"], response.context["total"]) == (["3", "0", "0", "3"], "30 s", "3")
    CampaignPart.objects.update(messages_per_minute=None)
    response = client_of("Viewer").get(f"{CAMPAIGNS}{campaign.pk}/estimate/")
    assert response.context["rows"][0]["time"] == "not known"


def test_a_preview_shows_one_recipients_letter_in_its_frame(house: Caller) -> None:
    group = make_group(house, size=2)
    make_template(name="HELLO", text="Dear {{ recipientName }}", html="<p>Dear {{ recipientName }}</p>")
    campaign = make_campaign(house, group, message_type="HELLO")
    Recipient.objects.filter(name="Person 2").update(name=NASTY)
    second = Recipient.objects.get(name=NASTY)
    part = CampaignPart.objects.get()
    client = client_of("Operator")
    address = f"{CAMPAIGNS}legs/{part.pk}/preview/"
    assert "Dear Person 1" in client.get(address).content.decode()
    response = client.get(address, {"recipient": second.pk})
    page = response.content.decode()
    assert (SAFE in page, NASTY in page) == (True, False)
    assert response["Content-Security-Policy"] == "frame-src 'self'; frame-ancestors 'self'"
    assert (
        f'sandbox="" referrerpolicy="no-referrer" loading="lazy" title="HTML" src="{address}{second.pk}/html/"' in page
    )
    frame = client.get(f"{address}{second.pk}/html/")
    assert frame.content.decode() == f"<p>Dear {SAFE}</p>"
    assert frame["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert client.get(address, {"q": "person1"}).context["shown"].recipient.name == "Person 1"
    assert not Message.objects.exists()
    assert trail() == [
        (str(campaign.pk), f"read: leg {part.pk} for recipient {pk}")
        for pk in (second.pk - 1, second.pk, second.pk - 1)
    ]
    assert client_of("Viewer").get(address).status_code == 403


def test_a_preview_of_a_printed_letter_shows_its_pages(house: Caller) -> None:
    group = make_group(house, size=1)
    group.recipients.update(postal_address="1 Fő utca\n1234 Budapest")
    campaign = make_campaign(house, group, channel="POST")
    part, person = CampaignPart.objects.get(), Recipient.objects.get()
    client = client_of("Operator")
    address = f"{CAMPAIGNS}legs/{part.pk}/preview/"
    one = f"{address}{person.pk}/"
    page = client.get(address).content.decode()
    assert ("1 page" in page, f'src="{one}pages/1/"' in page, f'href="{one}download/"' in page) == (True, True, True)
    assert f"{one}html/" not in page
    picture, file = client.get(f"{one}pages/1/"), client.get(f"{one}download/")
    assert (picture["Content-Type"], "no-store" in picture["Cache-Control"]) == ("image/png", True)
    assert picture.content.startswith(b"\x89PNG")
    assert file["Content-Disposition"] == f'attachment; filename="leg {part.pk} {person.pk}.pdf"'
    assert b"".join(file.streaming_content).startswith(b"%PDF-")
    # The page with its picture, and the file.
    assert trail() == [(str(campaign.pk), f"read: leg {part.pk} for recipient {person.pk}")] * 2
    assert client.get(f"{one}pages/2/").status_code == 404
    assert (Message.objects.count(), client_of("Viewer").get(f"{one}download/").status_code) == (0, 403)


def test_what_is_fetched_without_its_page_is_recorded(house: Caller, campaign: Campaign) -> None:
    part, person = CampaignPart.objects.get(), Recipient.objects.order_by("id").first()
    assert person is not None
    frame = f"{CAMPAIGNS}legs/{part.pk}/preview/{person.pk}/html/"
    entry = (str(campaign.pk), f"read: leg {part.pk} for recipient {person.pk}")
    client = client_of("Operator")
    client.get(frame)
    assert trail() == [entry]
    client_of("Operator").get(frame)
    assert trail() == [entry] * 2
    LogEntry.objects.update(action_time=timezone.now() - timedelta(hours=2))
    client.get(frame)
    assert trail() == [entry] * 3


def test_a_preview_of_a_mail_has_no_pages(house: Caller, campaign: Campaign) -> None:
    part, person = CampaignPart.objects.get(), Recipient.objects.order_by("id").first()
    assert person is not None
    client = client_of("Operator")
    for name in ("pages/1/", "download/"):
        assert client.get(f"{CAMPAIGNS}legs/{part.pk}/preview/{person.pk}/{name}").status_code == 404


def test_a_preview_tells_what_the_letter_would_be_refused_for(house: Caller) -> None:
    group = make_group(house, size=1)
    Recipient.objects.update(email_address="", postal_address="1 Fő utca")
    make_campaign(house, group)
    response = client_of("Operator").get(f"{CAMPAIGNS}legs/{CampaignPart.objects.get().pk}/preview/")
    assert response.context["problems"] == ["e-mail: required"]
    assert "e-mail: required" in response.content.decode()


def test_the_letter_is_tried_on_oneself_alone(house: Caller, campaign: Campaign) -> None:
    part, person = CampaignPart.objects.get(), Recipient.objects.order_by("id").last()
    assert person is not None
    address = f"{CAMPAIGNS}legs/{part.pk}/preview/{person.pk}/try/"
    client = client_of("Operator")
    answer = client.post(address, {"reason": "look"}, follow=True)
    assert notices(answer) == ["Your user has no e-mail address to send it to."]
    assert not Message.objects.exists()

    User.objects.update(email="anna@house.example")
    answer = client.post(address, {"reason": "look"}, follow=True)
    message = Message.objects.get()
    assert (message.recipient_email_address, message.recipient_name, message.campaign_part_id, message.job_id) == (
        "anna@house.example", "Person 3", None, None,
    )  # fmt: skip
    assert notices(answer) == [f"Message {message.pk} is on its way to anna@house.example."]
    assert trail()[1] == (str(campaign.pk), f"try leg {part.pk} with recipient {person.pk}: look")
    assert client_of("Viewer").post(address, {"reason": "x"}).status_code == 403


@pytest.mark.parametrize(("channel", "is_offered"), [("EMAIL", True), ("PORTAL", False), ("POST", False)])
def test_only_a_letter_by_mail_is_offered_to_be_tried(
    house: Caller, campaign: Campaign, channel: str, is_offered: bool
) -> None:
    CampaignPart.objects.update(channel=channel)
    client = client_of("Operator")
    User.objects.update(email="anna@house.example")
    part, person = CampaignPart.objects.get(), Recipient.objects.order_by("id")[0]
    address = f"{CAMPAIGNS}legs/{part.pk}/preview/"
    assert ("Send it to me" in offered(client.get(address))) is is_offered

    answer = client.get(f"{address}{person.pk}/try/", follow=True)
    asked_for = [] if is_offered else ["Only a letter by e-mail can be tried."]
    assert (notices(answer), "question" in answer.context) == (asked_for, is_offered)
    assert not Message.objects.exists()


def test_a_campaign_is_paused_resumed_and_cancelled_with_its_counts(house: Caller, campaign: Campaign) -> None:
    client = client_of("Operator")
    operate(client, campaign, "start")
    work()
    out = Message.objects.order_by("id")[:1]
    Message.objects.filter(pk__in=list(out.values_list("id", flat=True))).update(
        status="SENT", closed_at=timezone.now(), due_at=None
    )
    page = client.get(f"{CAMPAIGNS}{campaign.pk}/change/")
    assert offered(page) == ["Pause", "Cancel"]
    assert [str(link["title"]) for link in page.context["ways_on"]] == ["Estimate", "Report (CSV)", "Its messages"]
    operate(client, campaign, "pause")
    work()
    assert sorted(Message.objects.values_list("status", flat=True)) == ["HELD", "HELD", "SENT"]
    assert offered(client.get(f"{CAMPAIGNS}{campaign.pk}/change/"))[:2] == ["Resume", "Cancel"]
    operate(client, campaign, "resume")
    work()
    question = client.get(f"{CAMPAIGNS}{campaign.pk}/operate/cancel/").content.decode()
    assert "Out by now: 1 of 3." in question
    answer = operate(client, campaign, "cancel")
    assert notices(answer) == ["Cancelled. Out already: 1. Withdrawn: 2."]
    assert sorted(Message.objects.values_list("status", flat=True)) == ["CANCELLED", "CANCELLED", "SENT"]
    assert [words for _pk, words in trail()] == [f"{verb}: because" for verb in ("start", "pause", "resume", "cancel")]


def test_the_page_draws_what_became_of_each_leg(house: Caller, campaign: Campaign) -> None:
    sent(campaign)
    Message.objects.filter(recipient_name="Person 1").update(status="SENT", closed_at=timezone.now(), due_at=None)
    client = client_of("Administrator")
    for address in ("change/", "live/"):
        page = client.get(f"{CAMPAIGNS}{campaign.pk}/{address}").content.decode()
        assert '<rect class="console-fill-success" x="0.00" width="333.33" height="14"></rect>' in page
        assert '<rect class="console-fill-info" x="333.33" width="666.67" height="14"></rect>' in page
        assert 'aria-label="Sent: 1, Waiting: 2"' in page
    run = CampaignPart.objects.get().runs.get()
    assert f'href="{JOBS}{run.job_id}/change/"' in page
    for job in (run.job_id, run.run_job_id):
        assert "Campaign" in offered(client.get(f"{JOBS}{job}/change/"))


def test_the_report_is_saved_as_a_file(house: Caller, campaign: Campaign) -> None:
    CampaignPart.objects.update(title="=1+1")
    sent(campaign)
    answer: Any = client_of("Viewer").get(f"{CAMPAIGNS}{campaign.pk}/report/")
    head, line = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()
    part = CampaignPart.objects.select_related("group").get()
    assert head == (
        "Leg;Title;Recipient group;Template;Channel;Runs;Recipients;Left out;Suppressed;Letters;Waiting;Held;"
        "Being sent;To be retried;Sent;Failed;Cancelled;In doubt;Bounced;Opened"
    )
    assert line.startswith(f"{part.pk};'=1+1;{part.group.name};{part.message_type};EMAIL;1;3;0;0;3;3;0")
    assert trail() == [(str(campaign.pk), "export: report")]


def test_saved_files_have_heads_in_the_readers_tongue(house: Caller, campaign: Campaign, settings: Any) -> None:
    settings.LANGUAGE_CODE = "hu"
    client = client_of("Operator")
    heads = []
    for name in ("report/", "left-out/download/"):
        answer: Any = client.get(f"{CAMPAIGNS}{campaign.pk}/{name}")
        heads.append(b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()[0])
    assert heads[0].startswith("Ág;Cím;Címzettcsoport;Sablon;Csatorna;Futások;Címzettek;Kimaradt;Letiltott címre;")
    assert heads[1] == "Ág;Feladat;Címzett;Név;E-mail;Indok"


def test_those_left_out_are_listed_with_reasons(house: Caller) -> None:
    group = make_group(house, size=2)
    Recipient.objects.filter(name="Person 2").update(email_address="", postal_address="1 Fő utca")
    campaign = make_campaign(house, group)
    sent(campaign)
    address = f"{CAMPAIGNS}{campaign.pk}/left-out/"
    operator, viewer = client_of("Operator"), client_of("Viewer")
    assert f'href="{address}"' in operator.get(f"{CAMPAIGNS}{campaign.pk}/change/").content.decode()
    page = operator.get(address).content.decode()
    assert ("Person 2" in page, "e-mail: required" in page) == (True, True)
    leg = CampaignPart.objects.get()
    for words in ("1 time a recipient was left out by a leg", f"<td>{leg.message_type} (EMAIL)</td>"):
        assert words in page
    page = viewer.get(address).content.decode()
    assert ("Person 2" in page, "e-mail: required" in page) == (False, True)
    assert viewer.get(f"{address}download/").status_code == 403
    answer: Any = operator.get(f"{address}download/")
    run = CampaignPart.objects.get().runs.get()
    assert b"".join(answer.streaming_content).decode("utf-8-sig").splitlines() == [
        "Leg;Job;Recipient;Name;E-mail;Reason",
        f"{run.part_id};{run.job_id};{Recipient.objects.get(name='Person 2').pk};Person 2;;e-mail: required",
    ]


@pytest.mark.parametrize(
    ("role", "allowed"), [("Viewer", set()), ("Operator", {"operate"}), ("Template editor", {"edit"})]
)
def test_each_role_does_what_it_may(house: Caller, campaign: Campaign, role: str, allowed: set[str]) -> None:
    client = client_of(role)
    part = CampaignPart.objects.get()
    for kind, address in (
        ("operate", f"{CAMPAIGNS}{campaign.pk}/operate/start/"),
        ("edit", f"{CAMPAIGNS}add/"),
        ("edit", f"{CAMPAIGNS}{campaign.pk}/rename/"),
        ("edit", f"{CAMPAIGNS}{campaign.pk}/add-leg/"),
        ("edit", f"{CAMPAIGNS}legs/{part.pk}/"),
        ("edit", f"{CAMPAIGNS}legs/{part.pk}/remove/"),
        ("edit", f"{CAMPAIGNS}{campaign.pk}/delete/"),
    ):
        assert (address, client.get(address).status_code) == (address, 200 if kind in allowed else 403)
        if kind not in allowed:
            assert client.post(address, {"reason": "x", "title": "x"}).status_code == 403
    campaign.refresh_from_db()
    assert (campaign.title, Job.objects.exists(), LogEntry.objects.exists()) == ("Renewals", False, False)


def test_pages_below_a_campaign_name_it_and_the_leg_they_are_about(house: Caller, campaign: Campaign) -> None:
    part, person = CampaignPart.objects.get(), Recipient.objects.order_by("id")[0]
    client = client_of("Administrator")
    User.objects.update(email="anna@house.example")
    name, mine, leg = f"{part.message_type} (EMAIL)", f"{CAMPAIGNS}{campaign.pk}/", f"{CAMPAIGNS}legs/{part.pk}/"
    pages = [f"{mine}{page}/" for page in ("estimate", "left-out", "operate/start", "rename", "add-leg", "delete")]
    pages += [leg, f"{leg}remove/", f"{leg}preview/", f"{leg}preview/{person.pk}/try/"]
    for page in pages:
        answer = client.get(page)
        named = f'href="{mine}change/" class="align-middle' in answer.content.decode()
        assert (page, answer.status_code, named) == (page, 200, True)
    assert client.get(leg).context["title"] == f"Leg {name}"
    assert f"The leg {name} is taken out of its campaign." in client.get(f"{leg}remove/").content.decode()
    assert client.get(f"{mine}estimate/").context["rows"][0]["leg"] == name
    group = f"/admin/campaigns/recipientgroup/{part.group_id}/"
    for page in ("rename", "import"):
        assert f'href="{group}change/" class="align-middle' in client.get(f"{group}{page}/").content.decode()


def test_a_clients_campaign_goes_out_in_its_name_whoever_starts_it(house: Caller) -> None:
    owner, _keys = make_client(name="crm", from_address="crm@client.example")
    client = client_of("Administrator")
    client.post(f"{CAMPAIGNS}add/", {"title": "Autumn", "client": owner.pk})
    campaign = Campaign.objects.get()
    make_template(name="RENEWAL", text="It is renewed.")
    leg = {"group": make_group(house, size=1).pk, "message_type": "RENEWAL", "channel": "EMAIL"}
    client.post(f"{CAMPAIGNS}{campaign.pk}/add-leg/", leg)
    operate(client, campaign, "start")
    work()
    message = Message.objects.get()
    assert (message.client_id, message.content["from_address"]) == (owner.pk, "crm@client.example")


def test_a_campaign_that_was_cancelled_in_a_pause_is_sent_anew_without_it(house: Caller, campaign: Campaign) -> None:
    sent(campaign)
    services.pause(caller=house, uuid=campaign.uuid)
    services.cancel(caller=house, uuid=campaign.uuid)
    assert closing.follow_all() == 1
    sent(campaign)
    assert sorted(Message.objects.values_list("status", flat=True)) == ["ACCEPTED"] * 3 + ["CANCELLED"] * 3

"""The commands over campaigns: what each says and does, and what it refuses."""

import io
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from campaigns import services
from campaigns.models import Campaign, CampaignPart, Recipient, RecipientGroup
from gateway.caller import Caller
from gateway.dates import format_moment
from jobs.models import Job
from sending.models import Message
from tests.campaigns.factories import make_campaign, make_group, put_file
from tests.jobs.conftest import work

pytestmark = pytest.mark.django_db

CSV = "név;email\nKiss Éva;eva@example.com\nNagy Pál;nothing\n"


@pytest.fixture(autouse=True)
def external(settings: Any, tmp_path: Path) -> Path:
    settings.HAMMY_EXTERNAL_ROOT = tmp_path / "external"
    settings.HAMMY_EXTERNAL_ROOT.mkdir()
    return settings.HAMMY_EXTERNAL_ROOT


@pytest.fixture
def house() -> Caller:
    return Caller.house("anna")


@pytest.fixture
def campaign(house: Caller) -> Campaign:
    return make_campaign(house, make_group(house, size=2))


def said(command: str, *arguments: Any, **options: Any) -> str:
    """What a command prints."""
    out = io.StringIO()
    call_command(command, *map(str, arguments), stdout=out, **options)
    return out.getvalue()


# ── import_recipients ───────────────────────────────────────────────────────────────────────────
def test_import_recipients_takes_a_path_below_the_external_root(house: Caller) -> None:
    group = make_group(house)
    put_file(CSV, "people.csv")
    said("import_recipients", "people.csv", "--group", group.uuid, "--duplicates", "update")
    job = Job.objects.get()
    params = dict(job.params)
    assert (params["RELATIVE_FILE_PATH"], params["RECIPIENT_DUPLICATION_HANDLING_TYPE"]) == (
        "people.csv",
        "UPDATE_DUPLICATIONS",
    )
    work("long")
    assert list(Recipient.objects.values_list("name", "group_id")) == [("Kiss Éva", group.pk)]


def test_import_recipients_takes_a_file_and_makes_its_group(tmp_path: Path, external: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(CSV)
    shown = json.loads(said("import_recipients", path, "--create-group", "New", "--json"))
    job, group = Job.objects.get(), RecipientGroup.objects.get()
    assert (shown["jobId"], group.name, group.client_id) == (job.pk, "New", None)
    path.unlink()
    work("long")
    assert Recipient.objects.filter(group=group).count() == 1


def test_import_recipients_says_what_it_would_do(tmp_path: Path) -> None:
    put_file(CSV, "people.csv")
    arguments = ("people.csv", "--create-group", "New", "--dry-run")
    assert said("import_recipients", *arguments).splitlines() == [
        "encoding: utf-8",
        "separator: ;",
        "column név: name",
        "column email: email_address",
        "records: 2",
        "line 3: email_address: not a valid e-mail address",
    ]
    assert json.loads(said("import_recipients", *arguments, "--json"))["records"] == 2
    assert not Job.objects.exists()
    assert not RecipientGroup.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_import_recipients_waits_for_the_end(house: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    group = make_group(house)
    put_file(CSV, "people.csv")
    monkeypatch.setattr("campaigns.management.commands.import_recipients.wait", _worked)
    assert said("import_recipients", "people.csv", "--group", group.uuid, "--wait").startswith("job ")
    put_file("name\nAnn\n", "people.csv")
    monkeypatch.setattr("campaigns.management.commands.import_recipients._looked_at", lambda file, separator: None)
    with pytest.raises(CommandError, match="is FAILED: people.csv: no column is the e-mail address"):
        said("import_recipients", "people.csv", "--group", group.uuid, "--wait")


def _worked(job: Job, **how: Any) -> None:
    work("long")
    job.refresh_from_db()


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        ("name\nAnn\n", [], "people.csv: no column is the e-mail address or the postal address"),
        ("", [], "people.csv: it is empty: its first line must name the columns"),
        (CSV, ["--separator", "x"], "--separator: must be one of ; , | or tab"),
        (None, [], "people.csv: it names nothing that is there"),
    ],
)
def test_import_recipients_refuses_and_makes_nothing(content: str | None, options: list[str], words: str) -> None:
    if content is not None:
        put_file(content, "people.csv")
    with pytest.raises(CommandError) as refused:
        said("import_recipients", "people.csv", "--create-group", "New", *options)
    assert str(refused.value).startswith(words)
    assert not RecipientGroup.objects.exists()
    assert not Job.objects.exists()


def test_import_recipients_needs_a_group_that_is_there() -> None:
    put_file(CSV, "people.csv")
    for uuid in ("x", str(uuid4())):
        with pytest.raises(CommandError):
            said("import_recipients", "people.csv", "--group", uuid)
    assert not Job.objects.exists()


# ── list_campaigns ──────────────────────────────────────────────────────────────────────────────
def test_list_campaigns_tells_each_with_its_legs(house: Caller, campaign: Campaign) -> None:
    part = CampaignPart.objects.select_related("group").get()
    Campaign.objects.update(title="Re\u202enewals")
    moment = format_moment(campaign.created_at)
    leg = f"  leg {part.pk}  {part.message_type} to {part.group.name}"
    head = f"{campaign.uuid}  {moment}  DRAFT    Re\\u202enewals"
    assert said("list_campaigns").splitlines() == [head, f"{leg}  not sent"]
    Recipient.objects.filter(name="Person 2").update(email_address="", postal_address="x")
    services.start(caller=house, uuid=campaign.uuid)
    work()
    assert said("list_campaigns").splitlines()[1] == f"{leg}  ACCEPTED 1, left out 1"
    (shown,) = json.loads(said("list_campaigns", "--status", "RUNNING", "--json"))
    assert (shown["uuid"], shown["status"], shown["legs"][0]["statuses"]) == (
        str(campaign.uuid),
        "RUNNING",
        {"ACCEPTED": 1},
    )
    assert said("list_campaigns", "--status", "CLOSED") == ""
    for wrong in (["--status", "x"], ["--limit", "0"]):
        with pytest.raises(CommandError):
            said("list_campaigns", *wrong)


# ── start_campaign, pause_campaign, resume_campaign, cancel_campaign ────────────────────────────
def test_start_campaign_sends_it_or_some_of_its_legs(house: Caller) -> None:
    campaign = make_campaign(house, make_group(house, size=1), make_group(house, size=1))
    first, second = campaign.parts.order_by("id")
    with pytest.raises(CommandError, match="999 is no leg of this campaign"):
        said("start_campaign", campaign.uuid, "--leg", 999)
    assert not Job.objects.exists()
    said("start_campaign", campaign.uuid, "--leg", second.pk)
    job = Job.objects.get()
    assert dict(job.params)["legIds"] == str(second.pk)
    work()
    with pytest.raises(CommandError, match=f"the leg {second.pk} is being sent already"):
        said("start_campaign", campaign.uuid)
    shown = json.loads(said("start_campaign", campaign.uuid, "--leg", first.pk, "--json"))
    assert shown["status"] == "NEW"


def test_pause_campaign_and_resume_campaign(house: Caller, campaign: Campaign) -> None:
    with pytest.raises(CommandError, match="the campaign is DRAFT"):
        said("pause_campaign", campaign.uuid)
    services.start(caller=house, uuid=campaign.uuid)
    work()
    said("pause_campaign", campaign.uuid)
    work()
    assert set(Message.objects.values_list("status", flat=True)) == {"HELD"}
    said("resume_campaign", campaign.uuid)
    work()
    assert set(Message.objects.values_list("status", flat=True)) == {"ACCEPTED"}
    with pytest.raises(CommandError, match="the campaign is RUNNING"):
        said("resume_campaign", campaign.uuid)


def test_cancel_campaign_counts_what_was_out(house: Caller, campaign: Campaign) -> None:
    with pytest.raises(CommandError, match="nothing of the campaign is being sent"):
        said("cancel_campaign", campaign.uuid)
    services.start(caller=house, uuid=campaign.uuid)
    work()
    Message.objects.filter(recipient_name="Person 1").update(status="SENT", closed_at=timezone.now(), due_at=None)
    assert said("cancel_campaign", campaign.uuid, "--reason", "no") == "out: 1, withdrawn: 1, being sent: 0\n"
    services.start(caller=house, uuid=campaign.uuid)
    work()
    counts = json.loads(said("cancel_campaign", campaign.uuid, "--json"))
    assert counts == {"out": 0, "withdrawn": 2, "beingSent": 0}


@pytest.mark.parametrize("command", ["start_campaign", "pause_campaign", "resume_campaign", "cancel_campaign"])
def test_a_campaign_that_is_not_there(command: str) -> None:
    for uuid in ("x", str(uuid4())):
        with pytest.raises(CommandError):
            said(command, uuid)
    assert not Job.objects.exists()

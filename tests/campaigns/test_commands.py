"""The commands over campaigns: what each says and does, and what it refuses."""

import io
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from campaigns import looking, services
from campaigns.models import Campaign, CampaignPart, Recipient, RecipientGroup
from gateway.caller import Caller
from gateway.dates import format_moment
from jobs.models import Job
from sending import withdrawing
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


def test_import_recipients_says_what_it_would_do(house: Caller) -> None:
    put_file("név;kód;email\nKiss Éva;A-1;eva@example.com\nNagy Pál;;nothing\nEva;;EVA@example.com\n")
    arguments = ("people.csv", "--create-group", "New", "--dry-run")
    assert said("import_recipients", *arguments).splitlines() == [
        "encoding: UTF-8",
        "separator: ;",
        "column név: the name",
        "column kód: property",
        "column email: the e-mail address",
        "properties: kód",
        "records: 3",
        "invalid: 1",
        "duplicates: 1",
        "line 3: email: not a valid e-mail address",
    ]
    shown = json.loads(said("import_recipients", *arguments, "--json"))
    fault = {"line": 3, "problem": "email: not a valid e-mail address"}
    names = ("encoding", "records", "properties", "lookedAt", "invalid", "duplicates", "firstInvalid")
    assert [shown[name] for name in names] == ["utf-8", 3, ["kód"], 3, 1, 1, [fault]]
    assert not Job.objects.exists()
    assert not RecipientGroup.objects.exists()


def test_a_dry_run_finds_invalid_lines_and_duplicates_wherever_they_stand(
    house: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = make_group(house, size=2)
    lines = [f"person{number}@example.com" for number in range(1, 31)]
    put_file("\n".join(["email", *lines, *(["nothing"] * 12), lines[7], ""]))
    asked = ("import_recipients", "people.csv", "--group", group.uuid, "--dry-run")
    shown = said(*asked).splitlines()
    assert shown[4:7] == ["invalid: 12", "duplicates: 3", "line 32: email: not a valid e-mail address"]
    assert (len(shown), shown[-2:]) == (17, ["line 41: email: not a valid e-mail address", "and 2 more"])
    monkeypatch.setattr(looking, "_MOST_LOOKED_AT", 31)
    assert said(*asked).splitlines()[3:6] == [
        "records: 43",
        "invalid: 1, of the first 31",
        "duplicates: 2, of the first 31",
    ]


def test_a_dry_run_refuses_the_group_that_the_import_would_refuse(house: Caller) -> None:
    other = make_group(house, name="New")
    put_file(CSV)
    unknown = uuid4()
    for options, words in (
        (("--create-group", "New"), f"^--create-group: is the name of another group, {other.uuid}$"),
        (("--group", "New"), "^--group: must be a uuid$"),
        (("--group", unknown), f"^recipient group {unknown} not found$"),
    ):
        with pytest.raises(CommandError, match=words):
            said("import_recipients", "people.csv", *options, "--dry-run")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("/nowhere/nothing.csv", "there is no such file"),
        ("../nowhere/nothing.csv", "there is no such file"),
        ("/", "it is a folder"),
        ("/dev/null", "it is no file"),
        ("nothing.csv", "it names nothing that is there"),
    ],
)
def test_import_recipients_says_what_is_not_there(name: str, words: str) -> None:
    with pytest.raises(CommandError) as refused:
        said("import_recipients", name, "--create-group", "New")
    assert str(refused.value) == f"{name}: {words}"


@pytest.mark.django_db(transaction=True)
def test_import_recipients_waits_for_the_end(house: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    group = make_group(house)
    put_file(CSV, "people.csv")
    monkeypatch.setattr("campaigns.management.commands.import_recipients.wait", _worked)
    ends = ("import_recipients", "people.csv", "--group", group.uuid, "--wait")
    assert said(*ends).splitlines()[-1] == "new recipients: 1, changed: 0, duplicates skipped: 0, invalid lines: 1"
    shown = json.loads(said(*ends, "--json"))
    names = ("newLineCount", "changedLineCount", "duplicateLineCount", "invalidLineCount")
    assert [shown[name] for name in names] == [0, 0, 1, 1]

    def changed(job: Job, **how: Any) -> None:
        put_file("name\nAnn\n", "people.csv")
        _worked(job)

    monkeypatch.setattr("campaigns.management.commands.import_recipients.wait", changed)
    with pytest.raises(CommandError, match="is FAILED: people.csv: its SHA-1 checksum is"):
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


def test_import_recipients_leaves_no_group_where_its_file_cannot_be_kept(tmp_path: Path, external: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(CSV)
    external.rmdir()
    with pytest.raises(CommandError, match="^the file cannot be read or kept: .*No such file or directory"):
        said("import_recipients", path, "--create-group", "New")
    assert not RecipientGroup.objects.exists()
    assert not Job.objects.exists()


def test_a_name_that_another_group_has_is_told_by_its_option(house: Caller) -> None:
    other = make_group(house, name="New")
    put_file(CSV, "people.csv")
    with pytest.raises(CommandError, match=f"^--create-group: is the name of another group, {other.uuid}$"):
        said("import_recipients", "people.csv", "--create-group", "New")
    assert RecipientGroup.objects.count() == 1


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


def test_cancel_campaign_counts_what_is_still_to_be_withdrawn(
    house: Caller, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(withdrawing, "_AT_ONCE", 1)
    services.start(caller=house, uuid=campaign.uuid)
    work()
    assert said("cancel_campaign", campaign.uuid) == "out: 0, withdrawn: 2, being sent: 0\n"
    assert sorted(Message.objects.values_list("status", flat=True)) == ["ACCEPTED", "CANCELLED"]


@pytest.mark.parametrize("command", ["start_campaign", "pause_campaign", "resume_campaign", "cancel_campaign"])
def test_a_campaign_that_is_not_there(command: str) -> None:
    for uuid in ("x", str(uuid4())):
        with pytest.raises(CommandError):
            said(command, uuid)
    assert not Job.objects.exists()

"""What the console's first page, the metrics and the doctor tell of campaigns."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaigns import services, watching
from campaigns.models import Campaign, CampaignPart
from campaigns.watching import Standing
from gateway.caller import Caller
from hammy_project.doctor import campaigning
from jobs.models import Job
from tests.campaigns.console import CAMPAIGNS, sent
from tests.campaigns.factories import make_campaign, make_group
from tests.console import client_of, plain_pages  # noqa: F401

pytestmark = pytest.mark.django_db


@pytest.fixture
def house() -> Caller:
    return Caller.house("anna")


@pytest.fixture
def campaign(house: Caller) -> Campaign:
    return make_campaign(house, make_group(house, size=3))


def first_page(*groups: str) -> str:
    return " ".join(client_of(*groups).get("/admin/").content.decode().split())


def aged(campaign: Campaign, *, minutes: int) -> None:
    """As if it had been started, and all its jobs had ended, so long ago."""
    then = timezone.now() - timedelta(minutes=minutes)
    Campaign.objects.filter(pk=campaign.pk).update(updated_at=then)
    Job.objects.open().update(status="FAILED", finished_at=then)


def test_the_first_page_tells_how_far_campaigns_are(house: Caller, campaign: Campaign) -> None:
    paused = make_campaign(house, make_group(house, size=2))
    make_campaign(house, make_group(house, size=1))
    for one in (campaign, paused):
        sent(one)
    services.pause(caller=house, uuid=paused.uuid)
    page = first_page("Viewer")
    for words in (
        f'href="{CAMPAIGNS}?status=RUNNING">1</a>',
        f'href="{CAMPAIGNS}?status=PAUSED">1 paused</a>',
        f'href="{CAMPAIGNS}{campaign.pk}/change/"',
        f'href="{CAMPAIGNS}{paused.pk}/change/"',
        "<span>0/3</span>",
        "<span>0/2</span>",
    ):
        assert words in page
    assert "<span>0/1</span>" not in page
    assert "Campaigns being sent" not in first_page()


def test_the_figures_are_looked_for_once_for_many_visitors(campaign: Campaign) -> None:
    client = client_of("Viewer")
    client.get("/admin/")
    with CaptureQueriesContext(connection) as queries:
        client.get("/admin/")
    assert not [query for query in queries if "campaigns_" in query["sql"]]


def test_the_metrics_tell_of_campaigns(house: Caller, campaign: Campaign) -> None:
    sent(campaign)
    aged(campaign, minutes=16)
    paused = make_campaign(house, make_group(house, size=1))
    sent(paused)
    services.pause(caller=house, uuid=paused.uuid)
    CampaignPart.objects.filter(campaign=paused).update(paused_at=timezone.now() - timedelta(hours=2))
    lines = Client().get("/metrics").content.decode().splitlines()
    assert {"hammy_campaigns_running 1.0", "hammy_campaigns_stranded 1.0", "hammy_campaigns_paused 1.0"} <= set(lines)
    assert [line for line in lines if line.startswith("hammy_campaigns_paused_oldest_seconds 720")]


@pytest.mark.parametrize(("minutes", "stranded"), [(14, 0), (16, 1)])
def test_a_campaign_that_no_job_sends_is_found_after_a_while(campaign: Campaign, minutes: int, stranded: int) -> None:
    sent(campaign)
    aged(campaign, minutes=minutes)
    (finding,) = campaigning.stranded()
    expected = {
        0: ("ok", "campaigns", "1 are running"),
        1: ("warning", "campaigns", "1 of 1 RUNNING have no open job: does the trigger lifeCourse run?"),
    }
    assert watching.standing() == Standing(running=1, stranded=stranded, paused=0, paused_seconds=0.0)
    assert (finding.level.value, finding.subject, finding.words) == expected[stranded]


@pytest.mark.parametrize("has_begun", [True, False])
def test_a_campaign_whose_job_is_open_is_not_stranded(house: Caller, campaign: Campaign, has_begun: bool) -> None:
    services.start(caller=house, uuid=campaign.uuid) if not has_begun else sent(campaign)
    Campaign.objects.update(updated_at=timezone.now() - timedelta(days=2))
    assert watching.standing() == Standing(running=1, stranded=0, paused=0, paused_seconds=0.0)


@pytest.mark.parametrize(
    ("hours", "level", "words"),
    [
        (23, "ok", "none was forgotten"),
        (25, "warning", "1 are PAUSED, the longest for 25 hours: resume or cancel them"),
    ],
)
def test_the_doctor_finds_a_pause_that_was_forgotten(
    house: Caller, campaign: Campaign, hours: int, level: str, words: str
) -> None:
    sent(campaign)
    services.pause(caller=house, uuid=campaign.uuid)
    CampaignPart.objects.update(paused_at=timezone.now() - timedelta(hours=hours))
    (finding,) = campaigning.forgotten()
    assert (finding.level.value, finding.subject, finding.words) == (level, "paused campaigns", words)

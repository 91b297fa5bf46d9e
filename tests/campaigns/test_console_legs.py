"""The console's pages of a campaign's legs: what they offer is what can be done."""

import pytest

from campaigns import services
from campaigns.models import Campaign, CampaignPart
from gateway.caller import Caller
from gateway.lookup import caller_of
from jobs.models import Trigger
from sending.models import Message, Template
from sending.states import TemplateStatus, VersionStatus
from tests.campaigns.console import CAMPAIGNS, GROUPS, notices, operate, sent
from tests.campaigns.factories import make_campaign, make_group
from tests.console import client_of, plain_pages  # noqa: F401
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


def test_a_leg_alone_is_offered_to_be_started_where_there_are_others(house: Caller, campaign: Campaign) -> None:
    first = CampaignPart.objects.get()
    client, page = client_of("Operator"), f"{CAMPAIGNS}{campaign.pk}/change/"

    def offers() -> list[int]:
        place = f'href="{CAMPAIGNS}{campaign.pk}/operate/start/?leg='
        words = client.get(page).content.decode()
        return [leg.pk for leg in CampaignPart.objects.order_by("id") if f'{place}{leg.pk}"' in words]

    assert offers() == []
    second = CampaignPart.objects.create(campaign=campaign, group=first.group, message_type=first.message_type)
    assert offers() == [first.pk, second.pk]
    services.start(caller=house, uuid=campaign.uuid, leg_ids=[first.pk])
    work()
    assert offers() == [second.pk]
    question = client.get(f"{CAMPAIGNS}{campaign.pk}/operate/start/", {"leg": second.pk}).content.decode()
    assert f"Leg {second.message_type} (EMAIL). Each recipient gets a letter" in question
    assert client.get(f"{CAMPAIGNS}{campaign.pk}/operate/start/", {"leg": second.pk + 1}).status_code == 404
    operate(client, campaign, "start", leg=second.pk)
    work()
    assert (Message.objects.filter(campaign_part_id=first.pk).count(), Message.objects.count()) == (3, 6)


def test_a_leg_that_is_being_sent_is_not_offered_to_be_changed(house: Caller, campaign: Campaign) -> None:
    place = f"{CAMPAIGNS}legs/{CampaignPart.objects.get().pk}/"
    client, page = client_of("Administrator"), f"{CAMPAIGNS}{campaign.pk}/change/"
    before = client.get(page).content.decode()
    sent(campaign)
    after, answer = client.get(page).content.decode(), client.get(place, follow=True)
    assert (f'href="{place}"' in before, f'href="{place}"' in after) == (True, False)
    assert (answer.redirect_chain, notices(answer)) == (
        [(page, 302)],
        ["The leg is being sent: it can be changed when that is over."],
    )


def test_a_leg_is_offered_the_groups_and_templates_that_it_may_have(house: Caller) -> None:
    (mine, _), (other, _) = make_client(rights=["campaigns", "send"]), make_client(rights=["campaigns", "send"])
    groups = [make_group(caller_of(client)) for client in (mine, other)] + [make_group(house)]
    for name in ("FREE", "MINE", "THEIRS", "DISABLED"):
        make_template(name=name)
    make_template(name="UNREADY", status=VersionStatus.DRAFT)
    Template.objects.filter(name="DISABLED").update(status=TemplateStatus.DISABLED)
    Template.objects.get(name="MINE").clients.add(mine)
    Template.objects.get(name="THEIRS").clients.add(other)

    def offered_for(owner: Caller) -> tuple[list[int], list[str]]:
        campaign = services.create(caller=owner, title="Renewals", legs=[])
        form = client_of("Template editor").get(f"{CAMPAIGNS}{campaign.pk}/add-leg/").context["form"]
        return sorted(form.fields["group"].queryset.values_list("id", flat=True)), [
            name for name, _ in form.fields["message_type"].choices
        ]

    assert offered_for(caller_of(mine)) == ([groups[0].pk, groups[2].pk], ["FREE", "MINE"])
    assert offered_for(house) == ([group.pk for group in groups], ["FREE", "MINE", "THEIRS"])


def test_a_group_names_each_campaign_that_sends_to_it_once(house: Caller) -> None:
    group = make_group(house, size=1)
    campaigns = [make_campaign(house, group, group) for _ in range(2)]
    page = client_of("Viewer").get(f"{GROUPS}{group.pk}/change/")
    assert list(page.context["campaigns"]) == campaigns[::-1]


def test_the_start_of_the_trigger_does_not_say_that_it_goes_without_legs() -> None:
    trigger = Trigger.objects.get(name="campaignJob")
    page = client_of("Operator").get(f"/admin/jobs/trigger/{trigger.pk}/start/").content.decode()
    assert ("legIds" in page, "Without it: []" in page) == (True, False)

"""What the tests of the campaigns' pages share."""

from typing import Any

from django.test import Client

from campaigns import services
from campaigns.models import Campaign, RecipientGroup
from gateway.caller import Caller
from tests.jobs.conftest import work

GROUPS = "/admin/campaigns/recipientgroup/"
RECIPIENTS = "/admin/campaigns/recipient/"
CAMPAIGNS = "/admin/campaigns/campaign/"
JOBS = "/admin/jobs/job/"
# What must never be read as HTML, and how it looks as text.
NASTY, SAFE = "<script>x</script>", "&lt;script&gt;x&lt;/script&gt;"


def ids(response: Any) -> list[int]:
    """The rows of a list."""
    return [row.pk for row in response.context["cl"].result_list]


def offered(response: Any) -> list[str]:
    """What a page offers to do."""
    return [str(link["title"]) for link in response.context["offered"]]


def notices(response: Any) -> list[str]:
    """What a page says first."""
    return [str(notice) for notice in response.context["messages"]]


def operate(client: Client, campaign: Campaign, verb: str, **more: Any) -> Any:
    """An operation, confirmed with a reason, and the page that it leads to."""
    data = {"reason": "because"} | more
    return client.post(f"{CAMPAIGNS}{campaign.pk}/operate/{verb}/", data, follow=True)


def sent(campaign: Campaign) -> None:
    """Its letters are made, and wait to be handed over."""
    services.start(caller=Caller.house("anna"), uuid=campaign.uuid)
    work()


def add_address(group: RecipientGroup) -> str:
    """Where a recipient is added, as the list of the group leads there."""
    return f"{RECIPIENTS}add/?_changelist_filters=group%3D{group.pk}"

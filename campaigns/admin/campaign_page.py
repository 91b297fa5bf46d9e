"""What every page below a campaign's address begins with."""

from django.http import Http404

from campaigns.models import Campaign
from gateway.console.filters import number_in
from gateway.console.read_only import ReadOnlyAdmin


class CampaignPage(ReadOnlyAdmin):
    """Pages of one campaign."""

    def campaign_for(self, pk: int | str) -> Campaign:
        """The campaign of an address."""
        key = number_in(str(pk))
        campaign = Campaign.objects.select_related("client").filter(pk=key).first() if key is not None else None
        if campaign is None:
            raise Http404
        return campaign

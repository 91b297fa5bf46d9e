"""The floor of campaigns."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CampaignsConfig(AppConfig):
    name = "campaigns"
    verbose_name = _("Campaigns")

    def ready(self) -> None:
        """Have recipients forgotten with whoever they are, and paused legs' letters wait."""
        from campaigns import forgetting as of_campaigns
        from campaigns import holding
        from sending import forgetting, stopping

        stopping.register(holding.paused_parts)

        forgetting.register("recipients", of_campaigns.forget_recipients)
        forgetting.register("invalid lines", of_campaigns.forget_lines)

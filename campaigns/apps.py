"""The floor of campaigns."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CampaignsConfig(AppConfig):
    name = "campaigns"
    verbose_name = _("Campaigns")

    def ready(self) -> None:
        """Have recipients forgotten with whoever they are, paused legs' letters wait, and campaigns close."""
        from campaigns import closing, holding
        from campaigns import forgetting as of_campaigns
        from jobs import queue
        from sending import forgetting, stopping

        stopping.register(holding.paused_parts)
        queue.listen(closing.on_job_moved)
        forgetting.register("recipients", of_campaigns.forget_recipients)
        forgetting.register("invalid lines", of_campaigns.forget_lines)

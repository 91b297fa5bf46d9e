"""Below ``/hammy/json/campaign/v1/``; the roof mounts it. Each path with a trailing slash or without, no redirect."""

from campaigns.campaign_v1 import rest
from campaigns.doors import both

urlpatterns = [
    *both("campaigns", rest.CampaignListView, "campaigns"),
    *both("campaigns/<str:campaign_id>", rest.CampaignView, "campaign"),
    *both("campaigns/<str:campaign_id>/start", rest.StartView, "campaign-start"),
    *both("campaigns/<str:campaign_id>/pause", rest.PauseView, "campaign-pause"),
    *both("campaigns/<str:campaign_id>/resume", rest.ResumeView, "campaign-resume"),
    *both("campaigns/<str:campaign_id>/cancel", rest.CancelView, "campaign-cancel"),
    *both("campaigns/<str:campaign_id>/report", rest.ReportView, "campaign-report"),
    *both("campaigns/<str:campaign_id>/estimate", rest.EstimateView, "campaign-estimate"),
    *both("campaigns/<str:campaign_id>/preview", rest.PreviewView, "campaign-preview"),
    *both("campaigns/<str:campaign_id>/test", rest.TestView, "campaign-test"),
]

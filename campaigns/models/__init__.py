"""Tables of campaigns, a file for each resource."""

from campaigns.models.campaign import Campaign, CampaignPart, LegRun, SkippedRecipient
from campaigns.models.imports import ImportFile, InvalidLine
from campaigns.models.recipient import Recipient, RecipientGroup

__all__ = [
    "Campaign", "CampaignPart", "ImportFile", "InvalidLine", "LegRun", "Recipient", "RecipientGroup",
    "SkippedRecipient",
]  # fmt: skip

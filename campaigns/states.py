"""What may become of a line of a file, a recipient and a campaign (contract job_v1, "Job classes")."""

from enum import StrEnum


class Duplicates(StrEnum):
    """What an import makes of a recipient that the group has already (RECIPIENT_DUPLICATION_HANDLING_TYPE): the same
    e-mail address, or without one the same name and postal address."""

    ALLOW = "ALLOW_DUPLICATIONS"
    SKIP = "SKIP_DUPLICATIONS"
    UPDATE = "UPDATE_DUPLICATIONS"


class CampaignStatus(StrEnum):
    """Where a campaign stands: DRAFT was never started, a PAUSED one makes and lets go no messages, a CLOSED one was
    sent to its end."""

    DRAFT = "DRAFT"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    CLOSED = "CLOSED"

"""The console's pages of the campaigns' floor."""

from campaigns.admin import campaigns, groups, job_links, recipients

__all__ = ["campaigns", "groups", "job_links", "recipients"]

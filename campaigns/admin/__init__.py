"""The console's pages of the campaigns' floor."""

from campaigns.admin import campaigns, groups, import_counts, job_links, recipients

__all__ = ["campaigns", "groups", "import_counts", "job_links", "recipients"]

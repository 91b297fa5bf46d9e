"""The console's pages of the floor of jobs."""

from jobs.admin import firings, jobs, triggers

__all__ = ["firings", "jobs", "triggers"]

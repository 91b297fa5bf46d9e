"""The console's pages of the floor of schedules."""

from schedules.admin import firings, links, schedules

__all__ = ["firings", "links", "schedules"]

"""The console's pages of the floor of notifications."""

from notifications.admin import deliveries, registrations, targets

__all__ = ["deliveries", "registrations", "targets"]

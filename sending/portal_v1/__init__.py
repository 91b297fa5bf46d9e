"""The door of portals: inboxes over REST (contract send_v2, "Channels", PORTAL)."""

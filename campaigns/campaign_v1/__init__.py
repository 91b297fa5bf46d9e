"""The door of campaigns over REST (contract beyond)."""

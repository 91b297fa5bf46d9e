"""The door of recipients: groups, their recipients, imports and exports over REST (contract beyond)."""

"""The floor of notifications: whoever must know is told when a job is done."""

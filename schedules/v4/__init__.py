"""The door of scheduled tasks (contract schedules_v4)."""

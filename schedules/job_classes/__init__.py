"""Job classes of schedules, one a file."""

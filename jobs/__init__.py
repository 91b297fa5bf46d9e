"""Jobs: what runs with status, events and progress, by itself or by a trigger."""

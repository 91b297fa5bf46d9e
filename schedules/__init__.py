"""The floor of schedules: letters and jobs at a time, again and again. Nothing lives here yet."""

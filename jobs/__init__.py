"""The floor of jobs: what runs with status, events and progress. Nothing lives here yet."""

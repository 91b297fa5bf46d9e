"""procrastinate: jobs in PostgreSQL with an event for each change of state, as we keep them."""

"""Real counterparts for tests: a mail server on a real socket."""

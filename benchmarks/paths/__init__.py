"""One measured path per file: its first docstring line is its title, ``measure(bench)`` yields its figures."""

"""Recipients in groups, and big runs that people watch."""

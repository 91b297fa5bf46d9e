"""Programs of others, set up as their documents say, to measure ourselves against."""

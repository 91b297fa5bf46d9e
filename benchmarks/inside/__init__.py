"""What runs as a part of a measured site, in its environment; each module prints what it found as JSON."""

"""Ways out. Each channel is one file here, found by its name; a new one needs no edit elsewhere."""

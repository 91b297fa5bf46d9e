"""Job classes of this floor, each one file, found by its name."""

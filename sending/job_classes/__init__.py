"""The sending floor's job classes: one file each, found by jobs.registry."""

"""SQLite as Django's database with one writer at a time, in turn, over all processes of a site."""

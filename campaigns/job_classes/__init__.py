"""Job classes of campaigns, one a file."""

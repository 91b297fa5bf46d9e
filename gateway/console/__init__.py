"""What the console's pages of every floor are made with."""

"""Letters: taken once, rendered, handed to a channel, followed to their end."""

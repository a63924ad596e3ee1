"""The feed: every change of a card's status, numbered without gaps in the order of the commits, and told to all."""

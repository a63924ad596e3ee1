"""A terminal's client of the feed: keeps a filter of the invalid cards, and says how old it is."""

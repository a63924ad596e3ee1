"""Snapshots of the invalid cards: built in the background, signed, the same bytes from every replica."""

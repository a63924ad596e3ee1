"""Webhooks: the feed sent to institutions' own addresses, in order, until they acknowledge it."""

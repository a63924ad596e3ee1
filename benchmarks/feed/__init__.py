"""Benchmarks of the feed: how soon terminals know, and how small what they keep is."""

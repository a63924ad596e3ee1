"""Benchmarks of fingerprints: accuracy, quality, search, other makers' templates, speed."""

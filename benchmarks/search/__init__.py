"""Benchmarks of searches: one among many, and many among themselves."""

"""Benchmarks of the evidence log."""

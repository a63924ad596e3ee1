"""Benchmarks of scores: calibration, fusion, rates."""

"""Fingerprints: minutiae, templates and their comparison."""

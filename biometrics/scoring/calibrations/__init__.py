"""Shipped calibrations, one JSON file an engine, each with its provenance; read by `Calibration.load`."""

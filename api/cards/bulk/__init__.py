"""Whole registers in and out: CSV, JSON Lines and Parquet files of cards."""

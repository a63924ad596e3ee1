"""Tests of what is done with personal data."""

"""Tests of the store of record keys."""

"""Alerts: what institutions and authorities are told of, and what they did about it."""

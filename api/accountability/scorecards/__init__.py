"""Scorecards: the figures of a month, each with the evidence that it stands on."""

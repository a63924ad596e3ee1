"""Resident identity cards: what identifies a card instance, what its chip's text says, and what becomes of it."""

"""Is this person the holder of this card, and is the card still good: comparison, document, policy, decision."""

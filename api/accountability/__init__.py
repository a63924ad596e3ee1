"""Who answers for what: business without its check, decisions that somebody went past, and the figures of both."""

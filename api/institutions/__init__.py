"""Who may ask: institutions, their terminals, and the bearer keys that terminals sign in with."""

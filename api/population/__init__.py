"""联网核查: what the population register says of a number, a card, its text and a portrait; ours, or another system."""

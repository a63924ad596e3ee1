"""Evidence that a check was made: a signed leaf for every decision and every change of a card's status."""

"""Small words that several commands print."""


def count(number: int, noun: str) -> str:
    """A number with its English noun: `1 card`, `2,000 cards`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"

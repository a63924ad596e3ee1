"""What administration refuses, in words for whoever administers; each kind has its code at the door."""


class AdministrationError(Exception):
    """An act that cannot be carried out; the text says why, and what to do."""

    text = "It cannot be done."

    def __str__(self) -> str:
        return self.text

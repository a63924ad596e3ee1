"""What administration refuses, in both languages for whoever administers; each kind has its code at the door."""


class AdministrationError(Exception):
    """An act that cannot be carried out; the text says why, and what to do."""

    text = "不能执行此操作。\nIt cannot be done."

    def __str__(self) -> str:
        return self.text

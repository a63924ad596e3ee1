"""Whether this replica ends."""


class Draining:
    """Begins once, and does not stop. May be begun in the handler of a signal."""

    def __init__(self) -> None:
        self._begun = False

    @property
    def begun(self) -> bool:
        """Whether nothing new is to be sent here."""
        return self._begun

    def begin(self) -> None:
        """From now on."""
        self._begun = True

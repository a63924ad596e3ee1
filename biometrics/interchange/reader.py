"""Reading bytes of unknown origin from front to back, never beyond their end."""

from __future__ import annotations

from biometrics.errors import BiometricError, InvalidRecord

MALFORMED = "record_malformed"


class Reader:
    """A place in some bytes. Every method raises `wrong`'s error where they end too soon."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    @staticmethod
    def wrong(detail: str) -> BiometricError:
        """The error for what is no such record: InvalidRecord, `record_malformed`."""
        return InvalidRecord(MALFORMED, detail)

    @property
    def left(self) -> int:
        """The number of bytes that follow."""
        return len(self._data) - self._place

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        if not 0 <= count <= self.left:
            raise self.wrong("it ends too soon")
        start, self._place = self._place, self._place + count
        return self._data[start : self._place]

    def end_after(self, length: int) -> None:
        """Let the record end `length` bytes after its beginning, as it states; what follows in the file is not read."""
        if not self._place <= length <= len(self._data):
            raise self.wrong("the stated length is wrong")
        self._data = self._data[:length]

    def number(self, size: int) -> int:
        """An unsigned number of `size` bytes, the most significant first, as all these records have them."""
        return int.from_bytes(self.take(size), "big")

"""The formats of templates, and the ids of what was read from them."""

from __future__ import annotations

from enum import StrEnum

from biometrics.finger.parameters import IMPORTED


class Format(StrEnum):
    """A format of finger templates; the value is its name for people and programs."""

    OWN = "renzheng"
    OWN_COMPACT = "renzheng-compact"
    ISO_2005 = "iso-19794-2:2005"
    ISO_2011 = "iso-19794-2:2011"
    ISO_CARD_NORMAL = "iso-19794-2:card-normal"
    ISO_CARD_COMPACT = "iso-19794-2:card-compact"
    ANSI_2004 = "ansi-378:2004"
    ANSI_2009 = "ansi-378:2009"
    SOURCEAFIS = "sourceafis-3"

    @property
    def engine(self) -> str:
        """The engine id of a template that was read from this format. Our own forms bring theirs with them."""
        return IMPORTED + self.value

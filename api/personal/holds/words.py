"""The words of this room."""

from enum import StrEnum

ABOUT = "hold"


class Subject(StrEnum):
    """Whose data, or which case's, are held."""

    PERSON = "person"
    INSTITUTION = "institution"
    VERIFICATION = "verification"
    IMPOSTOR = "impostor"
    DUPLICATE = "duplicate"


class HoldGround(StrEnum):
    """Why data are held."""

    LITIGATION = "litigation"
    INVESTIGATION = "investigation"
    AUDIT = "audit"
    DISPUTE = "dispute"
    ORDER = "order"


class HoldState(StrEnum):
    """Where a hold is: one person said that it may end (`lifting`), and another one ends it."""

    STANDING = "standing"
    LIFTING = "lifting"
    LIFTED = "lifted"

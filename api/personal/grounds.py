"""The words of this room."""

from enum import StrEnum


class Ground(StrEnum):
    """Why somebody's biometrics are erased; kept with the event."""

    CONSENT_WITHDRAWN = "consent_withdrawn"
    HOLDER_DECEASED = "holder_deceased"
    NO_LONGER_NEEDED = "no_longer_needed"
    WRONGLY_ENROLLED = "wrongly_enrolled"
    ORDER = "order"

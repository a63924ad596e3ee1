"""The words of the impostor list: why somebody is on it, and where an entry is."""

from enum import StrEnum


class Ground(StrEnum):
    """Why somebody is listed."""

    CARD_OF_ANOTHER = "card_of_another"
    FORGED_CARD = "forged_card"
    PRESENTATION_ATTACK = "presentation_attack"
    SECOND_IDENTITY = "second_identity"
    ORDER = "order"


class State(StrEnum):
    """Where an entry is."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REFUSED = "refused"
    REMOVED = "removed"
    EXPIRED = "expired"

"""On which ground somebody's face and fingers are processed: stated by who asks, kept with what was done."""

from enum import StrEnum


class Basis(StrEnum):
    """The ground, as the law on personal information names them (个人信息保护法, articles 13 and 29)."""

    SEPARATE_CONSENT = "separate_consent"
    """The holder was told what is done and why, and agreed to that by itself."""
    STATUTORY_DUTY = "statutory_duty"
    """A law asks the institution to identify the person, or the authority to take the template."""
    PUBLIC_SECURITY = "public_security"
    EMERGENCY = "emergency"
    NOT_STATED = "not_stated"

"""Reading templates of unknown origin from front to back, never beyond their end."""

from __future__ import annotations

from biometrics.errors import BiometricError, InvalidTemplate
from biometrics.interchange import reader

MALFORMED = "template_malformed"


class Reader(reader.Reader):
    """A place in some bytes. Every method raises InvalidTemplate (`template_malformed`) where they end too soon."""

    @staticmethod
    def wrong(detail: str) -> BiometricError:
        """InvalidTemplate, `template_malformed`."""
        return InvalidTemplate(MALFORMED, detail)

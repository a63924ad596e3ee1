"""What `biometrics` raises: every error carries a code of the error catalogue, never a capture or a name."""


class BiometricError(Exception):
    """Base of this room's errors; `code` is the machine-readable code."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


class InvalidImage(BiometricError):
    """The bytes are no image that this system accepts (`image_*` codes)."""


class InvalidTemplate(BiometricError):
    """The bytes are no template of a known format (`template_*` codes)."""


class InvalidRecord(BiometricError):
    """The bytes are no record of a known interchange format (`record_*` codes)."""


class IncompatibleTemplates(BiometricError):
    """Two templates of different engines or versions were to be compared (`template_engine_mismatch`)."""

    def __init__(self, detail: str = "") -> None:
        super().__init__("template_engine_mismatch", detail)


class NotAssessable(BiometricError):
    """A sound image that cannot be judged; `code` is the reason, such as `no_face`. Never to be taken for a match."""

    @property
    def reason(self) -> str:
        """The reason code (the same as `code`, in the words of the design)."""
        return self.code

"""MOSIP's statuses of an operation, and the errors of a request that did not come to one."""

from enum import IntEnum

from api.errors import catalogue


class Status(IntEnum):
    """`statusCode` in an answer; HTTP says 200 to all of them, as MOSIP's own service does."""

    SUCCESS = 200
    INVALID_INPUT = 401
    MISSING_INPUT = 402
    QUALITY_CHECK_FAILED = 403
    BIOMETRIC_NOT_FOUND = 404
    MATCHING_FAILED = 405
    POOR_QUALITY = 406
    UNKNOWN_ERROR = 500


_WORDS = {
    Status.SUCCESS: "OK",
    Status.INVALID_INPUT: "Invalid Input Parameter",
    Status.MISSING_INPUT: "Missing Input Parameter",
    Status.QUALITY_CHECK_FAILED: "Quality check of Biometric data failed",
    Status.BIOMETRIC_NOT_FOUND: "Biometrics not found in CBEFF",
    Status.MATCHING_FAILED: "Matching of Biometric data failed",
    Status.POOR_QUALITY: "Data provided is of poor quality",
    Status.UNKNOWN_ERROR: "UNKNOWN_ERROR",
}


class OperationFailed(Exception):
    """An operation that cannot be done: its status, and what of the request is at fault (a name, never a value)."""

    def __init__(self, status: Status, what: str = "") -> None:
        super().__init__(status.name)
        self.status = status
        self.message = f"{_WORDS[status]} - {what}" if what else _WORDS[status]


class RequestRefused(Exception):
    """A request that is none of the specification: a code of MOSIP's and its words."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message


def unknown_version() -> RequestRefused:
    """The request names another specification."""
    return RequestRefused("BIO_SDK_001", "No Bio SDK service provider implementations found for given version")


def unreadable() -> RequestRefused:
    """The request is not base64 of a JSON object."""
    return RequestRefused("INVALID_REQUEST_BODY", "Unable to parse request body")


def unsupported(operation: str) -> RequestRefused:
    """The operation is none that is done here."""
    return RequestRefused("BIOSDK_LIB_EXCEPTION", f"Exception thrown by BioSDK library: {operation} is not supported")


def told(code: str) -> str:
    """One of our codes in the lists of errors that MOSIP keeps with decisions and qualities, with its words."""
    found = catalogue().get(code)
    return code if found is None else f"{code}: {found.message.en}"

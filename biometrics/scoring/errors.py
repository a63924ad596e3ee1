"""What this room raises besides ValueError for scores that are no scores."""

from biometrics.errors import BiometricError


class CalibrationError(BiometricError):
    """There is no calibration for this engine, or it is damaged, or it is another engine's. Nothing is guessed."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)


def missing(engine: str, known: list[str]) -> CalibrationError:
    """No calibration is shipped for `engine`."""
    return CalibrationError(
        "calibration_missing", f"no calibration for the engine {engine!r}; there are: {', '.join(known) or 'none'}"
    )


def damaged(engine: str, reason: str) -> CalibrationError:
    """The file is there, but it is not a calibration of `engine`."""
    return CalibrationError("calibration_damaged", f"the calibration of {engine!r} cannot be used: {reason}")


def of_another(engine: str, named: str) -> CalibrationError:
    """The file is a calibration, of another engine or of another version of it."""
    return CalibrationError(
        "calibration_engine_mismatch",
        f"the calibration is of the engine {named!r}, not of {engine!r}: scores of the two do not mean the same",
    )

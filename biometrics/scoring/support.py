"""What so many trials can say about a rate: the rule of 3, the rule of 30, and how a rate is therefore printed.

Both rules (ISO/IEC 19795-1) count independent trials. Comparisons of one person are not independent, so the truth may
be worse than the rules say, never better: use subjects for trials where that matters.
"""

import math

from biometrics.scoring.parameters import RULE_OF_3, RULE_OF_30


def upper_bound_of_none(trials: int) -> float:
    """The rule of 3: with no error in so many trials the rate is below this, at 95 % confidence.

    Raises ValueError without a trial.
    """
    if trials < 1:
        raise ValueError("no trial says nothing about a rate")
    return min(1.0, RULE_OF_3 / trials)


def is_supported(rate: float, trials: int) -> bool:
    """The rule of 30: whether so many trials are due 30 errors at this rate.

    Then the true rate is within 30 % of the observed one, at 90 % confidence.
    """
    return rate * trials >= RULE_OF_30 * (1 - 1e-9)


def trials_needed(rate: float) -> int:
    """How many trials a rate needs to be supported by the rule of 30. Raises ValueError for a rate not in (0, 1]."""
    if not 0 < rate <= 1:
        raise ValueError(f"a rate of {rate} cannot be measured")
    # The quotient rounds: one part in 10^12 is no trial more.
    return math.ceil(RULE_OF_30 / rate * (1 - 1e-12))


def rate_text(rate: float, trials: int, *, digits: int = 3) -> str:
    """A rate in per cent for people; one without an error is "< 3/N", never 0, and one of errors only "> 1 - 3/N".

    Raises ValueError without a trial.
    """
    bound = 100 * upper_bound_of_none(trials)
    if rate <= 0:
        return f"< {bound:.{digits}g}"
    if rate >= 1:
        return f"> {max(0.0, 100 - bound):.{digits + 2}g}"
    return f"{100 * rate:.{digits}f}"

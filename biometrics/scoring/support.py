"""What so many trials can say about a rate: the rule of 3, the rule of 30, and how a rate is therefore printed.

Both rules (ISO/IEC 19795-1) count independent trials. Comparisons of one person are not independent, so the truth may
be worse than the rules say, never better: use subjects for trials where that matters.
"""

import math

from biometrics.scoring.parameters import RULE_OF_3, RULE_OF_30

# The standard normal's 97.5 % point.
_Z = 1.959964


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


def share_interval(count: int, trials: int) -> tuple[float, float]:
    """95 % interval of a plain share of independent trials (Wilson 1927); of none or of all by the rule of 3.

    Raises ValueError without a trial.
    """
    slack = upper_bound_of_none(trials)
    if count in {0, trials}:
        return (0.0, slack) if count == 0 else (1 - slack, 1.0)
    share, square = count / trials, _Z * _Z
    middle = (share + square / (2 * trials)) / (1 + square / trials)
    half = _Z * math.sqrt(share * (1 - share) / trials + square / (4 * trials * trials)) / (1 + square / trials)
    return max(0.0, middle - half), min(1.0, middle + half)


def with_rule_of_3(value: float, bounds: tuple[float, float] | None, trials: int) -> tuple[float, float] | None:
    """A bootstrap's interval of a rate, widened by the rule of 3 where the rate shows no error, or errors only.

    There a bootstrap cannot tell: it draws what was seen. None stays None for a rate between. Raises ValueError without
    a trial.
    """
    if 0 < value < 1:
        return bounds
    low, high = bounds or (value, value)
    slack = upper_bound_of_none(trials)
    return (0.0, max(high, slack)) if value <= 0 else (min(low, 1 - slack), 1.0)


def rate_text(rate: float, trials: int, *, digits: int = 3) -> str:
    """A rate in per cent for people; one without an error is "< 3/N", never 0, and one of errors only "> 1 - 3/N".

    Raises ValueError without a trial.
    """
    bound = 100 * upper_bound_of_none(trials)
    if rate <= 0:
        return f"< {bound:.{digits}g}"
    if rate >= 1:
        return f"> {max(0.0, 100 - bound):.{digits + 2}g}"
    return per_cent_text(rate, digits=digits)


def per_cent_text(share: float, *, digits: int = 3) -> str:
    """A share in per cent with so many decimals, and with more where it would come out as 0 without being 0."""
    if share in {0, 1}:
        return f"{100 * share:.0f}"
    if 0 < abs(share) < 10.0 ** (-1 - digits):
        digits = 3 - math.floor(math.log10(abs(share))) - 4
    return f"{100 * share:.{digits}f}"


def interval_text(low: float | None, high: float | None, *, digits: int = 3) -> str:
    """A 95 % interval in per cent for people, an en dash alone for none."""
    if low is None or high is None:
        return "–"
    return f"{per_cent_text(low, digits=digits)} – {per_cent_text(high, digits=digits)}"

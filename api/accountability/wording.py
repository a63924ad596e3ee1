"""Texts of requests in which people explain themselves: without a person's number, whoever forgets that none belongs
there."""

from typing import Annotated

from pydantic import AfterValidator

from api.accountability import explanations
from api.http.fields import Trimmed, bad_value


def _line(value: str) -> str:
    if not explanations.sound(value):
        raise bad_value("explanation_invalid")
    return value


def _lines(value: str) -> str:
    _line(" ".join(value.splitlines()))
    return value


Explanation = Annotated[Trimmed, AfterValidator(_line)]
LongExplanation = Annotated[Trimmed, AfterValidator(_lines)]
"""Of several lines."""

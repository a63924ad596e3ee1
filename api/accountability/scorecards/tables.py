"""Scorecards as CSV: a row a figure, for spreadsheets, in which no cell is taken for a formula."""

import csv
import io
from typing import Any

COLUMNS = (
    "month",
    "institution_id",
    "institution",
    "terminal_id",
    "terminal",
    "figure",
    "count",
    "of",
    "total",
    "share",
    "low",
    "high",
    "unusual",
    "p",
    "q",
    "expected",
)
# What spreadsheets take for the start of a formula, or step over before they look for one.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\N{FULLWIDTH EQUALS SIGN}")


def as_csv(scorecard: dict[str, Any]) -> str:
    """The figures of all cards of an answer; those on which terminals are compared with what the comparison says."""
    judged = {
        (one["terminal_id"], group["cases"]): one
        for group in scorecard["patterns"]["groups"]
        if group["judged"]
        for one in group["terminals"]
    }
    written = io.StringIO()
    rows = csv.writer(written)
    rows.writerow(COLUMNS)
    for card in scorecard["items"]:
        for figure in card["figures"]:
            values = {"month": scorecard["month"], **card, **figure}
            values |= judged.get((card["terminal_id"], figure["figure"]), {})
            rows.writerow([safe(values.get(column)) for column in COLUMNS])
    return written.getvalue()


def safe(value: object) -> object:
    """A cell that no spreadsheet computes: a text that looks like a formula begins with an apostrophe."""
    if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA):
        return f"'{value}"
    return value

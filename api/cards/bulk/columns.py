"""What a file of cards holds: one row a card, these columns, the same in all formats.

`id` is the register's own name of the card, by which its events are reported: exports write it, imports pass it over.
"""

import re

REQUIRED = ("number", "issuer", "valid_from", "valid_to")
OPTIONAL = ("serial", "type", "text", "status", "id")
COLUMNS = (*REQUIRED, *OPTIONAL)

# What a spreadsheet takes for a formula, in the widths that it knows; with any apostrophes of our own before it.
_FORMULA = re.compile("'*[=+\\-@\t\r＝＋－＠]")


def guarded(cell: str) -> str:
    """The cell as a CSV file holds it: a formula has an apostrophe before it, so that no spreadsheet runs it."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unguarded(cell: str) -> str:
    """The cell as it was: `guarded` taken back."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell

"""The document names every clock as it is, and every table: nothing is kept of which nobody says for how long."""

import re
from itertools import pairwise
from pathlib import Path

from api.personal.retention.kinds import KINDS, NAMED
from api.settings import Settings
from api.storage.tables import metadata

TEXT = (Path(__file__).parents[4] / "docs" / "retention.md").read_text(encoding="utf-8")
CLOCKS, KEPT = TEXT.split("## Kept for good")


def test_every_kind_is_documented_with_its_days() -> None:
    rows = dict(re.findall(r"^\| `([a-z_]+)` \| [^|]+ \| ([^|]+) \|", CLOCKS, re.MULTILINE))
    assert set(rows) == {kind.name for kind in KINDS}
    for kind in KINDS:
        told = rows[kind.name]
        if isinstance(kind.period, str) and "the same" not in told:
            default = Settings.model_fields[kind.period].default
            assert told == f"`RENZHENG_{kind.period.upper()}` ({default})", kind.name
        elif isinstance(kind.period, int) and kind.period:
            assert told == f"{kind.period} day{'s' if kind.period > 1 else ''}", kind.name
    in_order = list(rows.items())
    of = {kind.name: kind.period for kind in KINDS}
    for (before, _), (name, told) in pairwise(in_order):
        if told == "the same":
            assert of[name] == of[before], name


def test_every_table_is_documented() -> None:
    named = set(re.findall(r"`([a-z_]+)`", KEPT)) | {kind.table for kind in KINDS} | set(NAMED)
    assert set(metadata.tables) - named == set()

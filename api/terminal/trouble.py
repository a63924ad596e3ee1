"""What went wrong last while the feed was followed, so that every process that reads the folder can show it."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

_REASON = re.compile(r"[a-z0-9_]{1,64}", re.ASCII)


@dataclass(frozen=True)
class Trouble:
    """`reason` is one word for programs, None while all is well; `since` the terminal's calendar clock, UTC.

    `of_snapshot`: a new snapshot was refused while the changes go on, which lasts until one is taken.
    """

    reason: str | None = None
    text: str = ""
    since: datetime | None = None
    of_snapshot: bool = False

    def as_json(self) -> dict[str, Any] | None:
        """To be read by `from_json`; None while all is well."""
        if self.reason is None or self.since is None:
            return None
        return {"reason": self.reason, "since": self.since.isoformat(), "of_snapshot": self.of_snapshot}

    @classmethod
    def from_json(cls, told: Any) -> "Trouble":
        """What is no trouble in this form is none: the file of an older program says nothing of it."""
        try:
            since = datetime.fromisoformat(told["since"])
            sound = since.tzinfo is not None and _REASON.fullmatch(told["reason"]) is not None
            return cls(told["reason"], "", since, told["of_snapshot"] is True) if sound else cls()
        except (KeyError, TypeError, ValueError):
            return cls()

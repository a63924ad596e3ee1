"""The table of states and events, as `docs/cards.md` prints it."""

import sys
from itertools import product

from api.cards.lifecycle import TAKEN_BACK, Event, EventNotPossible, State, Status, after

_TITLES = {
    (False, False): "No dispute, the card not handed in",
    (False, True): "Disputed, the card not handed in",
    (True, False): "No dispute, the card handed in",
    (True, True): "Disputed, the card handed in",
}
_ENDED = {Status.REISSUED, Status.CANCELLED, Status.DECEASED}
_SHORT = {status: status.value.removeprefix("card_").removeprefix("reported_") for status in Status}


def tables() -> str:
    """Four tables, one for each pair of flags: rows are events, columns the status before, cells the state after."""
    return "\n\n".join(_table(*flags) for flags in product((False, True), repeat=2))


def _table(surrendered: bool, disputed: bool) -> str:
    # Only a card that has ended can be handed in: the others do not occur.
    columns = [status for status in Status if status in _ENDED or not surrendered]
    lines = [
        f"**{_TITLES[surrendered, disputed]}**",
        "",
        "| event | " + " | ".join(f"`{_SHORT[status]}`" for status in columns) + " |",
        "|---" * (len(columns) + 1) + "|",
    ]
    for event in Event:
        if event is not Event.REGISTERED:
            cells = [_cell(State(status, surrendered, disputed), event) for status in columns]
            lines.append(f"| `{event}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(state: State, event: Event) -> str:
    try:
        found = after(state, event)
    except EventNotPossible:
        return "–"
    back = event is Event.DISPUTE_UPHELD and state.status in TAKEN_BACK
    changes = [_SHORT[found.status]] if found.status is not state.status else []
    if back:
        changes = ["as before it"]
    if found.surrendered != state.surrendered:
        changes.append("handed in")
    if found.disputed != state.disputed:
        changes.append("disputed" if found.disputed else "dispute closed")
    return ", ".join(changes) or "same"


if __name__ == "__main__":
    sys.stdout.write(tables() + "\n")

"""Every event in every state: the whole table, written out from the rules of the register, and as the docs print it."""

from itertools import product
from pathlib import Path

import pytest

from api.cards.lifecycle import Event, EventNotPossible, State, Status, after, led_to, possible
from api.errors import catalogue

DOCS = Path(__file__).parents[3] / "docs" / "cards.md"
LIVE = {Status.VALID, Status.LOST, Status.STOLEN}
ENDED = {Status.REISSUED, Status.CANCELLED, Status.DECEASED}
BEFORE: dict[Status, list[tuple[Status, ...]]] = {
    Status.CANCELLED: [(Status.VALID,), (Status.LOST,), (Status.STOLEN,)],
    Status.DECEASED: [(Status.VALID,), (Status.STOLEN,), (Status.REISSUED,), (Status.LOST, Status.CANCELLED)],
}
STATES = [
    State(status, surrendered, disputed, before)
    for surrendered, disputed in product((False, True), repeat=2)
    for status in Status
    for before in BEFORE.get(status, [()])
]


def expected(state: State, event: Event) -> State | None:  # noqa: C901 - a table, a case for each event
    """What the rules say, event by event; None where it cannot happen."""
    status, surrendered, disputed = state.status, state.surrendered, state.disputed

    def becomes(new: Status) -> State:
        left = (*state.before, status) if new in BEFORE else state.before
        return State(new, surrendered, disputed, left)

    match event:
        case Event.REGISTERED:
            return None
        case Event.FACE_ADDED | Event.FINGERPRINTS_ADDED:
            return state if status is Status.VALID else None
        case Event.FACE_RE_ENROLLED | Event.BIOMETRICS_ERASED:
            return state
        case Event.REPORTED_LOST:
            return becomes(Status.LOST) if status is Status.VALID else None
        case Event.REPORTED_STOLEN:
            return becomes(Status.STOLEN) if status in {Status.VALID, Status.LOST} else None
        case Event.FOUND:
            return becomes(Status.VALID) if status in {Status.LOST, Status.STOLEN} else None
        case Event.REISSUED:
            return becomes(Status.REISSUED) if status in LIVE else None
        case Event.RENEWED | Event.DATA_CORRECTED:
            return becomes(Status.REISSUED) if status is Status.VALID else None
        case Event.CANCELLED:
            return becomes(Status.CANCELLED) if status in LIVE else None
        case Event.HOLDER_DECEASED:
            return becomes(Status.DECEASED) if status is not Status.DECEASED else None
        case Event.SURRENDERED:
            return State(status, True, disputed, state.before) if status in ENDED and not surrendered else None
        case Event.DISPUTE_OPENED:
            return None if disputed else State(status, surrendered, True, state.before)
        case Event.DISPUTE_REJECTED:
            return State(status, surrendered, False, state.before) if disputed else None
        case Event.DISPUTE_UPHELD:
            gone = status is Status.REISSUED or surrendered
            if not disputed or gone:
                return None
            # The cancellation was wrong, the dead is alive: the card is what it was, and lost if it was lost.
            back = state.before[-1] if state.before else Status.VALID
            return State(back, surrendered, False, state.before[:-1])


@pytest.mark.parametrize("state", STATES, ids=str)
@pytest.mark.parametrize("event", Event)
def test_every_event_in_every_state(state: State, event: Event) -> None:
    wanted = expected(state, event)
    if wanted is None:
        with pytest.raises(EventNotPossible):
            after(state, event)
    else:
        assert after(state, event) == wanted


def test_only_an_upheld_dispute_makes_an_ended_card_valid_again() -> None:
    for state, event in product(STATES, Event):
        wanted = expected(state, event)
        if state.status in ENDED and wanted is not None and wanted.status not in ENDED:
            assert event is Event.DISPUTE_UPHELD
            assert wanted.status is state.before[-1]
            assert state.status is not Status.REISSUED, "who has a new card does not get the old one back"


def test_a_card_that_was_handed_in_never_becomes_valid_again() -> None:
    reachable = {state for state in STATES if state.surrendered and state.status in ENDED}
    for _ in STATES:
        reachable |= {found for state, event in product(reachable, Event) if (found := expected(state, event))}
    assert {state.status for state in reachable} <= ENDED


def test_no_event_but_a_finding_or_a_dispute_of_the_loss_itself_makes_a_missing_card_good_again() -> None:
    """Whatever happened in between: who stole it must not wait for a mistake that is put right."""
    missing = {Status.LOST, Status.STOLEN}
    states, seen = {State(status) for status in missing}, set[State]()
    while states - seen:
        state = (states - seen).pop()
        seen.add(state)
        for event in Event:
            try:
                found = after(state, event)
            except EventNotPossible:
                continue
            if found.status is Status.VALID:
                assert event is Event.FOUND or (event is Event.DISPUTE_UPHELD and state.status in missing)
            else:
                states.add(found)


def test_a_history_is_followed_from_its_registration() -> None:
    lost = [Event.REGISTERED, Event.REPORTED_LOST, Event.CANCELLED, Event.HOLDER_DECEASED]
    upheld = [Event.DISPUTE_OPENED, Event.DISPUTE_UPHELD]
    assert led_to(lost) == State(Status.DECEASED, before=(Status.LOST, Status.CANCELLED))
    assert led_to([*lost, *upheld]) == State(Status.CANCELLED, before=(Status.LOST,))
    assert led_to([*lost, *upheld, *upheld]) == State(Status.LOST)
    for wrong in (lost[1:], [*lost, Event.REGISTERED], [*lost, Event.FOUND]):
        with pytest.raises(EventNotPossible):
            led_to(wrong)


def test_the_docs_show_the_whole_table() -> None:
    """Written with `python -m tests.api.cards.life_cycle_table`."""
    from tests.api.cards.life_cycle_table import tables

    assert tables() in DOCS.read_text(encoding="utf-8")


def test_every_status_is_a_document_code() -> None:
    assert {catalogue()[status].kind for status in Status} == {"document"}


def test_tellers_read_the_words_they_know() -> None:
    words = {status: catalogue()[status].message.zh for status in Status}
    assert words[Status.LOST] == words[Status.STOLEN] == "证件已挂失。"
    assert words[Status.REISSUED] == words[Status.CANCELLED] == "证件已失效。"


@pytest.mark.parametrize("state", STATES, ids=str)
def test_what_is_possible_is_what_the_table_allows(state: State) -> None:
    assert possible(state, Event) == [event for event in Event if expected(state, event) is not None]
    assert possible(state, (Event.DISPUTE_OPENED,)) == ([] if state.disputed else [Event.DISPUTE_OPENED])

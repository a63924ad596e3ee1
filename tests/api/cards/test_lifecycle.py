"""Every event in every status: the whole table, written out from the rules of the register."""

import pytest

from api.cards.lifecycle import Event, EventNotPossible, Status, after
from api.errors import catalogue

LIVE = {Status.VALID, Status.LOST, Status.STOLEN}
ENDED = {Status.REISSUED, Status.CANCELLED, Status.DECEASED}

# What a status becomes; a missing cell is an event that cannot happen.
TABLE: dict[tuple[Status, Event], Status] = {
    (Status.VALID, Event.REPORTED_LOST): Status.LOST,
    (Status.VALID, Event.REPORTED_STOLEN): Status.STOLEN,
    (Status.LOST, Event.REPORTED_STOLEN): Status.STOLEN,
    (Status.LOST, Event.FOUND): Status.VALID,
    (Status.STOLEN, Event.FOUND): Status.VALID,
    **{(status, Event.REISSUED): Status.REISSUED for status in LIVE},
    **{(status, Event.CANCELLED): Status.CANCELLED for status in LIVE},
    **{(status, Event.HOLDER_DECEASED): Status.DECEASED for status in set(Status) - {Status.DECEASED}},
}


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("event", Event)
def test_every_event_in_every_status(status: Status, event: Event) -> None:
    expected = TABLE.get((status, event))
    if expected is None:
        with pytest.raises(EventNotPossible):
            after(status, event)
    else:
        assert after(status, event) is expected


def test_nothing_makes_an_ended_card_valid_again() -> None:
    reachable = set(ENDED)
    for _ in Status:
        reachable |= {TABLE[status, event] for status in reachable for event in Event if (status, event) in TABLE}
    assert reachable == ENDED


def test_every_status_is_a_document_code() -> None:
    assert {catalogue()[status].kind for status in Status} == {"document"}


def test_tellers_read_the_words_they_know() -> None:
    words = {status: catalogue()[status].message.zh for status in Status}
    assert words[Status.LOST] == words[Status.STOLEN] == "证件已挂失。"
    assert words[Status.REISSUED] == words[Status.CANCELLED] == "证件已失效。"

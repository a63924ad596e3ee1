"""What the verification asks of the database."""

from datetime import UTC, date, datetime, timedelta

import pytest

from api.service import Service
from api.verification import records
from api.verification.records import Moment


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        (datetime(2036, 3, 1, 15, 59, 59, 999999, UTC), date(2036, 3, 1)),
        (datetime(2036, 3, 1, 16, 0, 0, 0, UTC), date(2036, 3, 2)),
        (datetime(2026, 12, 31, 20, 0, 0, 0, UTC), date(2027, 1, 1)),
    ],
)
def test_the_day_of_validity_is_that_of_shanghai(instant: datetime, day: date) -> None:
    """Midnight there is 16:00 UTC of the day before."""
    assert records.day_of_validity(instant) == day


def test_the_clock_is_the_databases_and_moves_within_a_transaction(service: Service) -> None:
    with service.database.begin() as connection:
        first, second = (records.moment(connection, b"no such number") for _ in range(2))
    assert first.at.utcoffset() == timedelta(0)
    assert second.at > first.at, "the transaction's start would be older than a report that it waited for"
    assert second.day == records.day_of_validity(second.at)
    assert (second.locked_until, second.locked, second.lock_ended) == (None, False, None)


def test_a_lock_that_ended_is_when_failures_count_again() -> None:
    at = datetime(2026, 11, 22, 12, tzinfo=UTC)
    past, coming = at - timedelta(seconds=1), at + timedelta(seconds=1)
    assert (Moment(at, coming).locked, Moment(at, coming).lock_ended) == (True, None)
    assert (Moment(at, at).locked, Moment(at, at).lock_ended) == (False, at)
    assert (Moment(at, past).locked, Moment(at, past).lock_ended) == (False, past)

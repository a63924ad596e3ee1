"""What the verification asks of the database."""

from datetime import UTC, date, datetime, timedelta

import pytest

from api.service import Service
from api.verification import records


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
        first = records.clock(connection)
        second, day = records.decision_time(connection)
    assert first.utcoffset() == timedelta(0)
    assert second > first, "the transaction's start would be older than a report that it waited for"
    assert day == records.day_of_validity(second)

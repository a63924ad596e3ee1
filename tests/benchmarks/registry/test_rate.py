"""The made-up register: its cards, and a site loaded with them that is as the service would have left it."""

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text

from api.cards.number import normalise
from api.evidence.fsck.check import check, freeze
from benchmarks.registry import site as registry_site
from benchmarks.registry.cards import end_of, identity, leaves_of
from tests.folders import open_to_all

CARDS, EVERY = 900, 7


def test_no_card_is_another_and_all_are_in_time() -> None:
    drawn = [*range(3000), *range(9_997_000, 10_000_000), 19_999_999, 20_000_000]
    cards = [identity(number) for number in drawn]
    assert len({card.number for card in cards}) == len(cards)
    for card in cards:
        assert normalise(card.number) == card.number
        assert card.valid_from < date(2026, 1, 1)
        assert card.valid_to is not None
        assert card.valid_to > date(2036, 1, 1)


def test_leaves_are_counted_chunk_by_chunk() -> None:
    each = [1 + (end_of(number, EVERY) is not None) for number in range(CARDS)]
    assert leaves_of(0, CARDS, EVERY) == sum(each)
    assert leaves_of(130, 411, EVERY) == sum(each[130:411])


@pytest.mark.timeout(1800)
@pytest.mark.long
def test_a_load_that_was_broken_off_goes_on_and_is_sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_site, "CHUNK", 300)
    shape = "SELECT count(*) FROM pg_indexes WHERE tablename IN ('cards', 'card_events', 'templates', 'evidence')"
    with registry_site.open_site(open_to_all(tmp_path)) as site:
        with site.database.begin() as connection:
            before = connection.execute(text(shape)).scalar_one()
        with monkeypatch.context() as failing:
            failing.setattr(registry_site, "_restore", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                registry_site.load(site, CARDS, EVERY, processes=1)
        assert registry_site.loaded(site) == 0
        with pytest.raises(ValueError, match="another register"):
            registry_site.load(site, CARDS + 1, EVERY, processes=1)
        registry_site.load(site, CARDS, EVERY, processes=1)
        assert registry_site.loaded(site) == CARDS
        with site.database.begin() as connection:
            freeze(connection)
            report = check(connection, site.keys)
        with site.database.begin() as connection:
            after = connection.execute(text(shape)).scalar_one()
    assert report.findings == []
    assert report.leaves >= leaves_of(0, CARDS, EVERY)
    assert after == before
